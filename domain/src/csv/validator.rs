//! Validates a whole file while its bytes stream by.

use super::fields::{FieldReader, Fields};
use super::ids::{IdCheck, RepeatedIds};
use super::raw_record::RawRecord;
use super::record::{self, FieldError};
use super::record_set::RecordSet;
use super::report::{Limits, ValidationReport};
use super::scanner::Scanner;
use super::schema::note_fields;
use super::values::ValueReader;
use super::{Column, Columns, ErrorCode, RowError, range};
use crate::limits::{RANGE_ROWS_MIN, TIMESTAMP_FUTURE_SECONDS_MAX};
use crate::{Timestamp, Totals};
use std::collections::BTreeMap;

/// Feed it with [`FileValidator::push`], end it with [`FileValidator::finish`]. It holds one record, eight bytes for
/// each id (twice as many while their list grows), a mark for every thousand records and a bit for each record. A
/// second reading holds up to 66 bytes for each repeated id.
pub struct FileValidator {
    scanner: Scanner,
    /// The file's first bytes, until there are enough to tell its encoding.
    head: Option<Vec<u8>>,
    bytes: u64,
    checks: Checks,
}

const HEAD_BYTES: usize = 4;
const BYTE_ORDER_MARK: char = '\u{feff}';

impl FileValidator {
    /// A validator for a file that arrived at `received_at`.
    #[must_use]
    pub fn new(received_at: Timestamp, limits: Limits) -> Self {
        Self::with(received_at, limits, IdCheck::first())
    }

    /// A validator for a second reading of the same bytes, where `first` is the report of the first reading. It reports
    /// every error, those of repeated ids included, and skips the checks of records that had none.
    #[must_use]
    pub fn again(received_at: Timestamp, limits: Limits, first: &ValidationReport) -> Self {
        let mut validator = Self::with(received_at, limits, IdCheck::second(first.repeated_ids.clone()));
        validator.checks.totals = first.totals.clone();
        validator.checks.first_reading = Some(first.invalid_records.clone());
        validator
    }

    fn with(received_at: Timestamp, limits: Limits, ids: IdCheck) -> Self {
        let latest = received_at.plus_seconds(TIMESTAMP_FUTURE_SECONDS_MAX);
        Self { scanner: Scanner::at(0, 1), head: Some(Vec::new()), bytes: 0, checks: Checks::new(latest, limits, ids) }
    }

    /// Reads the next bytes of the file and passes every error in them to `on_error`.
    pub fn push(&mut self, chunk: &[u8], on_error: &mut impl FnMut(RowError)) {
        self.bytes += chunk.len() as u64;
        if self.bytes > self.checks.limits.bytes_max {
            let reason = format!("the file is larger than {} bytes", self.checks.limits.bytes_max);
            self.checks
                .stop_with(whole_file(ErrorCode::FileTooLarge, self.checks.limits.bytes_max).because(reason), on_error);
        }
        if self.checks.stopped {
            return;
        }
        match &mut self.head {
            Some(head) => {
                head.extend_from_slice(chunk);
                if head.len() >= HEAD_BYTES {
                    self.begin(on_error);
                }
            }
            None => self.scanner.push(chunk, &mut |record| self.checks.record(&record, on_error)),
        }
    }

    /// Ends the file.
    #[must_use]
    pub fn finish(mut self, on_error: &mut impl FnMut(RowError)) -> ValidationReport {
        self.begin(on_error);
        if !self.checks.stopped {
            self.scanner.finish(&mut |record| self.checks.record(&record, on_error));
        }
        self.checks.finish(self.bytes, on_error)
    }

    /// Checks the encoding by the first bytes and begins to scan.
    fn begin(&mut self, on_error: &mut impl FnMut(RowError)) {
        let Some(head) = self.head.take() else {
            return;
        };
        if matches!(head.as_slice(), [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [_, 0, _, 0, ..] | [0, _, 0, _, ..]) {
            self.checks.stop_with(whole_file(ErrorCode::EncodingUtf16, 0), on_error);
            return;
        }
        let (start, text) = match head.strip_prefix(b"\xef\xbb\xbf") {
            Some(text) => (BYTE_ORDER_MARK.len_utf8() as u64, text),
            None => (0, head.as_slice()),
        };
        self.scanner = Scanner::at(start, 1);
        self.scanner.push(text, &mut |record| self.checks.record(&record, on_error));
    }
}

/// An error of the file as a whole, with the reason of its code.
fn whole_file(code: ErrorCode, byte: u64) -> RowError {
    RowError { record: 0, line: 1, column: None, column_number: None, byte, code, reason: code.reason().into() }
}

impl RowError {
    fn because(mut self, reason: String) -> Self {
        self.reason = reason.into();
        self
    }
}

/// The checks of each record.
struct Checks {
    limits: Limits,
    /// The latest instant that a transaction may have.
    latest: Timestamp,
    field_reader: FieldReader,
    /// The columns of the header, once it was read.
    columns: Option<Columns>,
    value_reader: ValueReader,
    /// Set by an error after which the rest of the file is not checked.
    stopped: bool,
    rows: u32,
    ids: IdCheck,
    /// The invalid records that the first reading found, in the second reading.
    first_reading: Option<RecordSet>,
    invalid_records: RecordSet,
    totals: Totals,
    error_count: u64,
    errors_by_code: BTreeMap<ErrorCode, u64>,
    marks: Vec<range::Mark>,
}

impl Checks {
    fn new(latest: Timestamp, limits: Limits, ids: IdCheck) -> Self {
        Self {
            limits,
            latest,
            field_reader: FieldReader::default(),
            columns: None,
            value_reader: ValueReader::new(&Columns::default(), latest),
            stopped: false,
            rows: 0,
            ids,
            first_reading: None,
            invalid_records: RecordSet::default(),
            totals: Totals::default(),
            error_count: 0,
            errors_by_code: BTreeMap::new(),
            marks: Vec::new(),
        }
    }

