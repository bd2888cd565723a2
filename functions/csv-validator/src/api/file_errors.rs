//! The rejection of a file with errors: each with its position, its reason and its fix.

use api::{Code, Rejection};
use domain::FileId;
use domain::csv::RowError;
use serde_json::json;
use std::collections::BTreeMap;

/// What the response to a file with errors says.
pub(crate) struct FileErrors<'a> {
    pub(crate) file_id: &'a FileId,
    /// Where the rejection can be followed; none where it is recorded nowhere.
    pub(crate) status_path: Option<String>,
    pub(crate) rows: u32,
    pub(crate) error_count: u64,
    pub(crate) errors_by_code: BTreeMap<&'static str, u64>,
    /// The first of the errors.
    pub(crate) errors: &'a [RowError],
    pub(crate) dry_run: bool,
    /// What is to be done, and the outcome of the file.
    pub(crate) message: String,
}

impl FileErrors<'_> {
    pub(crate) fn rejection(self) -> Rejection {
        let truncated = self.error_count > self.errors.len() as u64;
        Rejection::new(Code::InvalidCsv, self.message).with_members([
            ("file_id", json!(self.file_id)),
            ("status_path", self.status_path.into()),
            ("row_count", self.rows.into()),
            ("error_count", self.error_count.into()),
            ("errors_by_code", json!(self.errors_by_code)),
            ("truncated", truncated.into()),
            ("errors", json!(self.errors)),
            ("dry_run", self.dry_run.into()),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::csv::{Column, ErrorCode};
    use domain::limits::ERRORS_IN_DRY_RUN_MAX;

    /// Lambda responds with 6 MB at most; the body is a text in it, so that every quote takes two bytes.
    #[test]
    fn the_longest_list_of_errors_fits_into_a_response() {
        const LAMBDA_RESPONSE_BYTES_MAX: usize = 6_291_556;
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
            json!(json!(error).to_string()).to_string().len()
        });
        let longest = longest.max().unwrap();
        assert!(longest * ERRORS_IN_DRY_RUN_MAX < LAMBDA_RESPONSE_BYTES_MAX, "{longest}");
    }
}
