//! The documents hold: what they say of the code is so, what they name exists, their samples are run, their tables are made from
//! the code, they can be read at a glance, and they use one word for one thing.

mod codes;
mod generated;
mod lengths;
pub(crate) mod limits;
mod links;
mod messages;
pub(crate) mod pages;
mod promises;
mod repository;
pub(crate) mod runbook;
mod samples;
pub(crate) mod security;
pub(crate) mod table_schema;
mod tables;
mod words;

use std::path::{Path, PathBuf};

/// The directory of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
