//! The rules of transaction files and of payment webhooks.
//!
//! Nothing here does I/O, reads a clock or an environment, or knows AWS. Bytes, a time and a known state go in;
//! records, errors with positions and decisions come out. Invalid input
//! is a value, never an `Err`.

pub mod csv;
pub mod files;
#[cfg(test)]
mod layers;
pub mod limits;
pub mod payments;
#[cfg(test)]
mod suites;
pub mod values;

pub use csv::transaction::{Transaction, TransactionStatus};
pub use files::control_totals::ControlTotals;
pub use files::day_shards::DayShards;
pub use files::identity::{Caller, FileId, Partner};
pub use files::lifecycle::FileStatus;
pub use files::pending_upload::PendingUpload;
pub use files::schedule::Schedules;
pub use files::status_token::StatusToken;
pub use files::upload_request::UploadRequest;
pub use values::currency::Currency;
pub use values::day::Day;
pub use values::digest::{ContentDigest, ContentHasher};
pub use values::money::{Money, Totals};
pub use values::redacted::Redacted;
pub use values::timestamp::Timestamp;
