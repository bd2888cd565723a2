//! What the steps of the workflow hand to each other: pointers, counts and sums, never rows.

use crate::FileId;
use crate::csv::{ByteRange, Columns};
use crate::money::ControlSum;
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
    /// When they arrived, in milliseconds since 1970. Of two files with the same transaction, the later one wins.
    pub received_at_ms: u64,
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
    /// Those that stand now because of this attempt.
    pub stored: u32,
    /// Those that stood already, from the same file.
    pub unchanged: u32,
    /// Those that a later file had overtaken.
    pub superseded: u32,
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
    /// Why the file is refused, where it is.
    pub refusal: Option<Refusal>,
}

/// What comes after validation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Next {
    /// The ranges are to be processed.
    Process,
    /// The workflow ends as failed. This is data and no error of the function: what a partner gets wrong must not
    /// raise the alarm for what we get wrong.
    Refused,
    /// Nothing: the event is a repeat, outdated, or not of a file.
    Done,
}

/// Why a file in the bucket is refused.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Refusal {
    /// The name under which the workflow fails.
    pub error: RefusalName,
    /// What was found, for the dead-letter queue. It never holds a file's content.
    pub cause: String,
}

/// The names under which the workflow refuses a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum RefusalName {
    /// The file broke rules of the format. Its errors are in its report.
    InvalidCsv,
    /// The object lies under a prefix that no known partner owns.
    UnknownPartner,
    /// The object is larger than a file may be.
    FileTooLarge,
    /// The object is not the file that its sender announced, and whose name its key has.
    ContentDiffers,
}

impl Validation {
    /// These ranges of this file are to be processed.
    #[must_use]
    pub fn process(file: FileTask, ranges: Vec<ByteRange>) -> Self {
        Self { outcome: Next::Process, file: Some(file), ranges, refusal: None }
    }

    /// The file is refused.
    #[must_use]
    pub fn refused(file: Option<FileTask>, error: RefusalName, cause: impl Into<String>) -> Self {
        let refusal = Some(Refusal { error, cause: cause.into() });
        Self { outcome: Next::Refused, file, ranges: Vec::new(), refusal }
    }

    /// Nothing is left to do.
    #[must_use]
    pub fn done() -> Self {
        Self { outcome: Next::Done, file: None, ranges: Vec::new(), refusal: None }
    }
}

impl RangeOutcome {
    /// The sum of two; none where a count is beyond what counts may be.
    fn plus(self, other: &Self) -> Option<Self> {
        Some(Self {
            index: self.index,
            rows: self.rows.checked_add(other.rows)?,
            stored: self.stored.checked_add(other.stored)?,
            unchanged: self.unchanged.checked_add(other.unchanged)?,
            superseded: self.superseded.checked_add(other.superseded)?,
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
    fn counts_that_no_file_has_are_refused_and_do_not_begin_anew() {
        let mut most = outcome(u32::MAX, 0, "0.00");
        assert!(add_up(&file(0, "0.00"), &[most.clone(), outcome(1, 0, "0.00")]).is_err());
        most.unchanged = 1;
        assert!(add_up(&file(u32::MAX, "0.00"), &[most]).is_err());
    }
}
