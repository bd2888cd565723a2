//! A file of any bytes: the verdict does not depend on the chunks, the errors are inside the file, and other parsers read an
//! accepted file in the same way.

use crate::decimal;
use crate::reading::{Reading, Texts, arrival, read, read_again, transactions};
use csv::{ReaderBuilder, StringRecord};
use domain::csv::correctable::is_correctable;
use domain::csv::{
    Column, CorrectableSummary, CorrectableWriter, ErrorCode, Limits, NOTE_COLUMNS, RowError, RowSelection,
    ValidationReport,
};
use domain::limits::RECORD_COLUMNS_MAX;
use std::collections::{BTreeMap, BTreeSet};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// A limit that small files exceed.
const FEW_ROWS: u32 = 3;

/// Checks all properties of one file.
pub fn check(file: &[u8]) {
    let reading = read(file, file.len(), Limits::default());
    let odd_bytes = 2 + file.len() % 61;
    for chunk_bytes in [1, odd_bytes] {
        assert_eq!(read(file, chunk_bytes, Limits::default()), reading, "chunks of {chunk_bytes} bytes");
    }
    check_errors(file, &reading);
    check_few_rows(file, odd_bytes);
    let again = read_again(file, Limits::default(), &reading.report);
    assert_eq!(again.report.error_count == 0, reading.report.error_count == 0, "another pass has the same verdict");
    if reading.report.is_valid() {
        check_valid(file, &reading, odd_bytes);
    } else {
        assert!(!reading.errors.is_empty(), "a rejected file has an error");
        check_correctable(file, &reading, odd_bytes);
    }
}

/// A limit on rows that a small file can exceed.
fn check_few_rows(file: &[u8], odd_bytes: usize) {
    let limits = Limits { rows_max: FEW_ROWS, ..Limits::default() };
    let reading = read(file, file.len(), limits);
    assert_eq!(read(file, odd_bytes, limits), reading);
    assert!(reading.report.rows <= FEW_ROWS);
    check_errors(file, &reading);
}

/// Errors are counted, ordered, and inside the file.
fn check_errors(file: &[u8], Reading { report, errors }: &Reading) {
    assert_eq!(report.error_count, errors.len() as u64);
    assert_eq!(report.errors_by_code.values().sum::<u64>(), report.error_count);
    let mut by_code = BTreeMap::new();
    for error in errors {
        *by_code.entry(error.code).or_insert(0) += 1;
        check_location(file, report, error);
    }
    assert_eq!(by_code, report.errors_by_code);
    assert!(errors.is_sorted_by_key(|error| error.record), "errors are in the order of their records");
}

fn check_location(file: &[u8], report: &ValidationReport, error: &RowError) {
    assert!(error.byte <= file.len() as u64, "{error:?}");
    let before = &file[..usize::try_from(error.byte).expect("it is at most the file's length")];
    let line_ends = before.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count();
    assert!(error.line >= 1 && error.line as usize <= line_ends + 1, "{error:?}: not beyond its byte");
    let records = report.rows + u32::from(error.code == ErrorCode::TooManyRows);
    assert!(error.record <= records, "{error:?}: of {records} records");
    let fields_max = RECORD_COLUMNS_MAX + 1;
    assert!(error.column_number.is_none_or(|number| (1..=fields_max).contains(&(number as usize))), "{error:?}");
    if let (Some(column), Some(number), 1..) = (error.column, error.column_number, error.record) {
        assert_eq!(report.columns.get(number as usize - 1), Some(column), "{error:?}");
    }
    assert!(!error.reason.is_empty() && !error.code.fix().is_empty());
}

fn check_valid(file: &[u8], reading: &Reading, odd_bytes: usize) {
    let report = &reading.report;
    assert!(report.rows >= 1 && report.is_whole && report.error_count == 0 && reading.errors.is_empty());
    check_ranges(file, report);
    let ours = transactions(file, report, file.len());
    assert_eq!(transactions(file, report, odd_bytes), ours, "ranges may be read in any chunks");
    check_identity(&ours);
    if !has_notes(report) {
        assert_eq!(by_another_reader(file, report), ours, "the csv crate reads the same");
    }
    let again = written(&ours);
    let second = read(&again, again.len(), Limits::default());
    assert_eq!(second.errors, [], "an accepted file is accepted when it is written again");
    assert_eq!((second.report.rows, &second.report.totals), (report.rows, &report.totals));
    assert_eq!(transactions(&again, &second.report, again.len()), ours);
}

/// The ranges are adjacent, from the first data record to the end.
fn check_ranges(file: &[u8], report: &ValidationReport) {
    let ranges = &report.ranges;
    assert_eq!(ranges.last().map(|range| range.end), Some(file.len() as u64));
    assert_eq!(ranges.first().map(|range| range.first_record), Some(1));
    assert!(ranges.iter().all(|range| range.start < range.end));
    assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].start && pair[0].first_record < pair[1].first_record));
}

fn check_identity(transactions: &[Texts]) {
    let ids: BTreeSet<&str> = transactions.iter().map(|transaction| transaction.transaction_id.as_str()).collect();
    assert_eq!(ids.len(), transactions.len(), "an accepted file has no repeated ID");
}

