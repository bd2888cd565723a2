//! Splits a valid file into byte ranges that end at record ends, and reads the records of one range.

use super::Columns;
use super::fields::FieldReader;
use super::raw_record::RawRecord;
use super::record;
use super::scanner::Scanner;
use super::values::{ValueReader, Values};
use crate::limits::{BUCKET_FILE_BYTES_MAX, FILE_RANGES_MAX, FILE_ROWS_MAX, RANGE_ROWS_MIN};
use crate::{Totals, Transaction};
use serde::{Deserialize, Serialize};

/// A part of a file that one invocation processes. Only a range that a file can have is deserialized.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "WrittenRange")]
pub struct ByteRange {
    /// Its index among the file's ranges, from 0.
    pub index: u32,
    /// The offset of its first byte, at the start of a record.
    pub start: u64,
    /// The offset after its last byte, at the end of a record.
    pub end: u64,
    /// The number of its first data record, from 1.
    pub first_record: u32,
    /// The line of its first record, from 1.
    pub first_line: u32,
}

/// A range as JSON, before its numbers are checked.
#[derive(Deserialize)]
struct WrittenRange {
    index: u32,
    start: u64,
    end: u64,
    first_record: u32,
    first_line: u32,
}

impl TryFrom<WrittenRange> for ByteRange {
    type Error = &'static str;

    fn try_from(written: WrittenRange) -> Result<Self, Self::Error> {
        let WrittenRange { index, start, end, first_record, first_line } = written;
        // Every line has at least one byte, its line end.
        let is_of_a_file = start <= end
            && end <= BUCKET_FILE_BYTES_MAX
            && (1..=FILE_ROWS_MAX).contains(&first_record)
            && (1..=BUCKET_FILE_BYTES_MAX).contains(&u64::from(first_line));
        is_of_a_file.then_some(Self { index, start, end, first_record, first_line }).ok_or("no file has such a range")
    }
}

/// A position where a range may begin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Mark {
    pub(super) byte: u64,
    pub(super) record: u32,
    pub(super) line: u32,
}

/// Groups the marks, one every `RANGE_ROWS_MIN` records, into at most `FILE_RANGES_MAX` ranges of about equal size.
pub(super) fn plan(marks: &[Mark], rows: u32, bytes: u64) -> Vec<ByteRange> {
    let marks_a_range = (rows.div_ceil(RANGE_ROWS_MIN) as usize).div_ceil(FILE_RANGES_MAX).max(1);
    let starts: Vec<&Mark> = marks.iter().step_by(marks_a_range).collect();
    let ends = starts.iter().skip(1).map(|mark| mark.byte).chain([bytes]);
    (0..)
        .zip(starts.iter().zip(ends))
        .map(|(index, (mark, end))| ByteRange {
            index,
            start: mark.byte,
            end,
            first_record: mark.record,
            first_line: mark.line,
        })
        .collect()
}

/// A record of a range differs from what was validated; holds its number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("record {0} is not valid any more: the object is not the one that was validated")]
pub struct RecordChanged(pub u32);

/// What a range contains.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RangeSummary {
    /// Its records.
    pub rows: u32,
    /// The sums of its records.
    pub totals: Totals,
}

/// Reads the transactions of one range of a valid file. It does not check again whether they are acceptable: the list
/// of currencies, or another rule, may have changed since.
pub struct RangeReader {
    scanner: Scanner,
    checks: RangeChecks,
}

struct RangeChecks {
    field_reader: FieldReader,
    value_reader: ValueReader,
    columns: Columns,
    next_record: u32,
    summary: RangeSummary,
    changed: Option<RecordChanged>,
}

impl RangeReader {
    /// A reader for the bytes from `range.start` to `range.end`.
    #[must_use]
    pub fn new(range: &ByteRange, columns: Columns) -> Self {
        let checks = RangeChecks {
            field_reader: FieldReader::new(columns.has_notes()),
            value_reader: ValueReader::of_accepted(&columns),
            columns,
            next_record: range.first_record,
            summary: RangeSummary::default(),
            changed: None,
        };
        Self { scanner: Scanner::at(range.start, range.first_line), checks }
    }

