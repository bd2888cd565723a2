//! `POST /uploads`: a partner creates an upload, and gets a URL to put the file straight into the bucket.
//!
//! The request names the file: its `file_id` follows from the partner and the SHA-256, as from every source. The pending upload
//! is recorded beside whatever the status table knows of the file, and by that the workflow knows whose the object is.

use crate::Ports;
use crate::api::caller::partner_of;
use crate::api::file_errors::FileErrors;
use crate::api::query;
use crate::api::upload::{FIRST_ATTEMPT, attempt_unknown, exhausted, status_path};
use crate::contention::{ATTEMPTS_MAX, contended, new_token};
use adapters::object_store::UploadUrl;
use adapters::status_table::{Facts, FileRecord, StatusUpdate, Transition};
use adapters::{Failure, ObjectStore, Tracer, logging};
use api::{ApiError, Code, Rejection, Response, request, response};
use domain::files::lifecycle::{Decision, Intent, decide_creation};
use domain::files::upload_request::{RequestError, RequestErrorCode};
use domain::limits::{API_FILE_BYTES_MAX, UPLOAD_URL_SECONDS};
use domain::{FileId, FileStatus, Partner, PendingUpload, Timestamp, UploadRequest};
use lambda_http::Request;
use lambda_http::http::header::CONTENT_TYPE;
use serde_json::json;
use std::collections::BTreeMap;

const HOW_TO_CREATE: &str = "Send a JSON object such as {\"size\": 104857600, \"sha256\": \"<64 hexadecimal digits>\"}, with what your file has.";

/// One upload that is to be created.
struct Creation<'a> {
    ports: &'a Ports,
    tracer: &'a Tracer,
    partner: Partner,
    file_id: FileId,
    request: UploadRequest,
    intent: Intent,
    now_ms: u64,
}

pub(crate) async fn create(
    request: &Request,
    ports: &Ports,
    tracer: &Tracer,
    now_ms: u64,
) -> Result<Response, ApiError> {
    let partner = partner_of(request)?;
    reject_dry_run(request)?;
    let intent = query::intent(request)?;
    reject_other_types(request)?;
    let request = UploadRequest::read(request.body()).map_err(rejection)?;
    let file_id = FileId::derive(&partner, &request.digest);
    logging::set_file_id(file_id.as_str());
    logging::set_partner(partner.as_str());
    tracing::info!(event = "upload_requested", bytes = request.bytes, "upload requested");
    Creation { ports, tracer, partner, file_id, request, intent, now_ms }.create().await
}

/// A request for an upload has no file to check.
fn reject_dry_run(request: &Request) -> Result<(), Rejection> {
    if !query::dry_run(request)? {
        return Ok(());
    }
    let message = format!(
        "Nothing was done: a dry run needs the file itself. Send it to POST /upload?dry_run=true, which takes up to \
         {API_FILE_BYTES_MAX} bytes; for a larger one use txn validate, where you have the file."
    );
    Err(Rejection::new(Code::DryRunUnsupported, message))
}

/// The rejection of an upload whose control totals are not those of this very file, which was found valid before. Nothing
/// needs to be sent to find that out, and nothing changes. None where nothing is known of the file, or nothing differs.
fn totals_rejection(record: &FileRecord, upload: &UploadRequest) -> Option<Rejection> {
    let errors = record.errors_against(&upload.expected);
    if errors.is_empty() {
        return None;
    }
    let mut errors_by_code = BTreeMap::new();
    for error in &errors {
        *errors_by_code.entry(error.code.as_str()).or_default() += 1;
    }
    let message = "The file does not have the control totals that you expect. The very same file was received before; status_path \
                   shows its status, which has not changed. Create the upload again with the right control totals, or send \
                   the right file.";
    let errors = FileErrors {
        file_id: &record.file_id,
        status_path: Some(status_path(record)),
        rows: record.facts.rows.unwrap_or_default(),
        error_count: errors.len() as u64,
        errors_by_code,
        errors: &errors,
        dry_run: false,
        message: message.to_owned(),
    };
    Some(errors.rejection())
}

fn reject_other_types(request: &Request) -> Result<(), Rejection> {
    if request::last_header(request, CONTENT_TYPE).is_some_and(|value| request::is_json(value.as_bytes())) {
        return Ok(());
    }
    let message = format!("The content type is not application/json. {HOW_TO_CREATE} The file itself is sent later.");
    Err(Rejection::new(Code::ContentTypeUnsupported, message))
}

fn rejection(error: RequestError) -> Rejection {
    let advice = if error.code == RequestErrorCode::FileTooLarge {
        "Split it and create an upload for each part, each with the header and with transaction ids of its own."
    } else {
        HOW_TO_CREATE
    };
    Rejection::new(error.code.into(), format!("The request was rejected: {}. {advice}", error.reason))
}

