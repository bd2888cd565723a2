//! `GET /files/{file_id}`: what became of a file, for whoever holds its token.

use crate::Ports;
use adapters::gateway::{Answer, NoAnswer, Refusal};
use adapters::status_table::{Facts, FileRecord};
use adapters::{Tracer, logging};
use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use domain::{FileId, FileStatus, Timestamp};
use serde_json::json;

pub(crate) async fn show(request: &ApiGatewayProxyRequest, ports: &Ports, tracer: &Tracer) -> Result<Answer, NoAnswer> {
    let file_id = request.path_parameters.get("file_id").and_then(|text| FileId::parse(text)).ok_or_else(not_found)?;
    logging::set_file_id(file_id.as_str());
    let token = request.query_string_parameters.first("token").unwrap_or_default();
    let record = tracer.step("read status", ports.status.read(&file_id)).await?.ok_or_else(not_found)?;
    // An unknown file and a wrong token look alike, so that nobody learns which files exist.
    if !record.facts.token.as_ref().is_some_and(|expected| expected.opens_with(token)) {
        return Err(not_found().into());
    }
    let report_url = match &found_out(&record).report_key {
        Some(key) => Some(ports.objects.link(key).await?),
        None => None,
    };
    Ok(page(&record, report_url))
}

fn not_found() -> Refusal {
    Refusal::new(404, "file_not_found", "No file has this id and token; use the status_path of the upload's answer.")
}

/// What is known of the present attempt. As long as its upload is awaited, the table still has what was found out in the
/// attempt before.
fn found_out(record: &FileRecord) -> Facts {
    if record.status == FileStatus::AwaitingUpload { Facts::default() } else { record.facts.clone() }
}

fn page(record: &FileRecord, report_url: Option<String>) -> Answer {
    let facts = found_out(record);
    let time = |at: Option<u64>| at.map(|at| Timestamp::from_unix_milliseconds(at).to_milliseconds_text());
    let awaited_until = record.facts.upload_expires_at_ms.filter(|_| record.status == FileStatus::AwaitingUpload);
    let body = json!({
        "file_id": record.file_id,
        "status": record.status,
        "attempt": record.attempt,
        "row_count": facts.rows,
        "totals": facts.totals.unwrap_or_default(),
        "rows_stored": facts.rows_stored,
        "rows_unchanged": facts.rows_unchanged,
        "rows_superseded": facts.rows_superseded,
        "superseded_by": record.superseded_by,
        "upload_expires_at": time(awaited_until),
        "received_at": time(facts.received_at_ms),
        "updated_at": Timestamp::from_unix_milliseconds(record.updated_at_ms).to_milliseconds_text(),
        "error_count": facts.error_count.unwrap_or_default(),
        "report_url": report_url,
        "history": record.history,
    });
    Answer::json(200, &body)
}
