//! The documents say what the code does: their samples are run, their tables are made from the code, their links lead
//! somewhere.

mod codes;
mod generated;
pub(crate) mod limits;
mod links;
mod samples;
