//! The rules of transaction files and of payment webhooks, true on paper.
//!
//! Nothing here does I/O, reads a clock or an environment, or knows AWS. Bytes, a time and a known state go in;
//! records, errors with positions and decisions come out. Bad input is a value, never an `Err` of the machinery.

pub mod archive;
mod codes;
pub mod csv;
pub mod currency;
pub mod day;
mod day_shards;
pub mod fraud;
pub mod identity;
pub mod json;
pub mod lifecycle;
pub mod limits;
pub mod money;
pub mod partner_day;
mod pending_upload;
pub mod schedule;
pub mod statement;
mod status_token;
#[cfg(test)]
mod suites;
pub mod task;
pub mod timestamp;
pub mod transaction;
pub mod unfinished;
pub mod upload_request;
pub mod webhook;

pub use currency::Currency;
pub use day::Day;
pub use day_shards::DayShards;
pub use identity::{Caller, ContentDigest, FileId, Partner};
pub use lifecycle::FileStatus;
pub use money::{Money, Totals};
pub use pending_upload::PendingUpload;
pub use schedule::Schedules;
pub use statement::Statement;
pub use status_token::StatusToken;
pub use timestamp::Timestamp;
pub use transaction::{Transaction, TransactionStatus};
pub use upload_request::UploadRequest;
