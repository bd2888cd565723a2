//! The documents hold: their samples are run, their tables are made from the code, and what they name exists.

mod codes;
mod generated;
pub(crate) mod limits;
mod messages;
pub(crate) mod runbook;
mod samples;
pub(crate) mod security;
pub(crate) mod table_schema;

use std::path::{Path, PathBuf};

/// The directory of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
