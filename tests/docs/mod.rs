//! The documents: each is held to the code, the template and the services, can be read at a glance, and uses one word for one
//! thing.

mod lengths;
mod links;
mod promises;
pub(crate) mod readme;
mod repository;
pub(crate) mod runbook;
pub(crate) mod security;
pub(crate) mod table_schema;
mod words;
