//! The responses of `POST /upload`.

use super::Sent;
use crate::api::file_errors::FileErrors;
use crate::inspection::Findings;
use adapters::ObjectStore;
use adapters::status_table::FileRecord;
use api::{Code, Rejection, Response, response};
use domain::{FileId, FileStatus, StatusToken};
use serde_json::json;

impl Sent<'_> {
    pub(super) fn accepted(&self, record: &FileRecord, duplicate: bool) -> Response {
        let message = match (duplicate, record.status, record.superseded_by.is_empty()) {
            (_, status, _) if status.is_failed() => {
                "The file is valid, but it could not be processed yet; send it again in a moment, it is never processed twice."
            }
            (false, _, _) => "The file is valid and is being processed; follow it at status_path.",
            (true, _, false) => {
                "This file was processed before, and a later file has replaced rows of it; nothing was done again. To process \
                 it again, so that its rows replace the later ones, send it to /upload?reprocess_attempt=, with the number that is the member attempt of this response."
            }
            (true, FileStatus::Completed, true) => {
                "This file was processed before; nothing was done again. To process it again, send it to \
                 /upload?reprocess_attempt=, with the number that is the member attempt of this response."
            }
            (true, _, true) => "This file is being processed already; follow it at status_path.",
        };
        let facts = &record.facts;
        let body = json!({
            "message": message,
            "file_id": self.file_id,
            "s3_key": record.facts.key.clone().unwrap_or_else(|| ObjectStore::validated_key(&self.file_id)),
            "row_count": facts.rows,
            "status": record.status,
            "attempt": record.attempt,
            "status_path": status_path(record),
            "totals": facts.totals.clone().unwrap_or_default(),
            "superseded_by": record.superseded_by,
            "duplicate": duplicate,
            "dry_run": false,
        });
        response::json(&body)
    }

    pub(super) fn rejected(&self, record: &FileRecord) -> Rejection {
        let listed = self.findings.first_errors.len();
        let count = self.findings.report.error_count;
        let message = if !record.is_rejected() {
            "The file does not have the control totals that you expect, and this upload was rejected. The very same file was \
             received before; status_path shows its status, which has not changed. Send it again with the right control \
             totals, or send the right file."
                .to_owned()
        } else {
            format!(
                "The file was rejected, and nothing of it was stored as transactions. Errors: {count}, of which {listed} are \
                 listed here; status_path links to a report of all. Correct them and send the whole file again."
            )
        };
        self.rejection(message, Some(status_path(record)), false)
    }

    /// The response to a dry run of a valid file. It names no object, since none is stored.
    pub(super) fn would_be_accepted(&self) -> Response {
        let report = &self.findings.report;
        let body = json!({
            "message": "The file is valid. This was a dry run: nothing was stored. To have the file processed, send it without dry_run.",
            "file_id": self.file_id,
            "s3_key": null,
            "row_count": report.rows,
            "status": "valid",
            "attempt": null,
            "status_path": null,
            "totals": report.totals.to_texts(),
            "superseded_by": [],
            "duplicate": false,
            "dry_run": true,
        });
        response::json(&body)
    }

    pub(super) fn would_be_rejected(&self) -> Rejection {
        let listed = self.findings.first_errors.len();
        let message = format!(
            "The file would be rejected. Errors: {}, of which {listed} are listed here. This was a dry run: nothing was stored. \
             Correct them and send the whole file again.",
            self.findings.report.error_count
        );
        self.rejection(message, None, true)
    }

    fn rejection(&self, message: String, status_path: Option<String>, dry_run: bool) -> Rejection {
        let Findings { report, first_errors, .. } = &self.findings;
        let errors = FileErrors {
            file_id: &self.file_id,
            status_path,
            rows: report.rows,
            error_count: report.error_count,
            errors_by_code: report.errors_by_code.iter().map(|(code, count)| (code.as_str(), *count)).collect(),
            errors: first_errors,
            dry_run,
            message,
        };
        errors.rejection()
    }
}

pub(crate) fn status_path(record: &FileRecord) -> String {
    path_to_status(&record.file_id, record.facts.token.as_ref())
}

/// The link to the status of a file, for those alone whose file it is.
pub(crate) fn path_to_status(file_id: &FileId, token: Option<&StatusToken>) -> String {
    format!("/files/{file_id}?token={}", token.map(StatusToken::reveal).unwrap_or_default())
}

pub(crate) fn attempt_unknown() -> Rejection {
    Rejection::new(
        Code::AttemptUnknown,
        "Nothing was done: the file has no such attempt. Name the one that you have seen, the member attempt of the file's \
         status; a file that was never sent is sent without reprocess_attempt.",
    )
}

pub(crate) fn exhausted() -> Rejection {
    Rejection::new(
        Code::AttemptsExhausted,
        "This file had too many attempts without success. Ask the operator to investigate.",
    )
}
