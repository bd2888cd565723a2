//! The inbound HTTP side of both APIs: requests and responses, why requests are rejected, what the APIs say of
//! themselves.

pub mod gateway;
pub mod problem;
pub mod reference;