    /// Reads the next bytes and passes each record's number and transaction to `on_transaction`.
    ///
    /// # Errors
    /// [`RecordChanged`] if a record is not valid.
    pub fn push(
        &mut self,
        chunk: &[u8],
        on_transaction: &mut impl FnMut(u32, &Transaction<'_>),
    ) -> Result<(), RecordChanged> {
        self.scanner.push(chunk, &mut |record| self.checks.record(&record, on_transaction));
        self.checks.changed.map_or(Ok(()), Err)
    }

    /// Ends the range.
    ///
    /// # Errors
    /// [`RecordChanged`] if its last record is not valid.
    pub fn finish(
        mut self,
        on_transaction: &mut impl FnMut(u32, &Transaction<'_>),
    ) -> Result<RangeSummary, RecordChanged> {
        self.scanner.finish(&mut |record| self.checks.record(&record, on_transaction));
        match self.checks.changed {
            Some(changed) => Err(changed),
            None => Ok(self.checks.summary),
        }
    }
}

impl RangeChecks {
    fn record(&mut self, record: &RawRecord<'_>, on_transaction: &mut impl FnMut(u32, &Transaction<'_>)) {
        if self.changed.is_some() {
            return;
        }
        let number = self.next_record;
        self.next_record += 1;
        let well_formed = record.errors.is_empty()
            && record.blank_lines.is_none()
            // The content of notes is ignored.
            && record::text_errors(record, |_| None).iter().all(|error| self.columns.get(error.field()).is_none())
            && (!self.field_reader.has_guards() || record::uncorrected(record, &self.columns).is_empty());
        let fields = self.field_reader.read(record);
        let transaction = if well_formed && fields.count() == self.columns.count() {
            self.value_reader.read(fields, record.text).and_then(Values::transaction)
        } else {
            None
        };
        match transaction {
            Some(transaction) => {
                self.summary.rows += 1;
                self.summary.totals.add(transaction.currency, transaction.amount);
                on_transaction(number, &transaction);
            }
            None => self.changed = Some(RecordChanged(number)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(start: u64, end: u64, first_record: u32, first_line: u32) -> Option<ByteRange> {
        let range = ByteRange { index: 0, start, end, first_record, first_line };
        let text = serde_json::to_string(&range).unwrap();
        serde_json::from_str(&text).ok().inspect(|read| assert_eq!(*read, range))
    }

    #[test]
    fn reads_accepted_records_even_if_rules_changed() {
        let columns = || super::super::Columns::new(super::super::Column::ALL.map(Some).to_vec());
        let of = |records: &str| {
            let range =
                ByteRange { index: 0, start: 57, end: 57 + records.len() as u64, first_record: 1, first_line: 2 };
            let mut reader = RangeReader::new(&range, columns());
            reader.push(records.as_bytes(), &mut |_, _| {})?;
            reader.finish(&mut |_, _| {}).map(|summary| (summary.rows, summary.totals.to_texts()))
        };
        let sums = |code: &str, sum: &str| (2, std::collections::BTreeMap::from([(code.to_owned(), sum.to_owned())]));
        for (code, amount, sum) in [("HRK", "1.50", "3.00"), ("QQQ", "1.125", "2.250"), ("JPY", "1.5", "3.0")] {
            let record = |id| format!("{id},{amount},{code},9999-01-15T10:00:00Z,x,completed\n");
            assert_eq!(of(&[record("T1"), record(" T1")].concat()), Ok(sums(code, sum)), "{code}");
        }
        assert_eq!(of("T1,1.50,hrk,2026-01-15T10:00:00Z,x,completed\n"), Err(RecordChanged(1)));
    }

    #[test]
    fn rejects_a_range_that_no_file_has() {
        let (bytes_max, rows_max) = (BUCKET_FILE_BYTES_MAX, FILE_ROWS_MAX);
        assert!(read(57, 969, 1, 2).is_some());
        assert!(read(0, bytes_max, rows_max, 2).is_some());
        for (start, end, first_record, first_line) in [
            (2, 1, 1, 2),
            (0, bytes_max + 1, 1, 2),
            (u64::MAX, u64::MAX, 1, 2),
            (0, 1, 0, 2),
            (0, 1, rows_max + 1, 2),
            (0, 1, u32::MAX, 2),
            (0, 1, 1, 0),
            (0, 1, 1, u32::MAX),
        ] {
            assert_eq!(read(start, end, first_record, first_line), None, "{start} {end} {first_record} {first_line}");
        }
    }
}
