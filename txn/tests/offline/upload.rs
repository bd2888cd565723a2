//! `txn upload`.

use crate::process::{Person, assert_golden, mode_of};
use crate::service::{Reply, Service};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fmt::Write;

const FILE_ID: &str = "a6815dd816c576b5ac85ee4e2e8f5fc5";

fn person(service: &Service) -> Person {
    Person::new().with("TXN_ENDPOINT", &service.url).with("TXN_KEY", "acme.s3cr3t")
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
        .map(|status| json!({"status": status, "at": "2026-01-15T10:00:00.000Z", "attempt": 1, "message": "so it is"}))
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
fn large_file(person: &Person) -> (String, Vec<u8>) {
    let mut text = "transaction_id,amount,currency,timestamp,merchant,status\n".to_owned();
    for row in 0..90_000 {
        writeln!(text, "T-{row},1.00,EUR,2026-01-15T10:00:00Z,merchant,completed").unwrap();
    }
    assert!(text.len() as u64 > domain::limits::API_FILE_BYTES_MAX);
    (person.file("large.csv", &text).display().to_string(), text.into_bytes())
}

#[test]
fn a_file_is_sent_followed_and_remembered() {
    let service = Service::new(vec![
        Reply::Json(503, "{}".to_owned()),
        ok(&accepted()),
        ok(&page("processing", 2)),
        ok(&page("completed", 4)),
        ok(&page("completed", 4)),
    ]);
    let person = person(&service);
    let ran =
        person.run(&["upload", "good.csv", "--wait", "--expected-rows", "2", "--expected-totals", "EUR=9.3"]).ended(0);
    assert_golden("upload-wait.txt", &ran.seen());
    let asked = service.asked();
    assert_eq!(asked[1].line, "POST /upload");
    assert_eq!(asked[0].body, asked[1].body, "a try again sends the same");
    let body = asked[1].text();
    let file = std::fs::read_to_string(crate::process::files().join("good.csv")).unwrap();
    for part in
        [file.as_str(), "name=\"expected_rows\"\r\n\r\n2\r\n", "name=\"expected_totals\"\r\n\r\n{\"EUR\":\"9.3\"}\r\n"]
    {
        assert!(body.contains(part), "{part}");
    }
    // The list of uploads has what opens the page.
    assert_eq!(mode_of(&person.home.path().join(".local/state/txn/uploads.jsonl")), 0o600);
    person.run(&["status", FILE_ID]).ended(0);
    assert_eq!(service.asked()[4].line, format!("GET /files/{FILE_ID}?token=t0k3n"));
}

#[test]
fn a_bad_file_is_not_sent() {
    let service = Service::new(vec![]);
    let ran = person(&service).run(&["upload", "header.csv"]).ended(1);
    assert_golden("upload-bad.txt", &ran.seen());
    let ran = person(&service).run(&["upload", "good.csv", "--expected-rows", "3"]).ended(1);
    assert!(ran.stdout.contains("error[row_count_mismatch]"), "{}", ran.stdout);
    assert!(ran.stdout.contains("Send the right file, or state what it has."), "{}", ran.stdout);
    let ran = person(&service).run(&["upload", "bad.csv"]).ended(1);
    let command = "txn validate bad.csv --correctable mend.csv --rows all writes it with its faults marked.";
    assert!(ran.stdout.contains(command), "{}", ran.stdout);
    assert_eq!(service.asked().len(), 0);
}

#[test]
fn a_refusal_of_the_service_points_into_the_file() {
    let refusal = json!({
        "error": "invalid_csv", "message": "…", "file_id": FILE_ID, "status_path": null, "dry_run": true, "row_count": 2,
        "error_count": 101, "errors_by_code": {"amount_malformed": 101}, "truncated": true,
        "errors": [{
            "record": 2, "line": 3, "column": "amount", "column_number": 2, "byte": 120, "code": "amount_malformed",
            "reason": "it is no number that we know", "fix": "write another",
        }],
    });
    let service = Service::new(vec![Reply::Json(400, refusal.to_string())]);
    let ran = person(&service).run(&["upload", "good.csv", "--dry-run"]).ended(1);
    assert_golden("upload-refused.txt", &ran.seen());
    assert_eq!(service.asked()[0].line, "POST /upload?dry_run=true");
}

#[test]
fn a_large_file_goes_into_the_bucket_without_the_key() {
    let granted = |url: &str| {
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
            ok(&granted(url)),
            Reply::Json(403, "<Error/>".to_owned()),
            ok(&granted(url)),
            Reply::Hang,
            Reply::Json(200, String::new()),
        ]
    });
    let person = person(&service);
    let (path, bytes) = large_file(&person);
    let ran = person.run(&["upload", &path, "--expected-rows", "90000"]).ended(0);
    assert!(ran.stdout.contains(FILE_ID), "{}", ran.stdout);
    let asked = service.asked();
    let announced: Value = serde_json::from_slice(&asked[0].body).unwrap();
    let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(announced, json!({"size": bytes.len(), "sha256": digest, "expected_rows": 90_000}));
    let put = asked.last().unwrap();
    assert_eq!((asked.len(), put.line.as_str()), (5, "PUT /bucket/key?X-Amz-Signature=s"));
    assert!(put.body == bytes, "other bytes were sent");
    assert_eq!((put.header("x-api-key"), put.header("x-amz-checksum-sha256")), (None, Some("c=")));
    // The service cannot be asked for a verdict alone on so much.
    person.run(&["upload", &path, "--dry-run"]).ended(2);
}

