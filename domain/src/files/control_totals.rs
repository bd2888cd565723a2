//! Control totals: the number of records and the totals that a sender expects of a file. A file that differs is
//! rejected, however well-formed it is: something was lost or changed in transit.

use crate::Currency;
use crate::csv::{ErrorCode, RowError, ValidationReport};
use crate::limits::{EXPECTED_TOTAL_DIGITS_MAX, EXPECTED_TOTALS_BYTES_MAX};
use crate::values::json::{self, Kind, Member, Value};
use crate::values::money::is_same_sum;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The expected figures. Each is optional.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ControlTotals {
    /// The number of data records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// The sum of each currency in the file, by its code, with all the decimals of the currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub totals: Option<BTreeMap<String, String>>,
}

/// Why control totals cannot be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ControlTotalsError {
    /// Which part.
    pub code: ControlTotalsErrorCode,
    /// The reason. It repeats nothing that was sent.
    pub reason: Cow<'static, str>,
}

/// The parts of control totals.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ControlTotalsErrorCode {
    /// The number of records is not a whole number in digits.
    ExpectedRowsMalformed,
    /// The totals are not a JSON object of amounts as strings, by currency.
    ExpectedTotalsMalformed,
}

impl ControlTotalsErrorCode {
    /// The code in responses. It is an interface and never changes.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ExpectedRowsMalformed => "expected_rows_malformed",
            Self::ExpectedTotalsMalformed => "expected_totals_malformed",
        }
    }
}

fn rows_error<T>() -> Result<T, ControlTotalsError> {
    let reason = Cow::Borrowed("\"expected_rows\" is the number of data records, in digits only");
    Err(ControlTotalsError { code: ControlTotalsErrorCode::ExpectedRowsMalformed, reason })
}

fn totals_error<T>(reason: impl Into<Cow<'static, str>>) -> Result<T, ControlTotalsError> {
    Err(ControlTotalsError { code: ControlTotalsErrorCode::ExpectedTotalsMalformed, reason: reason.into() })
}

impl ControlTotals {
    /// Reads the fields of a form: digits, and a JSON object such as `{"EUR": "9.30"}`. Surrounding blanks are ignored.
    ///
    /// # Errors
    /// The first [`ControlTotalsError`].
    pub fn of_form(rows: Option<&[u8]>, totals: Option<&[u8]>) -> Result<Self, ControlTotalsError> {
        let rows = rows.map(|text| rows_of(text.trim_ascii())).transpose()?;
        let totals = totals.map(totals_of_text).transpose()?;
        Ok(Self { rows, totals })
    }

    /// Reads the members of a JSON body: a number, and an object as in a form.
    ///
    /// # Errors
    /// The first [`ControlTotalsError`].
    pub fn of_members(rows: Option<&Value<'_>>, totals: Option<&Value<'_>>) -> Result<Self, ControlTotalsError> {
        let number = |value: &Value<'_>| {
            if value.kind == Kind::Number { rows_of(value.text.as_bytes()) } else { rows_error() }
        };
        Ok(Self { rows: rows.map(number).transpose()?, totals: totals.map(totals_of).transpose()? })
    }

    /// Whether nothing is expected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Compares a complete report with the expected figures: returns the differences and adds them to the report.
    #[must_use]
    pub fn check(&self, report: &mut ValidationReport) -> Vec<RowError> {
        // Before the row count becomes an error of the report: sums are compared only if the records have no errors.
        let totals = self.total_errors(report);
        let errors: Vec<RowError> = self.row_error(report).into_iter().chain(totals).collect();
        errors.iter().for_each(|error| report.add(error));
        errors
    }

    /// The difference in the number of records. It is not known for a file that was not read to its end.
    #[must_use]
    pub fn row_error(&self, report: &ValidationReport) -> Option<RowError> {
        self.rows.filter(|_| report.is_whole).and_then(|expected| row_error(expected, report.rows))
    }

    /// The differences in the sums. They are compared only if no record has an error.
    #[must_use]
    pub fn total_errors(&self, report: &ValidationReport) -> Vec<RowError> {
        match &self.totals {
            Some(expected) if report.is_valid() => total_errors(expected, &report.totals.to_texts()),
            _ => Vec::new(),
        }
    }

    /// The differences from the stored figures of a file that was valid before.
    #[must_use]
    pub fn errors_of_known(&self, rows: u32, totals: &BTreeMap<String, String>) -> Vec<RowError> {
        let of_rows = self.rows.and_then(|expected| row_error(expected, rows));
        let of_totals = self.totals.iter().flat_map(|expected| total_errors(expected, totals));
        of_rows.into_iter().chain(of_totals).collect()
    }
}

