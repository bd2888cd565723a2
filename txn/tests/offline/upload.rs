//! `txn upload`.

use crate::process::{User, assert_golden, mode_of};
use crate::service::{Reply, Service};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fmt::Write;

const FILE_ID: &str = "a6815dd816c576b5ac85ee4e2e8f5fc5";

fn user(service: &Service) -> User {
    User::new().with("TXN_ENDPOINT", &service.url).with("TXN_KEY", "acme.s3cr3t")
}

fn accepted() -> Value {
    json!({
        "message": "The file is valid and is being processed; follow it at status_path.", "file_id": FILE_ID,
        "s3_key": "validated/x.csv", "row_count": 2, "status": "validated", "attempt": 1, "totals": {"EUR": "9.30"},
        "status_path": format!("/files/{FILE_ID}?token=t0k3n"), "superseded_by": [], "duplicate": false,
    })
}

fn page(status: &str, entries: usize) -> Value {
    let all = ["validating", "validated", "processing", "completed"];
    let history: Vec<Value> = all[..entries]
        .iter()
        .map(|status| json!({"status": status, "at": "2026-01-15T10:00:00.000Z", "attempt": 1, "message": "as expected"}))
        .collect();
    json!({
        "file_id": FILE_ID, "status": status, "attempt": 1, "row_count": 2, "totals": {"EUR": "9.30"}, "rows_stored": 2,
        "rows_unchanged": 0, "rows_superseded": 0, "rows_replaced": 3,
        "replaced_files": [{"file_id": "b6815dd816c576b5ac85ee4e2e8f5fc5", "rows": 3}], "rows_replaced_since": null,
        "superseded_by": [], "upload": null, "error_count": 0, "report_url": null,
        "history": history,
    })
}

fn ok(body: &Value) -> Reply {
    Reply::Json(200, body.to_string())
}

/// A valid file that is too large for the API.
fn large_file(user: &User) -> (String, Vec<u8>) {
    let mut text = "transaction_id,amount,currency,timestamp,merchant,status\n".to_owned();
    for row in 0..90_000 {
        writeln!(text, "T-{row},1.00,EUR,2026-01-15T10:00:00Z,merchant,completed").unwrap();
    }
    assert!(text.len() as u64 > domain::limits::API_FILE_BYTES_MAX);
    (user.file("large.csv", &text).display().to_string(), text.into_bytes())
}

#[test]
fn sends_follows_and_remembers_a_file() {
    let service = Service::new(vec![
        Reply::Json(503, "{}".to_owned()),
        ok(&accepted()),
        ok(&page("processing", 2)),
        ok(&page("completed", 4)),
        ok(&page("completed", 4)),
    ]);
    let user = user(&service);
    let output = user
        .run(&["upload", "good.csv", "--wait", "--expected-rows", "2", "--expected-totals", "EUR=9.3"])
        .expect_code(0);
    assert_golden("upload-wait.txt", &output.transcript());
    let requests = service.requests();
    assert_eq!(requests[1].line, "POST /upload");
    assert_eq!(requests[0].body, requests[1].body, "a retry sends the same");
    let body = requests[1].text();
    let file = std::fs::read_to_string(crate::process::files().join("good.csv")).unwrap();
    for part in
        [file.as_str(), "name=\"expected_rows\"\r\n\r\n2\r\n", "name=\"expected_totals\"\r\n\r\n{\"EUR\":\"9.3\"}\r\n"]
    {
        assert!(body.contains(part), "{part}");
    }
    // The list of uploads has the tokens of the pages.
    assert_eq!(mode_of(&user.home.path().join(".local/state/txn/uploads.jsonl")), 0o600);
    user.run(&["status", FILE_ID]).expect_code(0);
    assert_eq!(service.requests()[4].line, format!("GET /files/{FILE_ID}?token=t0k3n"));
}

#[test]
fn does_not_send_an_invalid_file() {
    let service = Service::new(vec![]);
    let output = user(&service).run(&["upload", "header.csv"]).expect_code(1);
    assert_golden("upload-bad.txt", &output.transcript());
    let output = user(&service).run(&["upload", "good.csv", "--expected-rows", "3"]).expect_code(1);
    assert!(output.stdout.contains("error[row_count_mismatch]"), "{}", output.stdout);
    assert!(output.stdout.contains("Send the right file, or correct the control totals."), "{}", output.stdout);
    let output = user(&service).run(&["upload", "bad.csv"]).expect_code(1);
    let command = "To write a copy with the errors marked: txn validate bad.csv --correctable corrected.csv --rows all";
    assert!(output.stdout.contains(command), "{}", output.stdout);
    assert_eq!(service.requests().len(), 0);
}

#[test]
fn shows_a_rejection_by_the_service_in_the_file() {
    let rejection = json!({
        "error": "invalid_csv", "message": "…", "file_id": FILE_ID, "status_path": null, "dry_run": true, "row_count": 2,
        "error_count": 101, "errors_by_code": {"amount_malformed": 101}, "truncated": true,
        "errors": [{
            "record": 2, "line": 3, "column": "amount", "column_number": 2, "byte": 120, "code": "amount_malformed",
            "reason": "it is not a plain decimal number", "fix": "write another",
        }],
    });
    let service = Service::new(vec![Reply::Json(400, rejection.to_string())]);
    let output = user(&service).run(&["upload", "good.csv", "--dry-run"]).expect_code(1);
    assert_golden("upload-rejected.txt", &output.transcript());
    assert_eq!(service.requests()[0].line, "POST /upload?dry_run=true");
}

