//! The documents say what the code does: their samples are run, their tables are made from the code, 
//! somewhere.

mod codes;
mod generated;
pub(crate) mod limits;
mod samples;
