//! `POST /upload` with a body of any bytes: never anything but an answer, and what is taken out of the envelope is a piece of
//! it, judged as the file alone is.

use crate::api::{Answer, answered, csv_validator, dry_run};
use crate::reading::{Reading, read};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::csv::{ErrorCode, Limits, RowError};
use domain::limits::ERRORS_IN_DRY_RUN_MAX;
use domain::{ContentDigest, FileId, Partner};
use serde_json::Value;

/// So many places at which a file may begin or end are tried.
const PLACES_MAX: usize = 24;

/// Sends what follows the first line; that line is the content type.
pub fn check(bytes: &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let body = bytes.get(end + 1..).unwrap_or_default();
    let answer = send(&String::from_utf8_lossy(&bytes[..end]), body);
    if answer.status != 200 && answer.code() != Some("invalid_csv") {
        return;
    }
    let starts = places(body, b"\r\n\r\n").map(|at| at + 4);
    let ends: Vec<usize> = places(body, b"\r\n--").collect();
    let mut slices = starts.flat_map(|start| ends.iter().filter_map(move |end| body.get(start..*end)));
    let sent = slices.find(|slice| is_answer_about(&answer, slice));
    check_verdict(&answer, sent.expect("the file is a piece of the body, between a blank line and a delimiter"));
}

/// Sends a body in base64, as API Gateway does with binary media types.
pub(crate) fn send(content_type: &str, body: &[u8]) -> Answer {
    answered(csv_validator(dry_run(content_type, &STANDARD.encode(body), true)))
}

/// Whether an answer names the file with these bytes.
pub(crate) fn is_answer_about(answer: &Answer, file: &[u8]) -> bool {
    let acme = Partner::named("acme").expect("a name");
    answer.body["file_id"].as_str() == Some(FileId::derive(&acme, &ContentDigest::of(file)).as_str())
}

/// The answer says of the file what a reading of it finds. What was stated of it is held against it beside that.
pub(crate) fn check_verdict(answer: &Answer, file: &[u8]) {
    let Reading { report, errors } = read(file, file.len(), Limits::default());
    let body = &answer.body;
    assert_eq!(body["row_count"].as_u64(), Some(u64::from(report.rows)));
    if answer.status == 200 {
        assert!(report.is_valid());
        let totals: Vec<(String, Value)> =
            report.totals.to_texts().into_iter().map(|(currency, sum)| (currency, sum.into())).collect();
        let told = body["totals"].as_object().expect("an accepted file has sums");
        assert!(totals.len() == told.len() && totals.iter().all(|(currency, sum)| told.get(currency) == Some(sum)));
        return;
    }
    let is_of_statement = |error: &&Value| {
        let statement = [ErrorCode::RowCountMismatch, ErrorCode::TotalMismatch].map(ErrorCode::as_str);
        error["code"].as_str().is_some_and(|code| statement.contains(&code))
    };
    let told = body["errors"].as_array().expect("a refused file has errors");
    let stated = told.iter().filter(is_of_statement).count();
    assert_eq!(body["error_count"].as_u64(), Some(report.error_count + stated as u64));
    let listed = errors.len().min(ERRORS_IN_DRY_RUN_MAX - stated);
    assert_eq!(told.len(), listed + stated);
    assert!(told[stated..].iter().zip(&errors).all(|(told, error)| is_told_as(told, error)));
}

fn is_told_as(told: &Value, error: &RowError) -> bool {
    told["code"] == error.code.as_str()
        && told["record"] == error.record
        && told["line"] == error.line
        && told["byte"] == error.byte
        && told["column_number"].as_u64() == error.column_number.map(u64::from)
        && told["column"].as_str() == error.column.map(|column| column.name())
}

fn places<'b>(body: &'b [u8], what: &'b [u8]) -> impl Iterator<Item = usize> + 'b {
    let places = body.windows(what.len()).enumerate().filter(move |(_, window)| *window == what);
    places.map(|(at, _)| at).take(PLACES_MAX)
}