#[test]
fn puts_a_large_file_into_the_bucket_without_the_key() {
    let created = |url: &str| {
        json!({
            "message": "Send the file with PUT", "file_id": FILE_ID, "status": "awaiting_upload",
            "status_path": format!("/files/{FILE_ID}?token=t0k3n"), "superseded_by": [], "duplicate": false,
            "upload": {"method": "PUT", "url": format!("{url}/bucket/key?X-Amz-Signature=s"),
                "headers": {"content-length": "1", "x-amz-checksum-sha256": "c="}},
        })
    };
    // The first URL has expired before its upload began.
    let service = Service::with(|url| {
        vec![
            ok(&created(url)),
            Reply::Json(403, "<Error/>".to_owned()),
            ok(&created(url)),
            Reply::Hang,
            Reply::Json(200, String::new()),
        ]
    });
    let user = user(&service);
    let (path, bytes) = large_file(&user);
    let output = user.run(&["upload", &path, "--expected-rows", "90000"]).expect_code(0);
    assert!(output.stdout.contains(FILE_ID), "{}", output.stdout);
    let requests = service.requests();
    let declared: Value = serde_json::from_slice(&requests[0].body).unwrap();
    let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(declared, json!({"size": bytes.len(), "sha256": digest, "expected_rows": 90_000}));
    let put = requests.last().unwrap();
    assert_eq!((requests.len(), put.line.as_str()), (5, "PUT /bucket/key?X-Amz-Signature=s"));
    assert!(put.body == bytes, "other bytes were sent");
    assert_eq!((put.header("x-api-key"), put.header("x-amz-checksum-sha256")), (None, Some("c=")));
    // The service does not check so large a file in a dry run.
    user.run(&["upload", &path, "--dry-run"]).expect_code(2);
}

#[test]
fn stops_at_the_first_file_with_a_wrong_key() {
    let rejection = json!({"error": "api_key_invalid", "message": "Send your API key."}).to_string();
    let service = Service::new(vec![Reply::Json(403, rejection)]);
    let output = user(&service).run(&["--json", "upload", "good.csv", "good.csv"]).expect_code(4);
    assert_eq!((output.json()["files"].as_array().unwrap().len(), service.requests().len()), (0, 1));
    assert!(output.stderr.contains("api_key_invalid") && !output.stderr.contains("s3cr3t"), "{}", output.stderr);
}

#[test]
fn names_options_instead_of_paths() {
    let response = |status: &str, duplicate: bool, later: &[&str]| {
        let mut response = accepted();
        response["message"] = "send it to /upload?reprocess_attempt=, without dry_run".into();
        response["status"] = status.into();
        response["duplicate"] = duplicate.into();
        response["superseded_by"] = json!(later);
        response["dry_run"] = (status == "valid").into();
        ok(&response)
    };
    for (reply, arguments, expected) in [
        (
            response("completed", true, &[]),
            &["upload", "good.csv"][..],
            "To process it again: txn upload FILE --reprocess",
        ),
        (
            response("completed", true, &[FILE_ID]),
            &["upload", "good.csv"],
            "replace the later ones: txn upload FILE --reprocess",
        ),
        (response("processing", true, &[]), &["upload", "good.csv"], "is being processed"),
        (response("valid", false, &[]), &["upload", "good.csv", "--dry-run"], "without --dry-run"),
    ] {
        let output = user(&Service::new(vec![reply])).run(arguments).expect_code(0);
        assert!(output.stdout.contains(expected) && !output.stdout.contains("/upload"), "{}", output.stdout);
    }
}

#[test]
fn reprocesses_after_the_attempt_of_a_duplicate() {
    let response = |attempt: u32, duplicate: bool| {
        let mut response = accepted();
        response["attempt"] = attempt.into();
        response["duplicate"] = duplicate.into();
        ok(&response)
    };
    let service = Service::new(vec![response(3, true), Reply::Hang, response(4, false)]);
    user(&service).run(&["upload", "good.csv", "--reprocess"]).expect_code(0);
    let lines: Vec<String> = service.requests().iter().map(|request| request.line.clone()).collect();
    let again = "POST /upload?reprocess_attempt=3";
    assert_eq!(lines, ["POST /upload", again, again]);
    // A new file is not processed twice.
    let service = Service::new(vec![response(1, false)]);
    user(&service).run(&["upload", "good.csv", "--reprocess"]).expect_code(0);
    assert_eq!(service.requests().len(), 1);
}

#[test]
fn follows_a_rejected_file_that_is_put_again() {
    let service = Service::with(|url| {
        let mut created = accepted();
        created["status"] = "validation_failed".into();
        created["upload"] = json!({"method": "PUT", "url": format!("{url}/bucket/key"), "headers": {}});
        let mut before = page("validation_failed", 1);
        // Even when its URL has expired since the upload began.
        before["upload"] = json!({"expires_at": "2026-01-15T22:05:26.891Z", "bytes": 9, "reprocess_attempt": null});
        vec![ok(&created), Reply::Json(200, String::new()), ok(&before), ok(&page("completed", 4))]
    });
    let user = user(&service);
    let (path, _) = large_file(&user);
    let output = user.run(&["upload", &path, "--wait"]).expect_code(0);
    assert!(output.stdout.contains("completed"), "{}", output.stdout);
    assert_eq!(service.requests().len(), 4);
}

#[test]
fn prints_the_response_as_json() {
    let service = Service::new(vec![ok(&accepted()), ok(&page("completed", 4))]);
    let output = user(&service).run(&["--json", "upload", "good.csv", "--wait"]).expect_code(0);
    let file = &output.json()["files"][0];
    assert_eq!((&file["response"], &file["status"]), (&accepted(), &page("completed", 4)));
}
