//! Generated tables with known errors, with any quotes, line ends and order of columns: the validator reports exactly these
//! errors at their locations, and a table without errors has exactly its values.

use crate::decimal;
use crate::reading::{Texts, read, transactions};
use arbitrary::{Arbitrary, Result, Unstructured};
use domain::csv::{Column, ErrorCode, Limits};
use num_bigint::BigInt;
use std::collections::BTreeMap;
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

/// Currencies and their decimals by ISO 4217.
const CURRENCIES: [(&str, usize); 8] =
    [("USD", 2), ("EUR", 2), ("GBP", 2), ("JPY", 0), ("KRW", 0), ("BHD", 3), ("KWD", 3), ("CLF", 4)];
/// 0001-01-01T00:00:00Z with room for an offset, and the day after [`crate::ARRIVAL_MS`].
const SECONDS: std::ops::RangeInclusive<i64> = -62_135_500_000..=1_780_272_000 + 86_400;
const DIGITS_MAX: usize = 38;

/// A file and its expected errors.
#[derive(Debug)]
pub struct Table {
    /// Its bytes.
    pub file: Vec<u8>,
    /// The values of its records without their errors.
    transactions: Vec<Texts>,
    expected: Vec<Expected>,
}

/// An expected error: code, record, line, column number and byte.
type Expected = (ErrorCode, u32, u32, u32, u64);

