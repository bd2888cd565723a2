//! What is known about a file after it was read.

use super::ids::RepeatedIds;
use super::record_set::RecordSet;
use super::{ByteRange, Columns, ErrorCode, RowError};
use crate::Totals;
use crate::limits::{BUCKET_FILE_BYTES_MAX, FILE_ROWS_MAX};
use std::collections::BTreeMap;

/// Limits of one file.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most bytes.
    pub bytes_max: u64,
    /// Most data records.
    pub rows_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes_max: BUCKET_FILE_BYTES_MAX, rows_max: FILE_ROWS_MAX }
    }
}

/// The result of validating a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ValidationReport {
    /// Data records, valid or not.
    pub rows: u32,
    /// All errors, however many were listed.
    pub error_count: u64,
    /// How many errors of each code.
    pub errors_by_code: BTreeMap<ErrorCode, u64>,
    /// The sums of the valid records.
    pub totals: Totals,
    /// The column of each field.
    pub columns: Columns,
    /// The byte ranges to process, which end at record ends and cover all data records.
    pub ranges: Vec<ByteRange>,
    /// Whether every error was reported. If not, ids may repeat, and [`super::FileValidator::again`] must read the file
    /// once more.
    pub is_complete: bool,
    /// Whether the file was read to its end, so that all its records are counted.
    pub is_whole: bool,
    /// The ids that may repeat, for [`super::FileValidator::again`].
    pub(super) repeated_ids: RepeatedIds,
    /// The data records with an error, for [`super::FileValidator::again`], which checks only the ids of the others.
    pub(super) invalid_records: RecordSet,
}

impl ValidationReport {
    /// Whether the file has no error.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.error_count == 0 && self.is_complete
    }

    /// Whether a data record has an error, or may have one that the second reading finds.
    #[must_use]
    pub fn has_invalid_records(&self) -> bool {
        !self.is_complete || self.invalid_records.is_any_in()
    }

    /// Counts one more error of the file as a whole.
    pub fn add(&mut self, error: &RowError) {
        self.error_count += 1;
        *self.errors_by_code.entry(error.code).or_default() += 1;
    }
}
