//! An error of a file, found here or told by the API.

use domain::csv::RowError;
use serde_json::{Value, json};

/// One error, with the members that the API's answer has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Finding {
    /// The data record, from 1; 0 for the header or the file as a whole.
    pub(crate) record: u64,
    /// The line, from 1.
    pub(crate) line: u64,
    pub(crate) column: Option<String>,
    pub(crate) column_number: Option<u64>,
    /// The offset in the file, from 0.
    pub(crate) byte: u64,
    pub(crate) code: String,
    pub(crate) reason: String,
    pub(crate) fix: String,
}

impl From<&RowError> for Finding {
    fn from(error: &RowError) -> Self {
        Self {
            record: error.record.into(),
            line: error.line.into(),
            column: error.column.map(|column| column.name().to_owned()),
            column_number: error.column_number.map(u64::from),
            byte: error.byte,
            code: error.code.as_str().to_owned(),
            reason: error.reason.to_string(),
            fix: error.code.fix().to_owned(),
        }
    }
}

impl Finding {
    /// An error out of an answer of the API. What is missing there is taken for nothing.
    pub(crate) fn of_answer(error: &Value) -> Self {
        let text = |name: &str| error[name].as_str().map(str::to_owned);
        let number = |name: &str| error[name].as_u64();
        Self {
            record: number("record").unwrap_or_default(),
            line: number("line").unwrap_or(1),
            column: text("column"),
            column_number: number("column_number"),
            byte: number("byte").unwrap_or_default(),
            code: text("code").unwrap_or_default(),
            reason: text("reason").unwrap_or_default(),
            fix: text("fix").unwrap_or_default(),
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({
            "record": self.record,
            "line": self.line,
            "column": self.column,
            "column_number": self.column_number,
            "byte": self.byte,
            "code": self.code,
            "reason": self.reason,
            "fix": self.fix,
        })
    }
}
