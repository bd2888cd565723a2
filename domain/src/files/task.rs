//! The data between the steps of the workflow: references, counts and sums, never rows.

use crate::FileId;
use crate::csv::{ByteRange, Columns};
use crate::limits::REPLACED_FILES_MAX;
use crate::values::money::ControlSum;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A valid file that is being processed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FileTask {
    /// The file.
    pub file_id: FileId,
    /// The attempt that processes it.
    pub attempt: u32,
    /// Its partner.
    pub partner: String,
    /// The key of its object.
    pub key: String,
    /// The version of the object that was validated.
    pub version_id: String,
    /// When it was received, in milliseconds since 1970.
    pub received_at_ms: u64,
    /// Its sequence in its partner's arrival order: of two files with the same transaction, the one with the greater
    /// sequence is in effect. An execution that an earlier version of this program began has none.
    #[serde(default)]
    pub sequence: Option<u64>,
    /// The columns of its header.
    pub columns: Columns,
    /// Its data records.
    pub rows: u32,
    /// The sums of its records by currency, as texts.
    pub totals: BTreeMap<String, String>,
}

/// The outcome of one byte range of a file.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct RangeOutcome {
    /// The index of the range in its file, from 0.
    pub index: u32,
    /// Its records.
    pub rows: u32,
    /// Of those, the ones that this attempt has written.
    pub stored: u32,
    /// Of those, the ones that an earlier attempt of the same file had written.
    pub unchanged: u32,
    /// Of those, the ones that a later file had superseded.
    pub superseded: u32,
    /// Of the rows written by this file, the ones that replaced a row of another file.
    #[serde(default)]
    pub replaced: u32,
    /// The number of replaced rows by file: [`REPLACED_FILES_MAX`] files at most.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub replaced_files: BTreeMap<FileId, u32>,
    /// The sums of its records by currency, as one number: with all sums of all ranges, the data of an execution could
    /// exceed the limit of Step Functions.
    pub control_sum: ControlSum,
}

/// The result of validation for the state machine. It always has all its members, since the state machine refers to
/// them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Validation {
    /// The next step.
    pub outcome: Next,
    /// The file, if it is valid.
    pub file: Option<FileTask>,
    /// The ranges to process.
    pub ranges: Vec<ByteRange>,
    /// Why the file or the object is rejected, if it is.
    pub rejection: Option<Rejection>,
    /// The rejected file, if the object is a file.
    #[serde(default)]
    pub rejected: Option<RejectedFile>,
}

/// A file that is rejected.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RejectedFile {
    /// The file.
    pub file_id: FileId,
    /// The attempt that rejected it.
    pub attempt: u32,
}

/// The step after validation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Next {
    /// Process the ranges.
    Process,
    /// Notify the sender that the file or the object is rejected, and end the workflow. This is data and not an error
    /// of the function: a sender's mistake must never raise an operator's alarm.
    Rejected,
    /// Nothing: the event is repeated, outdated, or not about a file.
    Done,
}

/// Why a file in the bucket is rejected.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Rejection {
    /// The reason, by name.
    pub error: RejectionReason,
    /// Details for the execution's history. They never contain content of the file.
    pub cause: String,
}

/// Why the workflow rejects a file or an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum RejectionReason {
    /// The file has errors, which are in its report.
    InvalidCsv,
    /// The key of the object has no prefix of a known partner.
    UnknownPartner,
    /// The object is larger than the limit.
    FileTooLarge,
    /// The object is not the file in its key, for which its upload was created.
    ContentDiffers,
}

impl RejectionReason {
    /// The stable code in messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidCsv => "invalid_csv",
            Self::UnknownPartner => "unknown_partner",
            Self::FileTooLarge => "file_too_large",
            Self::ContentDiffers => "content_differs",
        }
    }
}

impl FileTask {
    /// Its sequence in its partner's arrival order. A task of an earlier version of this program has the time of its
    /// arrival.
    #[must_use]
    pub fn effective_sequence(&self) -> u64 {
        self.sequence.unwrap_or(self.received_at_ms)
    }
}

impl Validation {
    /// Process these ranges of this file.
    #[must_use]
    pub fn process(file: FileTask, ranges: Vec<ByteRange>) -> Self {
        Self { outcome: Next::Process, file: Some(file), ranges, rejection: None, rejected: None }
    }

    /// Reject the object.
    #[must_use]
    pub fn rejected(error: RejectionReason, cause: impl Into<String>) -> Self {
        let rejection = Some(Rejection { error, cause: cause.into() });
        Self { outcome: Next::Rejected, file: None, ranges: Vec::new(), rejection, rejected: None }
    }

