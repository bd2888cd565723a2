//! What `POST /upload` answers.

use super::Sent;
use crate::api::rejection::Rejection;
use crate::inspection::Findings;
use adapters::ObjectStore;
use adapters::status_table::FileRecord;
use api::gateway::{Answer, Refusal};
use domain::{FileId, FileStatus, StatusToken};
use serde_json::json;

impl Sent<'_> {
    pub(super) fn accepted(&self, record: &FileRecord, duplicate: bool) -> Answer {
        let message = match (duplicate, record.status, record.superseded_by.is_empty()) {
            (_, status, _) if status.is_failed() => {
                "The file is valid, but it could not be processed yet; send it again in a moment, it is never processed twice."
            }
            (false, _, _) => "The file is valid and is being processed; follow it at status_path.",
            (true, _, false) => {
                "This file was processed before, and a later file has replaced rows of it; nothing was done again. To process \
                 it again, so that its rows replace the later ones, send it to /upload?reprocess_attempt=, with the number that is the member attempt of this answer."
            }
            (true, FileStatus::Completed, true) => {
                "This file was processed before; nothing was done again. To process it again, send it to \
                 /upload?reprocess_attempt=, with the number that is the member attempt of this answer."
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
        Answer::json(200, &body)
    }

    pub(super) fn rejected(&self, record: &FileRecord) -> Answer {
        let listed = self.findings.first_errors.len();
        let count = self.findings.report.error_count;
        let message = if !record.is_rejected() {
            "The file is not what you stated of it, and this upload was refused. The very same file came before, and stands as \
             status_path tells; nothing of that has changed. Send it again with the right numbers, or send the right file."
                .to_owned()
        } else {
            format!(
                "The file was refused, and nothing of it was stored as transactions. Errors: {count}, of which {listed} are \
                 listed here; status_path links to a report of all. Correct them and send the whole file again."
            )
        };
        self.rejection(message, Some(status_path(record)), false).answer()
    }

    /// The answer of a dry run of a valid file. What would be stored where is not said, since nothing is.
    pub(super) fn would_be_accepted(&self) -> Answer {
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
        Answer::json(200, &body)
    }

    pub(super) fn would_be_rejected(&self) -> Answer {
        let listed = self.findings.first_errors.len();
        let message = format!(
            "The file would be refused. Errors: {}, of which {listed} are listed here. This was a dry run: nothing was stored. \
             Correct them and send the whole file again.",
            self.findings.report.error_count
        );
        self.rejection(message, None, true).answer()
    }

    pub(super) fn rejection(&self, message: String, status_path: Option<String>, dry_run: bool) -> Rejection<'_> {
        let Findings { report, first_errors, .. } = &self.findings;
        Rejection {
            file_id: &self.file_id,
            status_path,
            rows: report.rows,
            error_count: report.error_count,
            errors_by_code: report.errors_by_code.iter().map(|(code, count)| (code.as_str(), *count)).collect(),
            errors: first_errors,
            dry_run,
            message,
        }
    }
}

pub(crate) fn status_path(record: &FileRecord) -> String {
    path_to_status(&record.file_id, record.facts.token.as_ref())
}

/// The link to the status of a file, for those alone whose file it is.
pub(crate) fn path_to_status(file_id: &FileId, token: Option<&StatusToken>) -> String {
    format!("/files/{file_id}?token={}", token.map(StatusToken::reveal).unwrap_or_default())
}

pub(crate) fn attempt_unknown() -> Refusal {
    Refusal::new(
        409,
        "attempt_unknown",
        "Nothing was done: the file has no such attempt. Name the one that you have seen, the member attempt of the file's \
         status; a file that was never sent is sent without reprocess_attempt.",
    )
}

pub(crate) fn exhausted() -> Refusal {
    Refusal::new(
        409,
        "attempts_exhausted",
        "This file was tried too often without success. Ask the operator to look into it.",
    )
}
