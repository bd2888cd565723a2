//! What the sender of a file says is in it, as it is typed.

use crate::cli;
use crate::problem::Problem;
use domain::ControlTotals;
use serde_json::{Map, Value};

/// A statement, as the rules have it and as the API takes it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expected {
    pub(crate) control_totals: ControlTotals,
    /// The sums as they were typed, by currency.
    pub(crate) totals: Option<Value>,
}

impl Expected {
    /// Reads what was typed.
    pub(crate) fn read(typed: &cli::ExpectedArguments) -> Result<Self, Problem> {
        let totals = typed.expected_totals.as_deref().map(totals).transpose()?;
        let text = totals.as_ref().map(Value::to_string);
        let control_totals = ControlTotals::of_form(
            typed.expected_rows.as_deref().map(str::as_bytes),
            text.as_deref().map(str::as_bytes),
        );
        let control_totals = control_totals.map_err(|fault| {
            Problem::usage(fault.code.as_str(), format!("{} ({})", fault.reason, fault.code.as_str()))
        })?;
        Ok(Self { control_totals, totals })
    }
}

/// Sums with commas between them, as a JSON object. A currency that stands twice would have two.
fn totals(text: &str) -> Result<Value, Problem> {
    let mut members = Map::new();
    for part in text.split(',') {
        let repeated = match part.trim().split_once('=') {
            Some((code, sum)) => members.insert(code.to_owned(), sum.into()).is_some(),
            None => true,
        };
        if repeated {
            return Err(Problem::usage(
                "expected_totals_malformed",
                "--expected-totals names each currency once, with its sum: --expected-totals EUR=9.30,JPY=1200",
            ));
        }
    }
    Ok(members.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rows: Option<&str>, totals: Option<&str>) -> Result<Expected, Problem> {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Expected::read(&cli::ExpectedArguments { expected_rows: owned(rows), expected_totals: owned(totals) })
    }

    #[test]
    fn a_statement_is_read_strictly() {
        for totals in ["EUR=9.30", "EUR=9.3,JPY=0", "EUR=-1, JPY=1"] {
            assert!(read(None, Some(totals)).is_ok(), "{totals}");
        }
        for totals in
            ["", "EUR", "EUR=", "=1", "eur=1", "EUR=1e3", "EUR=+1", "EUR=1.", "EUR=1,EUR=2", "EUR=1,", "JPY=1.5"]
        {
            assert!(read(None, Some(totals)).is_err(), "{totals}");
        }
        assert!(read(Some("12"), None).is_ok());
        for rows in ["", "+1", "1.0", "-1", "x"] {
            assert!(read(Some(rows), None).is_err(), "{rows}");
        }
    }
}
