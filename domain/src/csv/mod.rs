//! The CSV format of transaction files: strict RFC 4180 with a header of six columns.
//!
//! Bytes stream in, in chunks of any size. The result does not depend on the chunks. [`scanner`] finds the records and
//! every error of their structure, [`schema`] knows the columns, [`values`] reads one record into a
//! [`crate::Transaction`] or finds its errors, [`ids`] finds repeated ids, [`validator`] combines them for a whole
//! file, [`range`] reads one byte range of a valid file, and [`correctable`] turns a rejected file into one that its
//! sender can correct and send again.

pub mod correctable;
pub mod error;
mod fields;
pub mod guard;
mod ids;
pub mod range;
pub mod raw_record;
pub mod record;
mod record_set;
pub mod report;
pub mod scanner;
pub mod schema;
mod specials;
pub mod transaction;
pub mod validator;
mod values;

pub use correctable::{CorrectableSummary, CorrectableWriter, RowSelection};
pub use error::{ErrorCode, RowError};
pub use range::{ByteRange, RangeReader};
pub use report::{Limits, ValidationReport};
pub use schema::{Column, Columns, NOTE_COLUMNS};
pub use validator::FileValidator;
