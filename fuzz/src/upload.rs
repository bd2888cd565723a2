//! `POST /upload` with a body of any bytes: there is always a response, and the file is a part of the body with the verdict that
//! it has alone.

use crate::api::{Response, checked, csv_validator, dry_run};
use crate::reading::{Reading, read};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::csv::{ErrorCode, Limits, RowError};
use domain::limits::ERRORS_IN_DRY_RUN_MAX;
use domain::{ContentDigest, FileId, Partner};
use serde_json::Value;

/// How many positions are tried as the start and the end of the file.
const POSITIONS_MAX: usize = 24;

/// Sends the bytes after the first line, which is the content type.
pub fn check(bytes: &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let body = bytes.get(end + 1..).unwrap_or_default();
    let response = send(&String::from_utf8_lossy(&bytes[..end]), body);
    if response.status != 200 && response.code() != Some("invalid_csv") {
        return;
    }
    let starts = positions(body, b"\r\n\r\n").map(|at| at + 4);
    let ends: Vec<usize> = positions(body, b"\r\n--").collect();
    let mut slices = starts.flat_map(|start| ends.iter().filter_map(move |end| body.get(start..*end)));
    let sent = slices.find(|slice| is_response_about(&response, slice));
    check_verdict(&response, sent.expect("the file is a part of the body, between a blank line and a delimiter"));
}

/// Sends a body in base64, as API Gateway does with binary media types.
pub(crate) fn send(content_type: &str, body: &[u8]) -> Response {
    checked(csv_validator(dry_run(content_type, &STANDARD.encode(body), true)))
}

/// Whether a response is about the file with these bytes.
pub(crate) fn is_response_about(response: &Response, file: &[u8]) -> bool {
    let acme = Partner::named("acme").expect("a name");
    response.body["file_id"].as_str() == Some(FileId::derive(&acme, &ContentDigest::of(file)).as_str())
}

/// The response has the result of a validation of the file, besides errors of its control totals.
pub(crate) fn check_verdict(response: &Response, file: &[u8]) {
    let Reading { report, errors } = read(file, file.len(), Limits::default());
    let body = &response.body;
    assert_eq!(body["row_count"].as_u64(), Some(u64::from(report.rows)));
    if response.status == 200 {
        assert!(report.is_valid());
        let totals: Vec<(String, Value)> =
            report.totals.to_texts().into_iter().map(|(currency, sum)| (currency, sum.into())).collect();
        let returned = body["totals"].as_object().expect("an accepted file has sums");
        assert!(
            totals.len() == returned.len() && totals.iter().all(|(currency, sum)| returned.get(currency) == Some(sum))
        );
        return;
    }
    let is_of_control_totals = |error: &&Value| {
        let codes = [ErrorCode::RowCountMismatch, ErrorCode::TotalMismatch].map(ErrorCode::as_str);
        error["code"].as_str().is_some_and(|code| codes.contains(&code))
    };
    let returned = body["errors"].as_array().expect("a rejected file has errors");
    let of_totals = returned.iter().filter(is_of_control_totals).count();
    assert_eq!(body["error_count"].as_u64(), Some(report.error_count + of_totals as u64));
    let listed = errors.len().min(ERRORS_IN_DRY_RUN_MAX - of_totals);
    assert_eq!(returned.len(), listed + of_totals);
    assert!(returned[of_totals..].iter().zip(&errors).all(|(returned, error)| is_same(returned, error)));
}

fn is_same(returned: &Value, error: &RowError) -> bool {
    returned["code"] == error.code.as_str()
        && returned["record"] == error.record
        && returned["line"] == error.line
        && returned["byte"] == error.byte
        && returned["column_number"].as_u64() == error.column_number.map(u64::from)
        && returned["column"].as_str() == error.column.map(|column| column.name())
}

fn positions<'b>(body: &'b [u8], what: &'b [u8]) -> impl Iterator<Item = usize> + 'b {
    let positions = body.windows(what.len()).enumerate().filter(move |(_, window)| *window == what);
    positions.map(|(at, _)| at).take(POSITIONS_MAX)
}