#[test]
fn a_wrong_key_ends_it_for_all_files() {
    let refusal = json!({"error": "api_key_invalid", "message": "Send your API key."}).to_string();
    let service = Service::new(vec![Reply::Json(403, refusal)]);
    let ran = person(&service).run(&["--json", "upload", "good.csv", "good.csv"]).ended(4);
    assert_eq!((ran.json()["files"].as_array().unwrap().len(), service.asked().len()), (0, 1));
    assert!(ran.stderr.contains("api_key_invalid") && !ran.stderr.contains("s3cr3t"), "{}", ran.stderr);
}

#[test]
fn what_was_answered_is_told_in_options_and_not_in_addresses() {
    let answer = |status: &str, duplicate: bool, later: &[&str]| {
        let mut answer = accepted();
        answer["message"] = "send it to /upload?reprocess_attempt=, without dry_run".into();
        answer["status"] = status.into();
        answer["duplicate"] = duplicate.into();
        answer["superseded_by"] = json!(later);
        answer["dry_run"] = (status == "valid").into();
        ok(&answer)
    };
    for (reply, arguments, expected) in [
        (
            answer("completed", true, &[]),
            &["upload", "good.csv"][..],
            "To process it again: txn upload FILE --reprocess",
        ),
        (
            answer("completed", true, &[FILE_ID]),
            &["upload", "good.csv"],
            "replace the later ones: txn upload FILE --reprocess",
        ),
        (answer("processing", true, &[]), &["upload", "good.csv"], "is being processed"),
        (answer("valid", false, &[]), &["upload", "good.csv", "--dry-run"], "without --dry-run"),
    ] {
        let ran = person(&Service::new(vec![reply])).run(arguments).ended(0);
        assert!(ran.stdout.contains(expected) && !ran.stdout.contains("/upload"), "{}", ran.stdout);
    }
}

#[test]
fn a_file_is_reprocessed_after_the_attempt_of_the_duplicate_answer() {
    let answer = |attempt: u32, duplicate: bool| {
        let mut answer = accepted();
        answer["attempt"] = attempt.into();
        answer["duplicate"] = duplicate.into();
        ok(&answer)
    };
    let service = Service::new(vec![answer(3, true), Reply::Hang, answer(4, false)]);
    person(&service).run(&["upload", "good.csv", "--reprocess"]).ended(0);
    let lines: Vec<String> = service.asked().iter().map(|asked| asked.line.clone()).collect();
    let again = "POST /upload?reprocess_attempt=3";
    assert_eq!(lines, ["POST /upload", again, again]);
    // What is new is not processed twice.
    let service = Service::new(vec![answer(1, false)]);
    person(&service).run(&["upload", "good.csv", "--reprocess"]).ended(0);
    assert_eq!(service.asked().len(), 1);
}

#[test]
fn a_rejected_file_that_is_put_again_is_followed_until_its_bytes_have_come() {
    let service = Service::with(|url| {
        let mut created = accepted();
        created["status"] = "validation_failed".into();
        created["upload"] = json!({"method": "PUT", "url": format!("{url}/bucket/key"), "headers": {}});
        let mut before = page("validation_failed", 1);
        // Even when its URL has expired since the upload began.
        before["upload"] = json!({"expires_at": "2026-01-15T22:05:26.891Z", "bytes": 9, "reprocess_attempt": null});
        vec![ok(&created), Reply::Json(200, String::new()), ok(&before), ok(&page("completed", 4))]
    });
    let person = person(&service);
    let (path, _) = large_file(&person);
    let ran = person.run(&["upload", &path, "--wait"]).ended(0);
    assert!(ran.stdout.contains("completed"), "{}", ran.stdout);
    assert_eq!(service.asked().len(), 4);
}

#[test]
fn a_script_gets_the_answer_as_it_came() {
    let service = Service::new(vec![ok(&accepted()), ok(&page("completed", 4))]);
    let ran = person(&service).run(&["--json", "upload", "good.csv", "--wait"]).ended(0);
    let file = &ran.json()["files"][0];
    assert_eq!((&file["answer"], &file["status"]), (&accepted(), &page("completed", 4)));
}
