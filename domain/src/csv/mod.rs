//! The CSV file format of the partners: RFC 4180, strictly, with a header of six columns.
//!
//! Bytes stream in, in chunks of any size; what comes out does not depend on how they were cut.
//! [`scanner`] finds the records and every error of their structure, [`schema`] knows the columns, [`values`] reads one
//! record into a [`crate::Transaction`] or finds its errors, [`ids`] finds ids that repeat, [`validator`] puts them together for
//! a whole file, [`range`] reads one byte range of a file that was valid, and [`correctable`] makes of one that was refused a
//! file to be mended and sent again.

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
pub mod validator;
mod values;

pub use correctable::{CorrectableSummary, CorrectableWriter, RowSelection};
pub use error::{ErrorCode, RowError};
pub use range::{ByteRange, RangeReader};
pub use report::{Limits, ValidationReport};
pub use schema::{Column, Columns, NOTE_COLUMNS};
pub use validator::FileValidator;
