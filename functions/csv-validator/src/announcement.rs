//! `POST /uploads`: a partner announces a file, and gets a URL to put it straight into the bucket.
//!
//! What is announced names the file: its `file_id` follows from the partner and the SHA-256, as on every road. The status
//! table remembers that the file is awaited under its key, and by that the workflow knows whose the object is.

use crate::caller::partner_of;
use crate::rejection::Rejection;
use crate::upload::{exhausted, new_token, status_path};
use crate::{Ports, query};
use adapters::gateway::{Answer, NoAnswer, Refusal, is_json};
use adapters::object_store::UploadUrl;
use adapters::status_table::{Facts, FileRecord, Moved, Transition};
use adapters::{Failure, ObjectStore, Tracer, logging};
use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::lifecycle::{Decision, decide_grant};
use domain::limits::{API_FILE_BYTES_MAX, UPLOAD_URL_SECONDS};
use domain::upload_request::{RequestFault, RequestFaultCode};
use domain::{FileId, FileStatus, Partner, Timestamp, UploadRequest};
use serde_json::json;
use std::collections::BTreeMap;

const HOW_TO_ANNOUNCE: &str = "Send a JSON object such as {\"size\": 104857600, \"sha256\": \"<64 hexadecimal digits>\"}, with what your file has.";

/// One file that was announced.
struct Announced<'a> {
    ports: &'a Ports,
    tracer: &'a Tracer,
    partner: Partner,
    file_id: FileId,
    upload: UploadRequest,
    reprocess: bool,
    now_ms: u64,
}

pub(crate) async fn announce(
    request: &ApiGatewayProxyRequest,
    ports: &Ports,
    tracer: &Tracer,
    now_ms: u64,
) -> Result<Answer, NoAnswer> {
    let partner = partner_of(request)?;
    refuse_dry_run(request)?;
    let reprocess = query::reprocess(request)?;
    refuse_other_types(request)?;
    let upload = UploadRequest::read(&body_of(request)?).map_err(refusal)?;
    let file_id = FileId::derive(&partner, &upload.digest);
    logging::set_file_id(file_id.as_str());
    logging::set_partner(partner.as_str());
    tracing::info!(bytes = upload.bytes, "announced");
    let known = tracer.step("read status", ports.status.read(&file_id)).await?;
    if let Some(record) = &known
        && let Some(refused) = misstated(record, &upload)
    {
        return Ok(refused);
    }
    let announced = Announced { ports, tracer, partner, file_id, upload, reprocess, now_ms };
    match (decide_grant(known.as_ref().map(FileRecord::known), reprocess, now_ms), known) {
        (Decision::Work { attempt }, known) => announced.grant(attempt, known).await,
        (Decision::Answer, Some(record)) => Ok(duplicate(&record)),
        _ => Err(exhausted().into()),
    }
}

/// An announcement has no file that could be looked at.
fn refuse_dry_run(request: &ApiGatewayProxyRequest) -> Result<(), Refusal> {
    if !query::dry_run(request)? {
        return Ok(());
    }
    let message = format!(
        "Nothing was done: a dry run needs the file itself. Send it to POST /upload?dry_run=true, which takes up to \
         {API_FILE_BYTES_MAX} bytes; for a larger one use txn validate, where you have the file."
    );
    Err(Refusal::new(400, "dry_run_unsupported", message))
}

/// The refusal of an announcement that states something else than what this very file was found to be before. Nothing needs
/// to be sent to find that out, and nothing changes. None where nothing is known of the file, or nothing differs.
fn misstated(record: &FileRecord, upload: &UploadRequest) -> Option<Answer> {
    let facts = &record.facts;
    // The totals were written when these very bytes were found valid, in whatever attempt. A file that stands refused has
    // nothing that a further refusal could undo, and may be announced with anything.
    let is_known = record.status != FileStatus::ValidationFailed;
    let rows = facts.rows.filter(|_| is_known)?;
    let faults = upload.expected.faults_of_known(rows, facts.totals.as_ref()?);
    if faults.is_empty() {
        return None;
    }
    let mut errors_by_code = BTreeMap::new();
    for fault in &faults {
        *errors_by_code.entry(fault.code.as_str()).or_default() += 1;
    }
    let message = "The file is not what you stated of it. The very same file came before, and stands as status_path tells; \
                   nothing of that has changed. Announce it again with the right numbers, or send the right file.";
    let rejection = Rejection {
        file_id: &record.file_id,
        status_path: Some(status_path(record)),
        rows,
        error_count: faults.len() as u64,
        errors_by_code,
        errors: &faults,
        dry_run: false,
        message: message.to_owned(),
    };
    Some(rejection.answer())
}

fn refuse_other_types(request: &ApiGatewayProxyRequest) -> Result<(), Refusal> {
    if request.headers.get("content-type").is_some_and(|value| is_json(value.as_bytes())) {
        return Ok(());
    }
    let message = format!("The content type is not application/json. {HOW_TO_ANNOUNCE} The file itself is sent later.");
    Err(Refusal::new(415, "content_type_unsupported", message))
}