impl Creation<'_> {
    /// Creates the upload beside what is known of the file, or responds that nothing needs to be sent. Where another request
    /// has changed the status meanwhile, that is known now, and decided on anew.
    async fn create(&self) -> Result<Response, ApiError> {
        let mut known = self.tracer.step("read status", self.ports.status.read(&self.file_id)).await?;
        for _ in 0..ATTEMPTS_MAX {
            if let Some(rejection) = known.as_ref().and_then(|record| totals_rejection(record, &self.request)) {
                return Err(rejection.into());
            }
            let decision = decide_creation(known.as_ref().map(FileRecord::known), self.intent, self.now_ms);
            match (decision, &known) {
                (Decision::Work { .. }, _) => {}
                (Decision::Existing, Some(record)) => return Ok(duplicate(record)),
                (Decision::AttemptUnknown, _) => return Err(attempt_unknown().into()),
                (Decision::Exhausted | Decision::Existing, _) => return Err(exhausted().into()),
            }
            let was_rejected = known.as_ref().is_some_and(FileRecord::is_rejected);
            let key = ObjectStore::presigned_key(&self.partner, &self.file_id);
            let url =
                self.ports.objects.upload_url(&key, self.request.bytes, &self.request.digest, self.now_ms).await?;
            let upload = self.pending_upload(known.as_ref(), &url).await?;
            match self.set(known.as_ref(), key, upload).await? {
                StatusUpdate::Applied(record) => return Ok(self.created(&record, &url, was_rejected)),
                StatusUpdate::Conflict(current) => known = Some(*current),
            }
        }
        Err(contended().into())
    }

    /// The upload that waits for its bytes. Its sequence in the arrival order is drawn now, whenever the bytes arrive; a
    /// repeat of the request keeps the sequence.
    async fn pending_upload(&self, known: Option<&FileRecord>, url: &UploadUrl) -> Result<PendingUpload, Failure> {
        let before = known.and_then(|record| record.facts.upload.as_ref());
        let (sequence, created_at_ms) = match before.filter(|upload| upload.is_repeated_by(self.intent, self.now_ms)) {
            Some(repeated) => (repeated.sequence, repeated.created_at_ms),
            None => {
                let drawing = self.ports.status.next_sequence(&self.partner, self.now_ms);
                (self.tracer.step("draw sequence", drawing).await?, self.now_ms)
            }
        };
        Ok(PendingUpload {
            sequence,
            created_at_ms,
            expires_at_ms: url.expires_at_ms,
            bytes: self.request.bytes,
            // Written even where none are given, so that those of the last request count and no earlier ones.
            expected: self.request.expected.clone(),
            reprocess_attempt: self.intent.reprocess_attempt(),
        })
    }

    /// Records the upload. This comes before the URL is known to anybody, so that no object can be there before it.
    async fn set(
        &self,
        known: Option<&FileRecord>,
        key: String,
        upload: PendingUpload,
    ) -> Result<StatusUpdate, Failure> {
        if let Some(record) = known {
            return self.tracer.step("set upload", self.ports.status.set_upload(record, &key, &upload)).await;
        }
        let facts = Facts {
            partner: Some(self.partner.as_str().to_owned()),
            sha256: Some(self.request.digest.as_str().to_owned()),
            token: Some(new_token()?),
            upload_key: Some(key),
            upload: Some(upload),
            ..Facts::default()
        };
        let message = format!("upload created, bytes: {}", self.request.bytes);
        let transition = Transition::now(FIRST_ATTEMPT, FileStatus::AwaitingUpload, message, facts);
        self.ports.status.advance(self.tracer, &self.file_id, &transition).await
    }

    fn created(&self, record: &FileRecord, url: &UploadUrl, was_rejected: bool) -> Response {
        let message = if was_rejected {
            "This very file was rejected before. If you want it to be checked again, send it with PUT to upload.url, with \
             upload.headers exactly as they are, before upload.expires_at; then follow it at status_path."
        } else {
            "Send the file with PUT to upload.url, with upload.headers exactly as they are, before upload.expires_at; then \
             follow it at status_path."
        };
        let body = json!({
            "message": message,
            "file_id": self.file_id,
            "s3_key": record.facts.upload_key,
            "status": record.shown_status(self.now_ms),
            "attempt": record.attempt,
            "status_path": status_path(record),
            "upload": {
                "method": url.method,
                "url": url.url,
                "headers": url.headers,
                "expires_at": Timestamp::from_unix_milliseconds(url.expires_at_ms).to_milliseconds_text(),
                "expires_in_seconds": UPLOAD_URL_SECONDS,
            },
            "superseded_by": record.superseded_by,
            "duplicate": false,
        });
        response::json(&body)
    }
}

/// The response for a file that needs no upload, as that of `POST /upload` to the same file again.
fn duplicate(record: &FileRecord) -> Response {
    let message = match (record.status, record.superseded_by.is_empty()) {
        (FileStatus::Completed, false) => {
            "This file was processed before, and a later file has replaced rows of it; nothing needs to be sent. To process \
             it again, so that its rows replace the later ones, send the request to /uploads?reprocess_attempt=, with the \
             number that is the member attempt of this response."
        }
        (FileStatus::Completed, true) => {
            "This file was processed before; nothing needs to be sent. To process it again, send the request to \
             /uploads?reprocess_attempt=, with the number that is the member attempt of this response."
        }
        (status, _) if status.is_failed() => {
            "This file was sent by another request and failed; status_path shows why. Send the request again in a moment."
        }
        _ => {
            "This file was received before and is being processed; nothing needs to be sent. Follow it at status_path."
        }
    };
    let facts = &record.facts;
    let body = json!({
        "message": message,
        "file_id": record.file_id,
        "s3_key": facts.key,
        "row_count": facts.rows,
        "status": record.status,
        "attempt": record.attempt,
        "status_path": status_path(record),
        "totals": facts.totals.clone().unwrap_or_default(),
        "upload": null,
        "superseded_by": record.superseded_by,
        "duplicate": true,
    });
    response::json(&body)
}
