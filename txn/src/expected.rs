//! The control totals in the arguments.

use crate::cli;
use crate::problem::Problem;
use domain::ControlTotals;
use serde_json::{Map, Value};

/// Control totals, as the validation and as the API take them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expected {
    pub(crate) control_totals: ControlTotals,
    /// The totals by currency, as they were written.
    pub(crate) totals: Option<Value>,
}

impl Expected {
    /// Parses the arguments.
    pub(crate) fn read(typed: &cli::ExpectedArguments) -> Result<Self, Problem> {
        let totals = typed.expected_totals.as_deref().map(totals).transpose()?;
        let text = totals.as_ref().map(Value::to_string);
        let control_totals = ControlTotals::of_form(
            typed.expected_rows.as_deref().map(str::as_bytes),
            text.as_deref().map(str::as_bytes),
        );
        let control_totals = control_totals.map_err(|error| {
            Problem::usage(error.code.as_str(), format!("{} ({})", error.reason, error.code.as_str()))
        })?;
        Ok(Self { control_totals, totals })
    }
}

/// Totals separated by commas, as a JSON object. A repeated currency is an error.
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
                "--expected-totals takes each currency once, with its total: --expected-totals EUR=9.30,JPY=1200",
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
    fn control_totals_are_parsed_strictly() {
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
