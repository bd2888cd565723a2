//! The API of transaction files, one module for each operation.

mod caller;
mod correction;
mod days;
mod envelope;
mod file_errors;
pub mod http;
mod page;
mod part_headers;
mod presigned;
mod query;
mod status_page;
mod upload;