    fn report(&mut self, error: RowError, on_error: &mut impl FnMut(RowError)) {
        self.error_count += 1;
        *self.errors_by_code.entry(error.code).or_default() += 1;
        on_error(error);
    }

    fn stop_with(&mut self, error: RowError, on_error: &mut impl FnMut(RowError)) {
        if !self.stopped {
            self.stopped = true;
            self.report(error, on_error);
        }
    }

    fn record(&mut self, record: &RawRecord<'_>, on_error: &mut impl FnMut(RowError)) {
        if self.stopped {
            return;
        }
        let number = if self.columns.is_some() { self.rows + 1 } else { 0 };
        let errors_before = self.error_count;
        self.record_errors(record, number, on_error);
        if number > 0 {
            self.invalid_records.push(self.error_count > errors_before);
        }
    }

    fn record_errors(&mut self, record: &RawRecord<'_>, number: u32, on_error: &mut impl FnMut(RowError)) {
        if number > self.limits.rows_max {
            let error =
                RowError { record: number, line: record.line, ..whole_file(ErrorCode::TooManyRows, record.byte) };
            self.stop_with(error.because(format!("the file has more than {} records", self.limits.rows_max)), on_error);
            return;
        }
        if let Some(blank) = record.blank_lines {
            let mut error =
                RowError { record: number, line: blank.line, ..whole_file(ErrorCode::BlankLine, blank.byte) };
            if blank.count > 1 {
                error = error.because(format!("{} lines from here on are blank", blank.count));
            }
            self.report(error, on_error);
        }
        for error in record.errors {
            let column = self.columns.as_ref().and_then(|columns| columns.get(error.field));
            let column_number = u32::try_from(error.field + 1).ok();
            let error = RowError {
                record: number,
                line: error.line,
                column,
                column_number,
                ..whole_file(error.code, error.byte)
            };
            self.report(error, on_error);
        }
        let errors = match self.columns.take() {
            None => self.header(record, on_error),
            Some(columns) => {
                let errors = self.data(record, number, &columns);
                self.columns = Some(columns);
                errors
            }
        };
        for error in errors {
            self.report(error.in_record(record, number), on_error);
        }
    }

    /// Reads the header and returns the errors of its fields. Missing columns are reported directly.
    fn header(&mut self, record: &RawRecord<'_>, on_error: &mut impl FnMut(RowError)) -> Vec<FieldError> {
        if !record.errors.is_empty() {
            self.columns = Some(Columns::default());
            return Vec::new();
        }
        let fields = self.field_reader.read(record);
        if let Some(code) = not_a_header(&fields) {
            self.columns = Some(Columns::default());
            self.stop_with(RowError { line: record.line, ..whole_file(code, record.byte) }, on_error);
            return Vec::new();
        }
        let mut errors = record::text_errors(record, |_| None);
        let notes = note_fields((0..fields.count()).map(|field| fields.get(field)));
        let mut named: Vec<Option<Column>> = Vec::new();
        for field in 0..fields.count() {
            if notes.is_some_and(|notes| notes.contains(&field)) {
                named.push(None);
                continue;
            }
            // A byte-order mark is its own error; the column after it is not unknown.
            let name = std::str::from_utf8(fields.get(field)).ok().map(|name| name.trim_start_matches(BYTE_ORDER_MARK));
            let column = name.and_then(Column::of_header_field);
            let repeated = column.is_some() && named.contains(&column);
            named.push(if repeated { None } else { column });
            if repeated {
                errors.push(FieldError::new(field, column, ErrorCode::HeaderRepeatedColumn));
            } else if column.is_none() {
                errors.push(FieldError::new(field, None, ErrorCode::HeaderUnknownColumn));
            }
        }
        for column in Column::ALL.into_iter().filter(|column| !named.contains(&Some(*column))) {
            let missing = RowError {
                line: record.line,
                column: Some(column),
                ..whole_file(ErrorCode::HeaderMissingColumn, record.byte)
            };
            self.report(missing.because(format!("the header lacks the column {}", column.name())), on_error);
        }
        let columns = Columns::new(named);
        self.value_reader = ValueReader::new(&columns, self.latest);
        self.field_reader = FieldReader::new(notes.is_some());
        self.columns = Some(columns);
        errors
    }

