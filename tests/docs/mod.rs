//! The documents hold: what they name exists, and what they say of the code is so.

pub(crate) mod pages;
pub(crate) mod readme;
pub(crate) mod runbook;
pub(crate) mod security;
pub(crate) mod table_schema;
mod tables;
