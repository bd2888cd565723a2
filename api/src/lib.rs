//! The inbound HTTP side of both APIs: their routes, requests and responses, why requests are rejected, and the documents
//! about them.

pub mod gateway;
pub mod problem;
pub mod reference;
pub mod rejection;
pub mod request;
pub mod response;
pub mod routes;

pub use problem::Code;
pub use rejection::{ApiError, Rejection};
pub use response::Response;