/// Whether a valid file has the columns of a correctable one.
fn has_notes(report: &ValidationReport) -> bool {
    report.columns.count() > Column::ALL.len()
}

/// The file as the `csv` and `time` crates read it.
fn by_another_reader(file: &[u8], report: &ValidationReport) -> Vec<Texts> {
    let value = |record: &StringRecord, column: Column| {
        let index = (0..report.columns.count()).find(|index| report.columns.get(*index) == Some(column));
        record[index.expect("a valid file has every column")].to_owned()
    };
    let text = |record: &StringRecord| Texts {
        transaction_id: value(record, Column::TransactionId),
        amount: decimal::canonical(&value(record, Column::Amount)).expect("a plain decimal"),
        currency: value(record, Column::Currency),
        timestamp: instant(&value(record, Column::Timestamp)),
        merchant: value(record, Column::Merchant),
        status: value(record, Column::Status),
    };
    records(file).iter().skip(1).map(text).collect()
}

/// The records of a file with a valid structure, by the `csv` crate.
fn records(file: &[u8]) -> Vec<StringRecord> {
    let text = file.strip_prefix(BYTE_ORDER_MARK).unwrap_or(file);
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text);
    reader.records().map(|record| record.expect("another parser accepts it, too")).collect()
}

/// An instant in our format, by the `time` crate.
fn instant(text: &str) -> String {
    let utc = OffsetDateTime::parse(text, &Rfc3339).expect("RFC 3339").to_offset(time::UtcOffset::UTC);
    format!("{}T{:02}:{:02}:{:02}.{:09}Z", utc.date(), utc.hour(), utc.minute(), utc.second(), utc.nanosecond())
}

/// Transactions as a plain file.
fn written(transactions: &[Texts]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let header = Column::ALL.map(Column::name);
    let rows = transactions.iter().map(|Texts { transaction_id, amount, currency, timestamp, merchant, status }| {
        [transaction_id, amount, currency, timestamp, merchant, status].map(String::as_str)
    });
    for row in std::iter::once(header).chain(rows) {
        writer.write_record(row).expect("writing to memory succeeds");
    }
    writer.into_inner().expect("writing to memory succeeds")
}

/// The correctable file has all selected records, and those without an error are unchanged.
fn check_correctable(file: &[u8], reading: &Reading, odd_bytes: usize) {
    if !is_correctable(&reading.report) {
        return;
    }
    let (all, summary) = correctable(file, &reading.report, RowSelection::All, file.len());
    assert_eq!(correctable(file, &reading.report, RowSelection::All, odd_bytes), (all.clone(), summary));
    let (rejected, of_rejected) = correctable(file, &reading.report, RowSelection::Rejected, odd_bytes);
    assert_eq!(of_rejected, summary);
    let invalid: BTreeSet<u32> = reading.errors.iter().map(|error| error.record).filter(|record| *record > 0).collect();
    assert_eq!(summary.rejected_rows as usize, invalid.len());
    let rows = records(&all);
    assert_eq!(rows.len(), 1 + reading.report.rows as usize, "it has every record");
    assert_eq!(records(&rejected).len(), 1 + invalid.len(), "it has every record with an error");
    assert!(rows.iter().all(|row| row.len() == rows[0].len()), "every row has the same columns");
    assert!(rows[0].iter().rev().take(NOTE_COLUMNS.len()).eq(NOTE_COLUMNS.into_iter().rev()));
    let has_note = |row: &StringRecord| !row[row.len() - NOTE_COLUMNS.len()].is_empty();
    let noted = (1..).zip(&rows[1..]).filter(|(_, row)| has_note(row)).map(|(number, _)| number);
    assert!(noted.eq(invalid), "the records with an error have notes");
    let header_is_valid = reading.errors.iter().all(|error| error.record > 0);
    if header_is_valid {
        check_valid_rows(reading, rows.iter().take(1).chain(rows[1..].iter().filter(|row| !has_note(row))));
    }
}

/// The valid records are accepted when they are sent again, with the same sums.
fn check_valid_rows<'r>(reading: &Reading, rows: impl Iterator<Item = &'r StringRecord>) {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(row).expect("writing to memory succeeds");
    }
    let valid = writer.into_inner().expect("writing to memory succeeds");
    let back = read(&valid, valid.len(), Limits::default());
    let only_empty = back.errors.iter().all(|error| error.code == ErrorCode::NoDataRows);
    assert!(only_empty, "valid records stay valid: {:?}", back.errors);
    // The sums of a rejected file include records with valid values and another error.
    let beside_values = [ErrorCode::TransactionIdDuplicate, ErrorCode::BlankLine];
    if !beside_values.iter().any(|code| reading.report.errors_by_code.contains_key(code)) {
        assert_eq!(back.report.totals, reading.report.totals);
    }
}

fn correctable(
    file: &[u8],
    first: &ValidationReport,
    rows: RowSelection,
    chunk_bytes: usize,
) -> (Vec<u8>, CorrectableSummary) {
    let mut out = Vec::new();
    let mut writer = CorrectableWriter::new(arrival(), Limits::default(), first, rows);
    for chunk in file.chunks(chunk_bytes) {
        writer.push(chunk, &mut |bytes| out.extend_from_slice(bytes));
    }
    let summary = writer.finish(&mut |bytes| out.extend_from_slice(bytes));
    (out, summary)
}
