//! The upload API: a file or an upload comes in by HTTP, and files, days and documents are read.

mod caller;
mod correction;
mod days;
mod envelope;
pub mod http;
mod page;
mod part_headers;
mod presigned;
mod query;
mod rejection;
mod status_page;
mod upload;
