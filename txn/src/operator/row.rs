//! A stored transaction, as a table row, CSV or JSON.

use crate::print;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::Currency;
use domain::csv::guard::needs_guard;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::HashMap;

/// The columns, in their order.
pub(crate) const COLUMNS: [&str; 8] =
    ["timestamp", "partner", "transaction_id", "amount", "currency", "status", "merchant", "file_id"];
/// Their widths in a table. A longer value is not cut off, but shifts the rest of its row.
const WIDTHS: [usize; 8] = [30, 12, 20, 14, 8, 9, 24, 32];
const TIMESTAMP: usize = 0;
const AMOUNT: usize = 3;
const CURRENCY: usize = 4;

/// One transaction. All values are text, also the amount, so that it stays exact.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Row([String; COLUMNS.len()]);

impl Row {
    /// The row of an item. A missing attribute is empty.
    pub(crate) fn of(item: &HashMap<String, AttributeValue>) -> Self {
        Self(COLUMNS.map(|name| match item.get(name) {
            Some(AttributeValue::S(text) | AttributeValue::N(text)) => text.clone(),
            _ => String::new(),
        }))
    }

    /// The sort key: the time, whose text has a fixed width, then the partner and the id, so that the order is stable.
    pub(crate) fn order(&self) -> (&str, &str, &str) {
        (&self.0[0], &self.0[1], &self.0[2])
    }

    pub(crate) fn to_json(&self) -> Value {
        let mut object = json!({});
        for (name, value) in COLUMNS.iter().zip(&self.0) {
            object[*name] = value.as_str().into();
        }
        object
    }

    /// A row of a table, with amounts padded to the currency's minor unit.
    pub(crate) fn to_table(&self) -> String {
        let mut cells = self.0.clone().map(|cell| print::sanitized(&cell));
        cells[TIMESTAMP] = without_zero_fraction(&cells[TIMESTAMP]);
        cells[AMOUNT] = padded(&cells[AMOUNT], &cells[CURRENCY]);
        print::table_row(&cells, &[AMOUNT], &WIDTHS)
    }

    /// A CSV record. A value that a spreadsheet would take for a formula gets an apostrophe.
    pub(crate) fn to_csv(&self) -> String {
        let mut writer = csv::Writer::from_writer(Vec::new());
        // Writing to a Vec cannot fail, and what is written is text.
        let _ = writer.write_record(self.0.iter().map(|cell| guarded(cell).into_owned()));
        let record = String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default();
        record.trim_end_matches('\n').to_owned()
    }
}

/// The headings of a table.
pub(crate) fn headings() -> String {
    print::table_row(&COLUMNS.map(str::to_owned), &[AMOUNT], &WIDTHS)
}

/// A timestamp without a zero fraction.
fn without_zero_fraction(timestamp: &str) -> String {
    match timestamp.split_once('.') {
        Some((seconds, fraction)) if fraction.trim_start_matches('0') == "Z" => format!("{seconds}Z"),
        _ => timestamp.to_owned(),
    }
}

/// An amount with zeros up to the minor unit of its currency: 18.5 EUR is 18.50. It stays text, so that it stays exact.
fn padded(amount: &str, currency: &str) -> String {
    // Codes that were replaced are padded too.
    let decimals = Currency::well_formed(currency.as_bytes()).map_or(0, |currency| usize::from(currency.decimals()));
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, ""));
    let is_plain =
        !whole.is_empty() && [whole, fraction].concat().bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    if decimals == 0 || !is_plain { amount.to_owned() } else { format!("{whole}.{fraction:0<decimals$}") }
}

/// The value, behind an apostrophe if a spreadsheet would take it for a formula.
fn guarded(value: &str) -> Cow<'_, str> {
    if needs_guard(value.as_bytes()) { format!("'{value}").into() } else { value.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pads_amounts_and_shortens_timestamps() {
        for (amount, currency, expected) in [
            ("18.5", "EUR", "18.50"),
            ("-3", "EUR", "-3.00"),
            ("9.25", "EUR", "9.25"),
            ("1200", "JPY", "1200"),
            ("18.5", "HRK", "18.50"),
            ("18.5", "QQQ", "18.5"),
            ("1.5", "BHD", "1.500"),
            ("1.125", "EUR", "1.125"),
            ("12345678901234567890123456789012345678", "USD", "12345678901234567890123456789012345678.00"),
            ("1E+2", "EUR", "1E+2"),
            ("1", "?", "1"),
            ("", "EUR", ""),
        ] {
            assert_eq!(padded(amount, currency), expected);
        }
        assert_eq!(without_zero_fraction("2026-01-15T10:00:00.000000000Z"), "2026-01-15T10:00:00Z");
        assert_eq!(without_zero_fraction("2026-01-15T10:00:00.500000000Z"), "2026-01-15T10:00:00.500000000Z");
    }

    #[test]
    fn guards_formulas_and_keeps_amounts_in_csv() {
        for (value, expected) in [
            ("plain", "plain"),
            ("-12.50", "-12.50"),
            ("12345678901234567890123456789012345678", "12345678901234567890123456789012345678"),
            ("=1+1", "'=1+1"),
            ("@x", "'@x"),
            ("-x", "'-x"),
            ("Smith, \"J\"", "\"Smith, \"\"J\"\"\""),
            ("two\nlines", "\"two\nlines\""),
        ] {
            let row = Row(std::array::from_fn(|index| if index == 0 { value.to_owned() } else { "x".to_owned() }));
            assert_eq!(row.to_csv(), format!("{expected},x,x,x,x,x,x,x"));
        }
    }
}
