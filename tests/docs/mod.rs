//! The documents: each is held to the code, the template and the services, can be read at a glance, and uses one word for one
//! thing.

mod lengths;
mod links;
mod promises;
mod readme;
mod repository;
mod runbook;
mod security;
mod table_schema;
mod words;
