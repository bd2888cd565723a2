//! Reading a file with the validator, and with the reader that processes valid files.

use crate::ARRIVAL_MS;
use domain::csv::{ByteRange, FileValidator, Limits, RangeReader, RowError, ValidationReport};
use domain::{Timestamp, Totals, Transaction};

/// The result of the validation of a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) report: ValidationReport,
    pub(crate) errors: Vec<RowError>,
}

/// A transaction as texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Texts {
    pub(crate) transaction_id: String,
    pub(crate) amount: String,
    pub(crate) currency: String,
    pub(crate) timestamp: String,
    pub(crate) merchant: String,
    pub(crate) status: String,
}

impl Texts {
    fn of(transaction: &Transaction<'_>) -> Self {
        Self {
            transaction_id: transaction.transaction_id.to_owned(),
            amount: transaction.amount.to_string(),
            currency: transaction.currency.code().to_owned(),
            timestamp: transaction.timestamp.to_string(),
            merchant: transaction.merchant.to_owned(),
            status: transaction.status.as_str().to_owned(),
        }
    }
}

pub(crate) fn arrival() -> Timestamp {
    Timestamp::from_unix_milliseconds(ARRIVAL_MS)
}

/// Reads a file in chunks of so many bytes; twice, if its IDs seem to repeat.
pub(crate) fn read(file: &[u8], chunk_bytes: usize, limits: Limits) -> Reading {
    let first = read_once(FileValidator::new(arrival(), limits), file, chunk_bytes);
    if first.report.is_complete {
        return first;
    }
    let again = read_once(FileValidator::again(arrival(), limits, &first.report), file, chunk_bytes);
    assert!(again.report.is_complete, "a second pass is complete");
    again
}

/// Reads a file again, with the report of an earlier pass.
pub(crate) fn read_again(file: &[u8], limits: Limits, first: &ValidationReport) -> Reading {
    read_once(FileValidator::again(arrival(), limits, first), file, file.len())
}

fn read_once(mut validator: FileValidator, file: &[u8], chunk_bytes: usize) -> Reading {
    let mut errors = Vec::new();
    for chunk in file.chunks(chunk_bytes.max(1)) {
        validator.push(chunk, &mut |error| errors.push(error));
    }
    let report = validator.finish(&mut |error| errors.push(error));
    Reading { report, errors }
}

/// The transactions of a valid file, read by ranges as in the workflow. Every record must have its number, and the sums must be
/// those of the validation.
pub(crate) fn transactions(file: &[u8], report: &ValidationReport, chunk_bytes: usize) -> Vec<Texts> {
    let mut all = Vec::new();
    let mut sums = Totals::default();
    for range in &report.ranges {
        let mut take = |record: u32, transaction: &Transaction<'_>| {
            all.push(Texts::of(transaction));
            assert_eq!(record as usize, all.len(), "records are numbered consecutively");
            sums.add(transaction.currency, transaction.amount);
        };
        let mut reader = RangeReader::new(range, report.columns.clone());
        for chunk in bytes_of(file, range).chunks(chunk_bytes) {
            reader.push(chunk, &mut take).expect("the file is valid");
        }
        reader.finish(&mut take).expect("the file is valid");
    }
    assert_eq!(all.len(), report.rows as usize, "no record is lost between validation and processing");
    assert_eq!(sums, report.totals, "the sums are unchanged");
    all
}

fn bytes_of<'f>(file: &'f [u8], range: &ByteRange) -> &'f [u8] {
    let index = |offset: u64| usize::try_from(offset).expect("an offset of a file in memory");
    &file[index(range.start)..index(range.end)]
}