fn body_of(request: &ApiGatewayProxyRequest) -> Result<Vec<u8>, Refusal> {
    let text = request.body.as_deref().unwrap_or_default();
    if !request.is_base64_encoded {
        return Ok(text.as_bytes().to_vec());
    }
    STANDARD
        .decode(text)
        .map_err(|_| Refusal::new(400, "body_not_base64", "The body did not arrive as it was sent; send it again."))
}

fn refusal(fault: RequestFault) -> Refusal {
    let status_code = if fault.code.is_too_large() { 413 } else { 400 };
    let advice = if fault.code == RequestFaultCode::FileTooLarge {
        "Split it and announce the parts, each with the header and with transaction ids of its own."
    } else {
        HOW_TO_ANNOUNCE
    };
    Refusal::new(status_code, fault.code.as_str(), format!("The request was refused: {}. {advice}", fault.reason))
}

impl Announced<'_> {
    async fn grant(&self, attempt: u32, known: Option<FileRecord>) -> Result<Answer, NoAnswer> {
        let key = ObjectStore::announced_key(&self.partner, &self.file_id);
        let url = self.ports.objects.upload_url(&key, self.upload.bytes, &self.upload.digest, self.now_ms).await?;
        let was_refused = known.is_some_and(|record| record.facts.error_count.is_some());
        let record = self.await_upload(attempt, key, &url).await?;
        if record.attempt == attempt && record.status == FileStatus::AwaitingUpload {
            return Ok(self.granted(&record, &url, was_refused));
        }
        // In the meantime the file has come by another road.
        Ok(duplicate(&record))
    }

    /// Records that the upload is awaited. This comes before the URL is known to anybody, so that no object can be there
    /// before it.
    async fn await_upload(&self, attempt: u32, key: String, url: &UploadUrl) -> Result<FileRecord, Failure> {
        let until = Facts {
            upload_key: Some(key),
            upload_bytes: Some(self.upload.bytes),
            upload_expires_at_ms: Some(url.expires_at_ms),
            // Written even where nothing is stated, so that the last announcement counts and no earlier one.
            upload_expected: Some(self.upload.expected.clone()),
            reprocess: self.reprocess.then_some(true),
            ..Facts::default()
        };
        let facts = Facts {
            partner: Some(self.partner.as_str().to_owned()),
            sha256: Some(self.upload.digest.as_str().to_owned()),
            token: Some(new_token()?),
            ..until.clone()
        };
        let message = format!("announced to the API, bytes: {}", self.upload.bytes);
        let transition = Transition::now(attempt, FileStatus::AwaitingUpload, message, facts);
        match self.ports.status.advance(self.tracer, &self.file_id, &transition).await? {
            Moved::Taken(record) => Ok(*record),
            Moved::Refused(standing) if standing.status == FileStatus::AwaitingUpload => {
                let longer = self.ports.status.await_longer(&self.file_id, standing.attempt, &until);
                self.tracer.step("await longer", longer).await.map(Moved::into_record)
            }
            Moved::Refused(standing) => Ok(*standing),
        }
    }

    fn granted(&self, record: &FileRecord, url: &UploadUrl, was_refused: bool) -> Answer {
        let message = if was_refused {
            "This very file was refused before. If you want it to be checked again, send it with PUT to upload.url, with \
             upload.headers exactly as they are, before upload.expires_at; then follow it at status_path."
        } else {
            "Send the file with PUT to upload.url, with upload.headers exactly as they are, before upload.expires_at; then \
             follow it at status_path."
        };
        let body = json!({
            "message": message,
            "file_id": self.file_id,
            "s3_key": record.facts.upload_key,
            "status": record.status,
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
        Answer::json(200, &body)
    }
}

/// The answer to a file that needs no upload: what `POST /upload` answers when it comes again.
fn duplicate(record: &FileRecord) -> Answer {
    let message = match (record.status, record.superseded_by.is_empty()) {
        (FileStatus::Completed, false) => {
            "This file was processed before, and a later file has replaced rows of it; nothing needs to be sent. To process \
             it again, so that its rows replace the later ones, announce it to /uploads?reprocess=true."
        }
        (FileStatus::Completed, true) => {
            "This file was processed before; nothing needs to be sent. To process it again, announce it to \
             /uploads?reprocess=true."
        }
        (status, _) if status.is_failed() => {
            "This file came by another road and failed; status_path tells why. Announce it again in a moment."
        }
        _ => "This file is here already and is being processed; nothing needs to be sent. Follow it at status_path.",
    };
    let facts = &record.facts;
    let body = json!({
        "message": message,
        "file_id": record.file_id,
        "s3_key": facts.key,
        "row_count": facts.rows,
        "status": record.status,
        "status_path": status_path(record),
        "totals": facts.totals.clone().unwrap_or_default(),
        "upload": null,
        "superseded_by": record.superseded_by,
        "duplicate": true,
    });
    Answer::json(200, &body)
}