/// An error of one field: its column, its value, and the code.
type FieldError = (Column, &'static str, ErrorCode);

const FIELD_ERRORS: [FieldError; 36] = [
    (Column::TransactionId, "", ErrorCode::FieldEmpty),
    (Column::TransactionId, " \t", ErrorCode::FieldEmpty),
    (Column::TransactionId, "T\u{e9}", ErrorCode::TransactionIdNotAscii),
    (Column::TransactionId, "T\u{200b}1", ErrorCode::TransactionIdNotAscii),
    (Column::TransactionId, "T\t1", ErrorCode::TransactionIdNotAscii),
    (Column::TransactionId, " T1", ErrorCode::TransactionIdPadded),
    (Column::TransactionId, "T1 ", ErrorCode::TransactionIdPadded),
    (Column::Amount, "", ErrorCode::FieldEmpty),
    (Column::Amount, "NaN", ErrorCode::AmountMalformed),
    (Column::Amount, "1e3", ErrorCode::AmountMalformed),
    (Column::Amount, "+1", ErrorCode::AmountMalformed),
    (Column::Amount, ".5", ErrorCode::AmountMalformed),
    (Column::Amount, "5.", ErrorCode::AmountMalformed),
    (Column::Amount, "1,5", ErrorCode::AmountMalformed),
    (Column::Amount, "\u{661}", ErrorCode::AmountMalformed),
    (Column::Amount, " 1", ErrorCode::AmountMalformed),
    (Column::Amount, "-0", ErrorCode::AmountNegativeZero),
    (Column::Amount, "-000", ErrorCode::AmountNegativeZero),
    (Column::Amount, "1.00000", ErrorCode::AmountTooManyDecimals),
    (Column::Amount, "123456789012345678901234567890123456789", ErrorCode::AmountTooManyDigits),
    (Column::Currency, "", ErrorCode::FieldEmpty),
    (Column::Currency, "usd", ErrorCode::CurrencyUnknown),
    (Column::Currency, "US", ErrorCode::CurrencyUnknown),
    (Column::Currency, "ZZZ", ErrorCode::CurrencyUnknown),
    (Column::Currency, "HRK", ErrorCode::CurrencyNotActive),
    (Column::Currency, "XAU", ErrorCode::CurrencyWithoutMinorUnit),
    (Column::Timestamp, "1768471200", ErrorCode::TimestampMalformed),
    (Column::Timestamp, "2026-01-15 10:00:00Z", ErrorCode::TimestampMalformed),
    (Column::Timestamp, "2026-01-15T10:00:00", ErrorCode::TimestampOffsetMissing),
    (Column::Timestamp, "2026-01-15T10:00:60Z", ErrorCode::TimestampOutOfRange),
    (Column::Timestamp, "2026-02-29T10:00:00Z", ErrorCode::TimestampOutOfRange),
    (Column::Timestamp, "9999-12-31T23:59:59Z", ErrorCode::TimestampInFuture),
    (Column::Merchant, "\u{7f}", ErrorCode::ControlCharacter),
    (Column::Merchant, "\u{feff}x", ErrorCode::ByteOrderMarkInside),
    (Column::Status, "Completed", ErrorCode::StatusUnknown),
    (Column::Status, "", ErrorCode::FieldEmpty),
];

/// Compares one table with its validation.
pub fn check(table: &Table) {
    let reading = read(&table.file, table.file.len(), Limits::default());
    let found: Vec<Expected> = reading
        .errors
        .iter()
        .map(|error| (error.code, error.record, error.line, error.column_number.unwrap_or_default(), error.byte))
        .collect();
    assert_eq!(found, table.expected);
    assert_eq!(reading.report.is_valid(), table.expected.is_empty());
    if table.expected.is_empty() {
        assert_eq!(transactions(&table.file, &reading.report, table.file.len()), table.transactions);
        assert_eq!(reading.report.totals.to_texts(), sums(&table.transactions));
    }
    crate::file::check(&table.file);
}

/// The sums by currency, added with big integers.
fn sums(transactions: &[Texts]) -> BTreeMap<String, String> {
    let mut sums: BTreeMap<&str, BigInt> = BTreeMap::new();
    for Texts { currency, amount, .. } in transactions {
        *sums.entry(currency).or_default() += decimal::units(amount, places_of(currency));
    }
    let text = |(currency, sum): (&str, BigInt)| {
        let places = places_of(currency);
        let digits = format!("{:0>width$}", sum.magnitude(), width = places + 1);
        let (whole, fraction) = digits.split_at(digits.len() - places);
        let sign = if sum < BigInt::ZERO { "-" } else { "" };
        let point = if places > 0 { "." } else { "" };
        (currency.to_owned(), format!("{sign}{whole}{point}{fraction}"))
    };
    sums.into_iter().map(text).collect()
}

fn places_of(currency: &str) -> usize {
    CURRENCIES.iter().find(|(code, _)| *code == currency).map_or(0, |(_, places)| *places)
}

impl<'a> Arbitrary<'a> for Table {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        let mut columns = Column::ALL;
        for index in (1..columns.len()).rev() {
            columns.swap(index, bytes.int_in_range(0..=index)?);
        }
        let mut writing = Writing::new(bytes.arbitrary()?);
        let names = columns.map(|column| {
            if writing.has_upper_case_header { column.name().to_uppercase() } else { column.name().to_owned() }
        });
        writing.record(&names, bytes)?;
        let rows = bytes.int_in_range(1..=12)?;
        let mut table = Self { file: Vec::new(), transactions: Vec::new(), expected: Vec::new() };
        for number in 1..=rows {
            let (written, texts) = row(number, bytes)?;
            let error = field_error(table.transactions.first(), bytes)?.filter(|_| number > 1);
            let values = columns.map(|column| match &error {
                Some((invalid, value, _)) if *invalid == column => (*value).to_owned(),
                _ => written[column as usize].clone(),
            });
            let (record_line, offsets) = (writing.line, writing.record(&values, bytes)?);
            if let Some((column, _, code)) = error {
                let field = columns.iter().position(|of_field| *of_field == column).expect("it is one of all");
                let breaks: usize = values[..field].iter().map(|value| value.matches('\n').count()).sum();
                let line = record_line + u32::try_from(breaks).expect("few lines");
                // An error of a single character is located after the quote.
                let is_of_character = matches!(code, ErrorCode::ByteOrderMarkInside | ErrorCode::ControlCharacter);
                let is_quoted = usize::try_from(offsets[field]).is_ok_and(|offset| writing.file[offset] == b'"');
                let byte = offsets[field] + u64::from(is_of_character && is_quoted);
                table.expected.push((code, number, line, u32::try_from(field + 1).expect("few"), byte));
            }
            table.transactions.push(texts);
        }
        table.file = writing.finish(bytes.arbitrary()?);
        Ok(table)
    }
}

/// The error of a record: mostly none.
fn field_error<'t>(
    first: Option<&'t Texts>,
    bytes: &mut Unstructured<'_>,
) -> Result<Option<(Column, &'t str, ErrorCode)>> {
    if !bytes.ratio(1, 8)? {
        return Ok(None);
    }
    Ok(match first {
        // The first record has no error, so that its ID is in the file.
        Some(first) if bytes.ratio(1, 8)? => {
            Some((Column::TransactionId, first.transaction_id.as_str(), ErrorCode::TransactionIdDuplicate))
        }
        _ => Some(*bytes.choose(&FIELD_ERRORS)?),
    })
}

