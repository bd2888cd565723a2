//! `GET /files/{file_id}/correctable`: a refused file as its sender can mend it and send it again, with what is wrong beside
//! each row.
//!
//! It is made anew each time that it is asked for, from the very version that was refused, and lies in the bucket for some
//! days. It has what the file had, so that it goes to the partner alone whose file it is.

use crate::Ports;
use crate::api::caller::partner_of;
use crate::api::query;
use crate::inspection::validator;
use adapters::object_store::{LINK_SECONDS, ObjectWriter, OpenObject};
use adapters::status_table::FileRecord;
use adapters::{Failure, ObjectStore, Tracer, logging};
use api::gateway::{Answer, ApiError, Refusal};
use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use domain::csv::correctable::is_correctable;
use domain::csv::{CorrectableSummary, CorrectableWriter, Limits, RowSelection, ValidationReport};
use domain::limits::{CORRECTABLE_ERRORS_MAX, CORRECTABLE_FILE_BYTES_MAX};
use domain::{FileId, FileStatus, Timestamp};
use serde_json::json;

pub(crate) async fn correctable(
    request: &ApiGatewayProxyRequest,
    ports: &Ports,
    tracer: &Tracer,
) -> Result<Answer, ApiError> {
    let partner = partner_of(request)?;
    let file_id = request.path_parameters.get("file_id").and_then(|text| FileId::parse(text)).ok_or_else(not_found)?;
    logging::set_file_id(file_id.as_str());
    let selection = query::row_selection(request)?;
    let record = tracer.step("read status", ports.status.read(&file_id)).await?.ok_or_else(not_found)?;
    // Another partner's file and an unknown one look alike, so that nobody learns which files exist.
    if record.facts.partner.as_deref() != Some(partner.as_str()) {
        return Err(not_found().into());
    }
    let refused = RefusedFile::of(&record).ok_or_else(not_refused)?;
    let key = ObjectStore::correction_key(&file_id, record.attempt, name_of(selection));
    let making = refused.make(ports, selection, &key);
    let summary = match tracer.step("make correctable", making).await {
        Ok(Made::File(summary)) => summary,
        Ok(Made::NothingToCorrect) => return Err(refusal_of_whole().into()),
        Ok(Made::TooLarge) => return Err(too_large().into()),
        Ok(Made::Gone) => return Err(gone().into()),
        Err(failure) => return Err(failure.into()),
    };
    tracing::info!(event = "correctable_file_created", rejected_rows = summary.rejected_rows, "correctable file made");
    let name = format!("{file_id}-{}.csv", name_of(selection));
    let body = json!({
        "file_id": file_id,
        "rows": name_of(selection),
        "rejected_rows": summary.rejected_rows,
        "truncated": summary.is_truncated,
        "url": ports.objects.download_link(&key, &name).await?,
        "expires_in_seconds": LINK_SECONDS,
    });
    Ok(Answer::json(200, &body))
}

fn name_of(selection: RowSelection) -> &'static str {
    match selection {
        RowSelection::Rejected => "rejected",
        RowSelection::All => "all",
    }
}

fn not_found() -> Refusal {
    Refusal::new(
        404,
        "file_not_found",
        "None of your files has this id; use the file_id of the upload's answer and the key that sent it.",
    )
}

fn not_refused() -> Refusal {
    let message =
        "The file was not refused for its content, so there is nothing to correct; status_path tells how it stands.";
    Refusal::new(409, "nothing_to_correct", message)
}

fn refusal_of_whole() -> Refusal {
    let message = "What is wrong is not in single rows but in the file as a whole, or in its header; the report at status_path \
                   says what. Correct the file where it comes from.";
    Refusal::new(409, "nothing_to_correct", message)
}

fn gone() -> Refusal {
    let message =
        "The refused file is not kept any more. Correct it where it comes from, or send it again to have it checked.";
    Refusal::new(409, "nothing_to_correct", message)
}

fn too_large() -> Refusal {
    let message = format!(
        "The file is larger than {CORRECTABLE_FILE_BYTES_MAX} bytes, or has more than {CORRECTABLE_ERRORS_MAX} errors, the most \
         of which a correctable one is made here. Make it where you have the file: txn validate --correctable."
    );
    Refusal::new(413, "file_too_large", message)
}

/// What became of the making.
enum Made {
    /// It lies in the bucket.
    File(CorrectableSummary),
    /// No record has an error of its own.
    NothingToCorrect,
    /// It would take too long here.
    TooLarge,
    /// The refused file is not kept any more.
    Gone,
}

/// The version of a file that was refused.
struct RefusedFile<'a> {
    key: &'a str,
    version_id: &'a str,
    received_at_ms: u64,
}

impl<'a> RefusedFile<'a> {
    /// The refused version of a file, if it was refused and is known.
    fn of(record: &'a FileRecord) -> Option<Self> {
        let facts = &record.facts;
        let is_refused = record.status == FileStatus::ValidationFailed && facts.error_count.is_some();
        Some(Self {
            key: facts.key.as_deref().filter(|_| is_refused)?,
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