    /// Reads a data record and returns the errors of its fields.
    fn data(&mut self, record: &RawRecord<'_>, number: u32, columns: &Columns) -> Vec<FieldError> {
        self.rows = number;
        if number % RANGE_ROWS_MIN == 1 {
            self.marks.push(range::Mark { byte: record.byte, record: number, line: record.line });
        }
        if !record.errors.is_empty() || columns.count() == 0 {
            return Vec::new();
        }
        let was_valid = self.first_reading.as_ref().is_some_and(|invalid| !invalid.contains(number));
        let has_notes = self.field_reader.has_guards();
        let fields = self.field_reader.read(record);
        let mut errors = Vec::new();
        if !was_valid {
            errors = record::text_errors(record, |field| columns.get(field));
            if has_notes {
                errors.retain(|error| columns.get(error.field()).is_some());
                let uncorrected = record::uncorrected(record, columns);
                let is_reported = |error: &FieldError| errors.iter().any(|known| known.field() == error.field());
                let further: Vec<FieldError> = uncorrected.into_iter().filter(|error| !is_reported(error)).collect();
                errors.extend(further);
            }
            if fields.count() != columns.count() {
                if errors.is_empty() {
                    errors.push(wrong_field_count(fields.count(), columns.count()));
                }
                return errors;
            }
            let values = if errors.is_empty() { self.value_reader.read(fields, record.text) } else { None };
            match values {
                // A second reading keeps the sums of the first one.
                Some(_) if self.first_reading.is_some() => {}
                Some(values) => self.totals.add(values.currency, values.amount),
                None => {
                    let is_invalid = |field: usize| errors.iter().any(|error| error.field() == field);
                    errors.extend(self.value_reader.errors(fields, record.text, is_invalid));
                }
            }
        }
        // An id is compared even if another field has an error, so that no duplicate is hidden.
        let id = self.value_reader.position(Column::TransactionId);
        if let Some(field) = id.filter(|&field| !errors.iter().any(|error| error.field() == field))
            && let Some(first) = self.ids.earlier(fields.get(field), number)
        {
            let duplicate = FieldError::new(field, Some(Column::TransactionId), ErrorCode::TransactionIdDuplicate);
            errors.push(duplicate.because(format!("record {first} has the same id")));
        }
        if errors.len() > 1 {
            errors.sort_by_key(FieldError::field);
        }
        errors
    }

    fn finish(mut self, bytes: u64, on_error: &mut impl FnMut(RowError)) -> ValidationReport {
        if !self.stopped && self.columns.is_none() {
            let reason = if bytes == 0 { "the file has no bytes" } else { "the file has no records" };
            self.report(whole_file(ErrorCode::FileEmpty, 0).because(reason.to_owned()), on_error);
        } else if !self.stopped && self.rows == 0 {
            self.report(whole_file(ErrorCode::NoDataRows, bytes), on_error);
        }
        // If the rest of the file was not checked, a second reading would find nothing more.
        let (is_complete, repeated_ids) = if self.stopped { (true, RepeatedIds::default()) } else { self.ids.finish() };
        ValidationReport {
            rows: self.rows,
            error_count: self.error_count,
            errors_by_code: self.errors_by_code,
            totals: self.totals,
            columns: self.columns.unwrap_or_default(),
            ranges: range::plan(&self.marks, self.rows, bytes),
            is_complete,
            is_whole: !self.stopped,
            repeated_ids,
            invalid_records: self.invalid_records,
        }
    }
}

/// Why the first record is not a header of this format at all.
fn not_a_header(fields: &Fields<'_>) -> Option<ErrorCode> {
    let separator_line = fields.get(0).get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"sep="));
    let other_delimiter = (0..fields.count()).any(|field| fields.get(field).iter().any(|byte| b";\t|".contains(byte)));
    let names = |field| std::str::from_utf8(fields.get(field)).ok().and_then(Column::of_header_field);
    if separator_line {
        Some(ErrorCode::SeparatorLine)
    } else if other_delimiter && (0..fields.count()).all(|field| names(field).is_none()) {
        Some(ErrorCode::WrongDelimiter)
    } else {
        None
    }
}

fn wrong_field_count(found: usize, expected: usize) -> FieldError {
    let code = if found < expected { ErrorCode::TooFewFields } else { ErrorCode::TooManyFields };
    let field = if found < expected { found.saturating_sub(1) } else { expected };
    FieldError::new(field, None, code).because(format!("the record has {found} fields; the header has {expected}"))
}

#[cfg(test)]
mod tests;