/// A valid record: its fields as written, and as stored.
fn row(number: u32, bytes: &mut Unstructured<'_>) -> Result<([String; 6], Texts)> {
    let suffix: String = String::arbitrary(bytes)?.chars().filter(|c| matches!(c, ' '..='~')).take(100).collect();
    let transaction_id = format!("{number}-{}", suffix.trim_end());
    let (currency, places) = *bytes.choose(&CURRENCIES)?;
    let amount = amount(places, bytes)?;
    let (timestamp, kept_timestamp) = timestamp(bytes)?;
    let is_text = |c: &char| !c.is_control() && *c != '\u{feff}' || matches!(c, '\t' | '\n' | '\r');
    let name: String = String::arbitrary(bytes)?.chars().filter(is_text).take(1000).collect();
    let merchant = format!("{name}x");
    let status = *bytes.choose(&["completed", "pending", "failed"])?;
    let texts = Texts {
        transaction_id: transaction_id.clone(),
        amount: decimal::canonical(&amount).expect("it is made as one"),
        currency: currency.to_owned(),
        timestamp: kept_timestamp,
        merchant: merchant.clone(),
        status: status.to_owned(),
    };
    Ok(([transaction_id, amount, currency.to_owned(), timestamp, merchant, status.to_owned()], texts))
}

fn amount(places: usize, bytes: &mut Unstructured<'_>) -> Result<String> {
    let zeros = bytes.int_in_range(0..=3)?;
    let digits: String = (0..bytes.int_in_range(1..=DIGITS_MAX)?)
        .map(|_| Ok(char::from(bytes.int_in_range(b'0'..=b'9')?)))
        .collect::<Result<_>>()?;
    let fraction = bytes.int_in_range(0..=places.min(digits.len() - 1))?;
    let (whole, fraction) = digits.split_at(digits.len() - fraction);
    let point = if fraction.is_empty() { "" } else { "." };
    let plain = format!("{}{whole}{point}{fraction}", "0".repeat(zeros));
    let negative = format!("-{plain}");
    let takes_sign = bytes.arbitrary()? && decimal::canonical(&negative).is_some();
    Ok(if takes_sign { negative } else { plain })
}

/// An instant as written, and as stored.
fn timestamp(bytes: &mut Unstructured<'_>) -> Result<(String, String)> {
    let nanoseconds = if bytes.arbitrary()? { bytes.int_in_range(0..=999_999_999)? } else { 0 };
    let utc = OffsetDateTime::from_unix_timestamp(bytes.int_in_range(SECONDS)?).expect("it is in the calendar");
    let utc = utc.replace_nanosecond(nanoseconds).expect("it is below a second");
    let utc = if utc.unix_timestamp() == *SECONDS.end() { utc.replace_nanosecond(0).expect("zero") } else { utc };
    let offset = UtcOffset::from_whole_seconds(bytes.int_in_range(-1439..=1439)? * 60).expect("below a day");
    let written = utc.to_offset(offset).format(&Rfc3339).expect("a year of four digits");
    let (date, time) = (utc.date(), utc.time());
    let kept = format!("{date}T{:02}:{:02}:{:02}.{:09}Z", time.hour(), time.minute(), time.second(), utc.nanosecond());
    Ok((if bytes.arbitrary()? { written.to_lowercase() } else { written }, kept))
}

/// The style of a file.
#[derive(Arbitrary, Debug)]
struct Style {
    has_byte_order_mark: bool,
    has_upper_case_header: bool,
    quotes_all: bool,
}

/// A file that is being written.
struct Writing {
    file: Vec<u8>,
    line: u32,
    has_upper_case_header: bool,
    quotes_all: bool,
}

impl Writing {
    fn new(style: Style) -> Self {
        let file = if style.has_byte_order_mark { b"\xef\xbb\xbf".to_vec() } else { Vec::new() };
        Self { file, line: 1, has_upper_case_header: style.has_upper_case_header, quotes_all: style.quotes_all }
    }

    /// Writes a record, with quotes where they are needed or chosen, and returns the offsets of its fields.
    fn record(&mut self, values: &[String; 6], bytes: &mut Unstructured<'_>) -> Result<[u64; 6]> {
        let mut offsets = [0; 6];
        for (at, value) in values.iter().enumerate() {
            if at > 0 {
                self.file.push(b',');
            }
            offsets[at] = self.file.len() as u64;
            let needs_quotes = value.contains([',', '"', '\r', '\n']);
            if needs_quotes || self.quotes_all || bytes.ratio(1, 8)? {
                self.file.extend_from_slice(format!("\"{}\"", value.replace('"', "\"\"")).as_bytes());
            } else {
                self.file.extend_from_slice(value.as_bytes());
            }
            self.line += u32::try_from(value.matches('\n').count()).expect("few lines");
        }
        self.file.extend_from_slice(if bytes.arbitrary()? { b"\r\n" } else { b"\n" });
        self.line += 1;
        Ok(offsets)
    }

    /// The file, with or without its last line end.
    fn finish(mut self, keeps_last_line_end: bool) -> Vec<u8> {
        if !keeps_last_line_end {
            let end = self.file.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')).map_or(0, |last| last + 1);
            self.file.truncate(end);
        }
        self.file
    }
}