    /// Nothing is left to do.
    #[must_use]
    pub fn done() -> Self {
        Self { outcome: Next::Done, file: None, ranges: Vec::new(), rejection: None, rejected: None }
    }
}

impl RangeOutcome {
    /// The sum of two outcomes; none if a count overflows.
    fn plus(mut self, other: &Self) -> Option<Self> {
        for (file_id, rows) in &other.replaced_files {
            let has_room = self.replaced_files.len() < REPLACED_FILES_MAX;
            if has_room || self.replaced_files.contains_key(file_id) {
                let sum = self.replaced_files.entry(file_id.clone()).or_default();
                *sum = sum.checked_add(*rows)?;
            }
        }
        Some(Self {
            index: self.index,
            rows: self.rows.checked_add(other.rows)?,
            stored: self.stored.checked_add(other.stored)?,
            unchanged: self.unchanged.checked_add(other.unchanged)?,
            superseded: self.superseded.checked_add(other.superseded)?,
            replaced: self.replaced.checked_add(other.replaced)?,
            replaced_files: self.replaced_files,
            control_sum: self.control_sum + other.control_sum,
        })
    }
}

/// Adds up the outcomes of all ranges of a file.
///
/// # Errors
/// How the sum differs from what was validated: in its rows or in its totals.
pub fn add_up(file: &FileTask, outcomes: &[RangeOutcome]) -> Result<RangeOutcome, String> {
    let validated = ControlSum::of(&file.totals).ok_or_else(|| "a validated total cannot be read".to_owned())?;
    let sum = outcomes.iter().try_fold(RangeOutcome::default(), |sum, outcome| sum.plus(outcome));
    let sum = sum.ok_or_else(|| "the ranges have more rows than a file may have".to_owned())?;
    let written = [sum.stored, sum.unchanged, sum.superseded].map(u64::from).iter().sum::<u64>();
    if sum.rows != file.rows || written != u64::from(file.rows) {
        return Err(format!("{} rows were validated and {} processed", file.rows, sum.rows));
    }
    if sum.control_sum != validated {
        return Err("the totals of the processed rows differ from the validated totals".to_owned());
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(rows: u32, usd: &str) -> FileTask {
        FileTask {
            file_id: FileId::parse("0123456789abcdef0123456789abcdef").unwrap(),
            attempt: 1,
            partner: "acme".to_owned(),
            key: "validated/x.csv".to_owned(),
            version_id: "v".to_owned(),
            received_at_ms: 1,
            sequence: Some(1),
            columns: Columns::default(),
            rows,
            totals: BTreeMap::from([("USD".to_owned(), usd.to_owned())]),
        }
    }

    fn outcome(stored: u32, superseded: u32, usd: &str) -> RangeOutcome {
        RangeOutcome {
            rows: stored + superseded,
            stored,
            superseded,
            control_sum: ControlSum::of(&BTreeMap::from([("USD".to_owned(), usd.to_owned())])).unwrap(),
            ..RangeOutcome::default()
        }
    }

    #[test]
    fn processed_rows_must_match_validated_rows() {
        let parts = [outcome(2, 1, "1.10"), outcome(1, 0, "2.20")];
        let sum = add_up(&file(4, "3.30"), &parts).unwrap();
        assert_eq!((sum.rows, sum.stored, sum.superseded), (4, 3, 1));
        assert!(add_up(&file(5, "3.30"), &parts).is_err());
        assert!(add_up(&file(4, "3.31"), &parts).is_err());
        assert!(add_up(&file(3, "1.10"), &parts[..1]).is_ok());
        assert!(add_up(&file(3, "1.10"), &[]).is_err());
    }

    #[test]
    fn adds_up_replaced_rows_by_file() {
        let id = |number: usize| FileId::parse(&format!("{number:032x}")).unwrap();
        let replacing = |files: std::ops::Range<usize>| RangeOutcome {
            replaced: u32::try_from(files.len()).unwrap(),
            replaced_files: files.map(|number| (id(number), 1)).collect(),
            ..outcome(1, 0, "1.00")
        };
        let sum = add_up(&file(2, "2.00"), &[replacing(0..2), replacing(1..30)]).unwrap();
        assert_eq!((sum.replaced, sum.replaced_files.len()), (31, REPLACED_FILES_MAX));
        assert_eq!((sum.replaced_files[&id(0)], sum.replaced_files[&id(1)]), (1, 2));
    }

    #[test]
    fn rejects_counts_that_overflow() {
        let mut most = outcome(u32::MAX, 0, "0.00");
        assert!(add_up(&file(0, "0.00"), &[most.clone(), outcome(1, 0, "0.00")]).is_err());
        most.unchanged = 1;
        assert!(add_up(&file(u32::MAX, "0.00"), &[most]).is_err());
    }
}