fn row_error(expected: u64, found: u32) -> Option<RowError> {
    let reason = format!("the file has {found} data records; expected_rows is {expected}");
    (expected != u64::from(found)).then(|| of_whole_file(ErrorCode::RowCountMismatch, reason))
}

fn total_errors(expected: &BTreeMap<String, String>, found: &BTreeMap<String, String>) -> Vec<RowError> {
    let mut codes: Vec<&String> = expected.keys().chain(found.keys()).collect();
    codes.sort_unstable();
    codes.dedup();
    let is_same = |code: &String| match (expected.get(code), found.get(code)) {
        // The list of currencies may have changed since the file was validated, and with it the decimals.
        (Some(expected), Some(found)) => is_same_sum(expected, found),
        _ => false,
    };
    let differs = codes.into_iter().filter(|code| !is_same(code));
    let reason = |code: &String| match (found.get(code), expected.get(code)) {
        (Some(found), Some(expected)) => {
            format!("the amounts in {code} add up to {found}; expected_totals has {expected}")
        }
        (Some(found), None) => format!("the amounts in {code} add up to {found}; expected_totals has no {code}"),
        (None, expected) => {
            let expected = expected.map_or("", String::as_str);
            format!("the file has no amounts in {code}; expected_totals has {expected}")
        }
    };
    differs.map(|code| of_whole_file(ErrorCode::TotalMismatch, reason(code))).collect()
}

fn of_whole_file(code: ErrorCode, reason: String) -> RowError {
    RowError { record: 0, line: 1, column: None, column_number: None, byte: 0, code, reason: reason.into() }
}

fn rows_of(digits: &[u8]) -> Result<u64, ControlTotalsError> {
    let text = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    text.and_then(|text| text.parse().ok()).map_or_else(rows_error, Ok)
}

fn totals_of_text(text: &[u8]) -> Result<BTreeMap<String, String>, ControlTotalsError> {
    if text.len() > EXPECTED_TOTALS_BYTES_MAX {
        return totals_error(format!("\"expected_totals\" is larger than {EXPECTED_TOTALS_BYTES_MAX} bytes"));
    }
    match json::parse(text) {
        Ok(value) => totals_of(&value),
        Err(error) => totals_error(format!("\"expected_totals\" is not JSON, at its byte {}", error.byte)),
    }
}

fn totals_of(value: &Value<'_>) -> Result<BTreeMap<String, String>, ControlTotalsError> {
    match &value.kind {
        Kind::Object(members) if !members.is_empty() => members.iter().map(total_of).collect(),
        _ => {
            totals_error("\"expected_totals\" is an object with the sum of each currency, such as {\"EUR\": \"9.30\"}")
        }
    }
}

fn total_of(member: &Member<'_>) -> Result<(String, String), ControlTotalsError> {
    // A known file may have a code that was retired since, and its sender may send it again.
    let Ok(currency) = Currency::past_or_present(member.name.as_bytes()) else {
        return totals_error("a member name of \"expected_totals\" is not a currency code that files may have");
    };
    let code = currency.code();
    let Kind::String(text) = &member.value.kind else {
        return totals_error(format!(
            "the total of {code} is not a string; write it in quotes, so that it is not rounded"
        ));
    };
    match canonical(text, usize::from(currency.decimals())) {
        Some(total) => Ok((code.to_owned(), total)),
        None => totals_error(format!(
            "the total of {code} is not a plain decimal of at most {EXPECTED_TOTAL_DIGITS_MAX} digits and {} decimals",
            currency.decimals()
        )),
    }
}

/// A decimal as [`crate::Totals::to_texts`] writes it, so that equal sums have equal texts: no leading zeros, and
/// exactly `decimals` decimals. None if the text is not a plain decimal or has more decimals that are not zero.
fn canonical(text: &str, decimals: usize) -> Option<String> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text),
    };
    let (whole, fraction) = match digits.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
        Some(_) => return None,
        None => (digits, ""),
    };
    let is_plain = !whole.is_empty() && whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    let is_negative_zero = !sign.is_empty() && whole.is_empty() && fraction.is_empty();
    let fits = whole.len() + fraction.len() <= EXPECTED_TOTAL_DIGITS_MAX && fraction.len() <= decimals;
    if !is_plain || is_negative_zero || !fits {
        return None;
    }
    let whole = if whole.is_empty() { "0" } else { whole };
    let point = if decimals > 0 { "." } else { "" };
    Some(format!("{sign}{whole}{point}{fraction:0<decimals$}"))
}

#[cfg(test)]
mod tests;
