//! `GET /files/{file_id}/correctable`: a rejected file as its sender can correct it and send it again, with the errors beside
//! each row.
//!
//! It is made anew for each request, from the very version that was rejected, and is kept in the bucket for some days. It has
//! the file's own content, so that only the partner whose file it is gets it.

use crate::Ports;
use crate::api::caller::partner_of;
use crate::api::query;
use crate::inspection::validator;
use adapters::object_store::{LINK_SECONDS, ObjectWriter, OpenObject};
use adapters::status_table::FileRecord;
use adapters::{Failure, ObjectStore, Tracer, logging};
use api::{ApiError, Code, Rejection, Response, request, response};
use domain::csv::correctable::is_correctable;
use domain::csv::{CorrectableSummary, CorrectableWriter, Limits, RowSelection, ValidationReport};
use domain::limits::{CORRECTABLE_ERRORS_MAX, CORRECTABLE_FILE_BYTES_MAX};
use domain::{FileId, FileStatus, Timestamp};
use lambda_http::Request;
use serde_json::json;

pub(crate) async fn correctable(request: &Request, ports: &Ports, tracer: &Tracer) -> Result<Response, ApiError> {
    let partner = partner_of(request)?;
    let file_id = request::path_parameter(request, "file_id").and_then(FileId::parse).ok_or_else(not_found)?;
    logging::set_file_id(file_id.as_str());
    let selection = query::row_selection(request)?;
    let record = tracer.step("read status", ports.status.read(&file_id)).await?.ok_or_else(not_found)?;
    // Another partner's file and an unknown one look alike, so that nobody learns which files exist.
    if record.facts.partner.as_deref() != Some(partner.as_str()) {
        return Err(not_found().into());
    }
    let rejected = RejectedVersion::of(&record).ok_or_else(not_rejected)?;
    let key = ObjectStore::correction_key(&file_id, record.attempt, name_of(selection));
    let making = rejected.make(ports, selection, &key);
    let summary = match tracer.step("make correctable", making).await {
        Ok(Made::File(summary)) => summary,
        Ok(Made::NothingToCorrect) => return Err(no_row_errors().into()),
        Ok(Made::TooLarge) => return Err(too_large().into()),
        Ok(Made::Gone) => return Err(not_kept().into()),
        Err(failure) => return Err(failure.into()),
    };
    tracing::info!(
        event = "correctable_file_created",
        rejected_rows = summary.rejected_rows,
        "the correctable file is created"
    );
    let name = format!("{file_id}-{}.csv", name_of(selection));
    let body = json!({
        "file_id": file_id,
        "rows": name_of(selection),
        "rejected_rows": summary.rejected_rows,
        "truncated": summary.is_truncated,
        "url": ports.objects.download_link(&key, &name).await?,
        "expires_in_seconds": LINK_SECONDS,
    });
    Ok(response::json(&body))
}

fn name_of(selection: RowSelection) -> &'static str {
    match selection {
        RowSelection::Rejected => "rejected",
        RowSelection::All => "all",
    }
}

fn not_found() -> Rejection {
    Rejection::new(
        Code::FileNotFound,
        "None of your files has this id; use the file_id of the upload's response and the key that sent it.",
    )
}

fn not_rejected() -> Rejection {
    let message =
        "The file was not rejected for its content, so there is nothing to correct; see its status at status_path.";
    Rejection::new(Code::NothingToCorrect, message)
}

fn no_row_errors() -> Rejection {
    let message = "The errors are not in single rows but in the file as a whole, or in its header; the report at status_path lists \
                   them. Correct the file where it comes from.";
    Rejection::new(Code::NothingToCorrect, message)
}

fn not_kept() -> Rejection {
    let message =
        "The rejected file is no longer kept. Correct it where it comes from, or send it again to have it checked.";
    Rejection::new(Code::NothingToCorrect, message)
}

fn too_large() -> Rejection {
    let message = format!(
        "The file is larger than {CORRECTABLE_FILE_BYTES_MAX} bytes, or has more than {CORRECTABLE_ERRORS_MAX} errors, the most \
         for which a correctable one is made here. Make it where you have the file: txn validate --correctable."
    );
    Rejection::new(Code::FileTooLarge, message)
}

/// What was made.
enum Made {
    /// It is in the bucket.
    File(CorrectableSummary),
    /// No record has an error of its own.
    NothingToCorrect,
    /// It would take too long here.
    TooLarge,
    /// The rejected file is no longer kept.
    Gone,
}

/// The version of a file that was rejected.
struct RejectedVersion<'a> {
    key: &'a str,
    version_id: &'a str,
    received_at_ms: u64,
}

impl<'a> RejectedVersion<'a> {
    /// The rejected version of a file, if it was rejected and is known.
    fn of(record: &'a FileRecord) -> Option<Self> {
        let facts = &record.facts;
        let is_rejected = record.status == FileStatus::ValidationFailed && facts.error_count.is_some();
        Some(Self {
            key: facts.key.as_deref().filter(|_| is_rejected)?,
            version_id: facts.version_id.as_deref()?,
            received_at_ms: facts.received_at_ms?,
        })
    }

    /// Reads the file twice, as its validation did, and stores what is made of it under `key`.
    async fn make(&self, ports: &Ports, selection: RowSelection, key: &str) -> Result<Made, Failure> {
        let Some(mut object) = self.open(ports).await? else {
            return Ok(Made::Gone);
        };
        if object.bytes_left().is_some_and(|bytes| bytes > CORRECTABLE_FILE_BYTES_MAX) {
            return Ok(Made::TooLarge);
        }
        let mut validator = validator(self.received_at_ms, None);
        while let Some(bytes) = object.next().await? {
            validator.push(&bytes, &mut |_| {});
        }
        let first = validator.finish(&mut |_| {});
        if !is_correctable(&first) {
            return Ok(Made::NothingToCorrect);
        }
        if first.error_count > CORRECTABLE_ERRORS_MAX {
            return Ok(Made::TooLarge);
        }
        self.write(ports, selection, key, &first).await
    }

    async fn write(
        &self,
        ports: &Ports,
        selection: RowSelection,
        key: &str,
        first: &ValidationReport,
    ) -> Result<Made, Failure> {
        let received_at = Timestamp::from_unix_milliseconds(self.received_at_ms);
        let mut correctable = CorrectableWriter::new(received_at, Limits::default(), first, selection);
        let Some(mut object) = self.open(ports).await? else {
            return Ok(Made::Gone);
        };
        let mut writer = ObjectWriter::new(&ports.objects, key.to_owned());
        let mut made = Vec::new();
        while let Some(bytes) = object.next().await? {
            correctable.push(&bytes, &mut |bytes| made.extend_from_slice(bytes));
            writer.append(&made).await?;
            made.clear();
        }
        let summary = correctable.finish(&mut |bytes| made.extend_from_slice(bytes));
        if summary.rejected_rows == 0 {
            // Two different ids only looked like one.
            return Ok(Made::NothingToCorrect);
        }
        writer.append(&made).await?;
        writer.finish().await?;
        Ok(Made::File(summary))
    }

    async fn open(&self, ports: &Ports) -> Result<Option<OpenObject>, Failure> {
        ports.objects.open_if_kept(self.key, self.version_id).await
    }
}
