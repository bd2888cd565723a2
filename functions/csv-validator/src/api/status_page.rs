//! `GET /files/{file_id}`: the status of a file, for whoever has its token.

use crate::Ports;
use adapters::status_table::FileRecord;
use adapters::{Tracer, logging};
use api::{ApiError, Code, Rejection, Response, request, response};
use domain::{FileId, FileStatus, Timestamp};
use lambda_http::Request;
use serde_json::json;

pub(crate) async fn show(request: &Request, ports: &Ports, tracer: &Tracer, now_ms: u64) -> Result<Response, ApiError> {
    let file_id = request::path_parameter(request, "file_id").and_then(FileId::parse).ok_or_else(not_found)?;
    logging::set_file_id(file_id.as_str());
    let tokens = request::query_parameters(request).filter(|(name, _)| *name == "token").map(|(_, token)| token);
    let token = tokens.last().unwrap_or_default();
    let record = tracer.step("read status", ports.status.read(&file_id)).await?.ok_or_else(not_found)?;
    // An unknown file and a wrong token look alike, so that nobody learns which files exist.
    if !record.facts.token.as_ref().is_some_and(|expected| expected.opens_with(token)) {
        return Err(not_found().into());
    }
    let report_url = match &record.facts.report_key {
        Some(key) => Some(ports.objects.link(key).await?),
        None => None,
    };
    Ok(page(&record, report_url, now_ms))
}

fn not_found() -> Rejection {
    Rejection::new(Code::FileNotFound, "No file has this id and token; use the status_path of the upload's response.")
}

fn page(record: &FileRecord, report_url: Option<String>, now_ms: u64) -> Response {
    let facts = &record.facts;
    let time = |at: u64| Timestamp::from_unix_milliseconds(at).to_milliseconds_text();
    let upload = facts.upload.as_ref().map(|upload| {
        json!({
            "expires_at": time(upload.expires_at_ms),
            "bytes": upload.bytes,
            "reprocess_attempt": upload.reprocess_attempt,
        })
    });
    let replaced_files = facts.replaced_files.iter().flatten();
    let replaced_files: Vec<_> =
        replaced_files.map(|(file_id, rows)| json!({ "file_id": file_id, "rows": rows })).collect();
    let replaced_since = (record.status == FileStatus::Completed).then(|| record.replaced_by.values().sum::<u32>());
    let body = json!({
        "file_id": record.file_id,
        "status": record.shown_status(now_ms),
        "attempt": record.attempt,
        "row_count": facts.rows,
        "totals": facts.totals.clone().unwrap_or_default(),
        "rows_stored": facts.rows_stored,
        "rows_unchanged": facts.rows_unchanged,
        "rows_superseded": facts.rows_superseded,
        "rows_replaced": facts.rows_replaced,
        "replaced_files": replaced_files,
        "rows_replaced_since": replaced_since,
        "superseded_by": record.superseded_by,
        "upload": upload,
        "received_at": facts.received_at_ms.map(time),
        "updated_at": time(record.updated_at_ms),
        "error_count": facts.error_count.unwrap_or_default(),
        "report_url": report_url,
        "history": record.history,
    });
    response::json(&body)
}
