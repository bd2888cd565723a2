//! What the steps of the workflow hand to each other: pointers, counts and sums, never rows.

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
    /// Who sent it.
    pub partner: String,
    /// Where its bytes lie.
    pub key: String,
    /// Which version of them was validated.
    pub version_id: String,
    /// When they arrived, in milliseconds since 1970.
    pub received_at_ms: u64,
    /// Its place in its partner's arrival order: of two files with the same transaction, the one with the greater place
    /// wins. An execution that an earlier version of this program began has none.
    #[serde(default)]
    pub sequence: Option<u64>,
    /// What its header says.
    pub columns: Columns,
    /// Its data records.
    pub rows: u32,
    /// The sums of its records by currency, as texts.
    pub totals: BTreeMap<String, String>,
}

/// What became of one byte range of a file.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct RangeOutcome {
    /// The range's place in its file, from 0.
    pub index: u32,
    /// Its records.
    pub rows: u32,
    /// Those that this attempt has written.
    pub stored: u32,
    /// Those that an earlier attempt of the same file had written.
    pub unchanged: u32,
    /// Those that a later file had written before.
    pub superseded: u32,
    /// Of those written by this file, the ones that replaced another file's row.
    #[serde(default)]
    pub replaced: u32,
    /// Whose rows were replaced, and how many: [`REPLACED_FILES_MAX`] files at most.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub replaced_files: BTreeMap<FileId, u32>,
    /// The sums of its records by currency, in one number: with the sums themselves, in every currency and from every
    /// range, the data of an execution would outgrow what Step Functions takes.
    pub control_sum: ControlSum,
}

/// What validation tells the state machine. It always has all its members, since the state machine names them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Validation {
    /// What comes next.
    pub outcome: Next,
    /// The file, where it is known.
    pub file: Option<FileTask>,
    /// The ranges to process.
    pub ranges: Vec<ByteRange>,
    /// Why the file or the object is rejected, where it is.
    pub rejection: Option<Rejection>,
    /// The rejected file, where the object is known as one.
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

/// What comes after validation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Next {
    /// The ranges are to be processed.
    Process,
    /// The file, or the object, is rejected: its sender is notified, and the workflow ends. This is data and no error of
    /// the function: what a partner gets wrong must raise no alarm for operators.
    Rejected,
    /// Nothing: the event is a repeat, outdated, or not of a file.
    Done,
}

/// Why a file in the bucket is refused.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Rejection {
    /// Its stable code.
    pub error: RejectionReason,
    /// What was found, for whoever reads the execution. It never holds a file's content.
    pub cause: String,
}

/// Why the workflow rejects a file or an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum RejectionReason {
    /// The file broke rules of the format. Its errors are in its report.
    InvalidCsv,
    /// The object lies under a prefix that no known partner owns.
    UnknownPartner,
    /// The object is larger than a file may be.
    FileTooLarge,
    /// The object is not the file that its upload was created for, and whose name its key has.
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
    /// Its place in its partner's arrival order. One that an earlier version of this program began has the time of its arrival.
    #[must_use]
    pub fn effective_sequence(&self) -> u64 {
        self.sequence.unwrap_or(self.received_at_ms)
    }
}

impl Validation {
    /// These ranges of this file are to be processed.
    #[must_use]
    pub fn process(file: FileTask, ranges: Vec<ByteRange>) -> Self {
        Self { outcome: Next::Process, file: Some(file), ranges, rejection: None, rejected: None }
    }

    /// The object is rejected.
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
    /// The sum of two; none where a count is beyond what counts may be.
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

/// The outcomes of all ranges of a file, added up.
///
/// # Errors
/// Why the parts are not the whole that was validated: rows or money are missing or too many.
pub fn add_up(file: &FileTask, outcomes: &[RangeOutcome]) -> Result<RangeOutcome, String> {
    let validated = ControlSum::of(&file.totals).ok_or_else(|| "a sum that was validated cannot be read".to_owned())?;
    let sum = outcomes.iter().try_fold(RangeOutcome::default(), |sum, outcome| sum.plus(outcome));
    let sum = sum.ok_or_else(|| "the ranges have more rows than a file may have".to_owned())?;
    let written = [sum.stored, sum.unchanged, sum.superseded].map(u64::from).iter().sum::<u64>();
    if sum.rows != file.rows || written != u64::from(file.rows) {
        return Err(format!("{} rows were validated and {} processed", file.rows, sum.rows));
    }
    if sum.control_sum != validated {
        return Err("the sums of the rows processed are not those of the rows validated".to_owned());
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
    fn what_was_processed_must_be_what_was_validated() {
        let parts = [outcome(2, 1, "1.10"), outcome(1, 0, "2.20")];
        let sum = add_up(&file(4, "3.30"), &parts).unwrap();
        assert_eq!((sum.rows, sum.stored, sum.superseded), (4, 3, 1));
        assert!(add_up(&file(5, "3.30"), &parts).is_err());
        assert!(add_up(&file(4, "3.31"), &parts).is_err());
        assert!(add_up(&file(3, "1.10"), &parts[..1]).is_ok());
        assert!(add_up(&file(3, "1.10"), &[]).is_err());
    }

    #[test]
    fn replaced_rows_are_added_up_by_their_files() {
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
    fn counts_that_no_file_has_are_refused_and_do_not_begin_anew() {
        let mut most = outcome(u32::MAX, 0, "0.00");
        assert!(add_up(&file(0, "0.00"), &[most.clone(), outcome(1, 0, "0.00")]).is_err());
        most.unchanged = 1;
        assert!(add_up(&file(u32::MAX, "0.00"), &[most]).is_err());
    }
}
