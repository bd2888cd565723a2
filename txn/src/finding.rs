//! An error of a file, found here or by the API.

use domain::csv::{ErrorCode, RowError};
use serde::{Serialize, Serializer};
use serde_json::Value;

/// One error, with the same members as in a response of the API.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct Finding {
    /// The data record, from 1; 0 for the header or the file as a whole.
    pub(crate) record: u64,
    /// The line, from 1.
    pub(crate) line: u64,
    pub(crate) column: Option<String>,
    pub(crate) column_number: Option<u64>,
    /// The offset in the file, from 0.
    pub(crate) byte: u64,
    pub(crate) code: Code,
    pub(crate) reason: String,
    pub(crate) fix: String,
}

/// The code of an error.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Code {
    Known(ErrorCode),
    /// A code of a newer version of the API.
    Unknown(String),
}

impl Code {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Known(code) => code.as_str(),
            Self::Unknown(code) => code,
        }
    }

    fn parse(text: &str) -> Self {
        let known = ErrorCode::ALL.iter().find(|code| code.as_str() == text);
        known.map_or_else(|| Self::Unknown(text.to_owned()), |code| Self::Known(*code))
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl From<&RowError> for Finding {
    fn from(error: &RowError) -> Self {
        Self {
            record: error.record.into(),
            line: error.line.into(),
            column: error.column.map(|column| column.name().to_owned()),
            column_number: error.column_number.map(u64::from),
            byte: error.byte,
            code: Code::Known(error.code),
            reason: error.reason.to_string(),
            fix: error.code.fix().to_owned(),
        }
    }
}

impl Finding {
    /// An error in a response of the API. Missing members get default values.
    pub(crate) fn from_json(error: &Value) -> Self {
        let text = |name: &str| error[name].as_str().map(str::to_owned);
        let number = |name: &str| error[name].as_u64();
        Self {
            record: number("record").unwrap_or_default(),
            line: number("line").unwrap_or(1),
            column: text("column"),
            column_number: number("column_number"),
            byte: number("byte").unwrap_or_default(),
            code: Code::parse(error["code"].as_str().unwrap_or_default()),
            reason: text("reason").unwrap_or_default(),
            fix: text("fix").unwrap_or_default(),
        }
    }
}
