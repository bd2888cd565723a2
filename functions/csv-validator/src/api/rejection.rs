//! The answer to a file that is refused: its errors, with their places, their reasons and their remedies.

use api::gateway::Answer;
use domain::FileId;
use domain::csv::RowError;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What is answered of a refused file.
pub(crate) struct Rejection<'a> {
    pub(crate) file_id: &'a FileId,
    /// Where the refusal can be followed; none where it is recorded nowhere.
    pub(crate) status_path: Option<String>,
    pub(crate) rows: u32,
    pub(crate) error_count: u64,
    pub(crate) errors_by_code: BTreeMap<&'static str, u64>,
    /// The first of the errors.
    pub(crate) errors: &'a [RowError],
    pub(crate) dry_run: bool,
    /// What is to be done, and what became of the file.
    pub(crate) message: String,
}

impl Rejection<'_> {
    pub(crate) fn answer(self) -> Answer {
        let counts: Map<String, Value> =
            self.errors_by_code.into_iter().map(|(code, count)| (code.to_owned(), count.into())).collect();
        let body = json!({
            "error": "invalid_csv",
            "message": self.message,
            "file_id": self.file_id,
            "status_path": self.status_path,
            "row_count": self.rows,
            "error_count": self.error_count,
            "errors_by_code": counts,
            "truncated": self.error_count > self.errors.len() as u64,
            "errors": self.errors.iter().map(row_error).collect::<Vec<_>>(),
            "dry_run": self.dry_run,
        });
        Answer::json(400, &body)
    }
}

fn row_error(error: &RowError) -> Value {
    json!({
        "record": error.record,
        "line": error.line,
        "column": error.column,
        "column_number": error.column_number,
        "byte": error.byte,
        "code": error.code.as_str(),
        "reason": error.reason,
        "fix": error.code.fix(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::csv::{Column, ErrorCode};
    use domain::limits::ERRORS_IN_DRY_RUN_MAX;

    /// Lambda answers 6 MB at most; in it stands the body as a text, so that every quote takes two bytes.
    #[test]
    fn the_longest_list_of_errors_fits_into_an_answer() {
        const LAMBDA_ANSWER_BYTES_MAX: usize = 6_291_556;
        /// What a reason may have beyond its code's own, such as two numbers.
        const DETAIL_BYTES: usize = 40;
        let longest = ErrorCode::ALL.iter().map(|code| {
            let error = RowError {
                record: u32::MAX,
                line: u32::MAX,
                column: Some(Column::TransactionId),
                column_number: Some(u32::MAX),
                byte: u64::from(u32::MAX),
                code: *code,
                reason: format!("{}{}", code.reason(), "x".repeat(DETAIL_BYTES)).into(),
            };
            json!(row_error(&error).to_string()).to_string().len()
        });
        let longest = longest.max().unwrap();
        assert!(longest * ERRORS_IN_DRY_RUN_MAX < LAMBDA_ANSWER_BYTES_MAX, "{longest}");
    }
}
