//! Requests to the service, and retries.

use crate::process::{Output, User, assert_golden};
use crate::service::{Reply, Service};
use domain::payments::webhook::signature::{SignatureHeaders, verify};
use domain::payments::webhook::{Keyring, Provider, ProviderSecrets, Secret};
use serde_json::json;

fn user(service: &Service) -> User {
    User::new().with("TXN_ENDPOINT", &service.url).with("TXN_KEY", "acme.s3cr3t")
}

fn ok(body: &serde_json::Value) -> Reply {
    Reply::Json(200, body.to_string())
}

fn day(partners: serde_json::Value, files: serde_json::Value) -> serde_json::Value {
    json!({"day": "2026-01-15", "partners": partners, "files": files, "files_truncated": false})
}

fn partner(name: &str, missing: u64) -> serde_json::Value {
    json!({
        "partner": name, "received": 2, "completed": 2, "rejected": 0, "failed": 0, "in_progress": 0, "awaiting_upload": 0,
        "upload_expired": 1, "rows": 14, "rows_superseded": 3, "totals": {"EUR": "9.30", "JPY": "1200"}, "last_received_at": "2026-01-15T10:00:00.000Z",
        "expected": if missing > 0 { json!(3) } else { json!(null) }, "missing": missing,
    })
}

const FILE_ID: &str = "a6815dd816c576b5ac85ee4e2e8f5fc5";

fn file(status: &str) -> serde_json::Value {
    json!({
        "file_id": FILE_ID, "partner": "acme", "received_at": "2026-01-15T10:00:00.000Z", "status": status, "attempt": 1,
        "row_count": 2, "error_count": 0, "totals": {"EUR": "9.30"}, "rows_superseded": 1, "rows_replaced": 2, "status_path": format!("/files/{FILE_ID}?token=t0k3n"),
    })
}

#[test]
fn retries_only_transient_failures() {
    let rejection = |code: &str| json!({"error": code, "message": "Wait."}).to_string();
    let fine = || ok(&day(json!([]), json!([])));
    let run = |replies: Vec<Reply>| {
        let service = Service::new(replies);
        let output = user(&service).run(&["day", "2026-01-15"]);
        (output, service.requests().len())
    };
    let ended = |(output, tries): (Output, usize), code: i32, expected: usize| {
        assert_eq!((output.expect_code(code).code, tries), (code, expected));
    };
    ended(run(vec![Reply::Json(503, "{}".to_owned()), Reply::Hang, fine()]), 0, 3);
    ended(run(vec![Reply::RetryAfter(429, rejection("rate_exceeded"), 0), fine()]), 0, 2);
    ended(run(vec![Reply::Json(429, rejection("quota_exceeded"))]), 3, 1);
    ended(run(vec![Reply::Json(403, rejection("api_key_invalid"))]), 4, 1);
    ended(run(vec![Reply::Json(404, rejection("route_not_found"))]), 2, 1);
    ended(run(vec![Reply::Json(500, "<html>".to_owned())]), 3, 1);
    ended(run(vec![Reply::RetryAfter(503, "{}".to_owned(), 0); 9]), 3, 5);
}

#[test]
fn an_unreachable_service_exits_with_3() {
    let user = User::new().with("TXN_ENDPOINT", "http://127.0.0.1:1/prod").with("TXN_KEY", "acme.s3cr3t");
    let output = user.run(&["day", "2026-01-15"]).expect_code(3);
    assert!(output.stderr.starts_with("txn: http://127.0.0.1:1 was not reached"), "{}", output.stderr);
    assert!(!output.stderr.contains("s3cr3t"));
}

#[test]
fn prints_a_day_and_exits_with_1_for_a_missing_file() {
    let complete = day(json!([partner("acme", 0)]), json!([file("completed")]));
    let missing = day(json!([partner("acme", 0), partner("globex", 1)]), json!(null));
    let empty = day(json!([]), json!([]));
    let service = Service::new(vec![ok(&complete), ok(&missing), ok(&missing), ok(&empty), ok(&complete)]);
    let user = user(&service);
    let mut text = user.run(&["day", "2026-01-15"]).expect_code(0).transcript();
    text.push_str(&user.run(&["day", "2026-01-15"]).expect_code(1).transcript());
    assert_eq!(user.run(&["--json", "day", "2026-01-15", "--partner", "globex"]).expect_code(1).json(), missing);
    text.push_str(&user.run(&["day", "2026-01-15"]).expect_code(0).transcript());
    assert_golden("day.txt", &text);
    let lines: Vec<_> = service.requests().into_iter().map(|request| request.line).collect();
    assert_eq!(lines[..3], ["GET /days/2026-01-15", "GET /days/2026-01-15", "GET /days/2026-01-15?partner=globex"]);
    user.run(&["day", "2026-01-15", "--partner", "a&b"]).expect_code(2);
}

#[test]
fn finds_a_file_by_its_id() {
    let page = json!({
        "file_id": FILE_ID, "status": "processing_failed", "attempt": 2, "row_count": 2, "totals": {"EUR": "9.30"},
        "rows_stored": null, "superseded_by": [], "error_count": 0, "report_url": null,
        "history": [{"status": "validating", "at": "2026-01-15T10:00:00.000Z", "attempt": 1, "message": "received by the API"}],
    });
    // Nothing today, and the file yesterday.
    let service = Service::new(vec![
        ok(&day(json!([]), json!([]))),
        ok(&day(json!([partner("acme", 0)]), json!([file("processing_failed")]))),
        ok(&page),
    ]);
    let output = user(&service).run(&["status", FILE_ID]).expect_code(1);
    assert_golden("status.txt", &output.transcript());
    let requests = service.requests();
    assert_eq!(requests[2].line, format!("GET /files/{FILE_ID}?token=t0k3n"));
    assert_eq!(requests[2].header("x-api-key"), None, "a page needs no key, and gets none");
}

#[test]
fn an_operator_finds_files_of_all_partners() {
    let page = json!({"file_id": FILE_ID, "status": "completed", "attempt": 1, "history": []});
    // An operator's day has no files, but those of each partner.
    let service = Service::new(vec![
        ok(&day(json!([]), json!(null))),
        ok(&day(json!([partner("acme", 0), partner("globex", 0)]), json!(null))),
        ok(&day(json!([partner("acme", 0)]), json!([]))),
        ok(&day(json!([partner("globex", 0)]), json!([file("completed")]))),
        ok(&page),
    ]);
    user(&service).run(&["status", FILE_ID]).expect_code(0);
    let lines: Vec<_> = service.requests().into_iter().map(|request| request.line).collect();
    assert!(lines[3].ends_with("?partner=globex"), "{lines:?}");
    assert_eq!(lines[4], format!("GET /files/{FILE_ID}?token=t0k3n"));
}

#[test]
fn rejects_a_page_at_another_endpoint() {
    let page = json!({"file_id": FILE_ID, "status": "completed", "attempt": 1, "history": []});
    let service = Service::new(vec![ok(&page), ok(&page)]);
    let user = user(&service);
    let path = format!("/files/{FILE_ID}?token=t0k3n");
    let localhost = service.url.replace("127.0.0.1", "localhost");
    for base in [service.url.clone(), format!("{localhost}/")] {
        user.run(&["status", &format!("{base}#{path}")]).expect_code(0);
    }
    assert!(service.requests().iter().all(|request| request.line == format!("GET {path}")));
    for base in ["https://a.example/prod", "", &format!("{}/dev", service.url), &format!("{localhost}.a.example")] {
        let output = user.run(&["status", &format!("{base}#{path}")]).expect_code(2);
        assert!(output.stderr.contains("--profile") && !output.stderr.contains("t0k3n"), "{}", output.stderr);
    }
    user.run(&["status", &format!("{}#/days/2026-01-15", service.url)]).expect_code(2);
    assert_eq!(service.requests().len(), 2);
}

#[test]
fn a_file_is_not_missing_before_its_day_ends() {
    let of = |missing: u64| ok(&day(json!([partner("acme", missing)]), json!([])));
    let service = Service::new(vec![of(1), of(2), of(2)]);
    let user = user(&service);
    let output = user.run(&["day"]).expect_code(0);
    assert!(output.stdout.contains("1 expected file of acme has not been received yet."), "{}", output.stdout);
    let output = user.run(&["day", "2999-12-31"]).expect_code(0);
    assert!(output.stdout.contains("2 expected files of acme have not been received yet."), "{}", output.stdout);
    let output = user.run(&["day", "2026-01-15"]).expect_code(1);
    assert!(output.stdout.contains("2 expected files of acme were not received."), "{}", output.stdout);
}

#[test]
fn lists_the_files_since_a_day() {
    let today = Service::new(vec![
        ok(&day(json!([partner("acme", 0)]), json!([file("completed")]))),
        ok(&day(json!([partner("acme", 0), partner("globex", 0)]), json!(null))),
        ok(&day(json!([partner("acme", 0)]), json!([file("completed")]))),
        ok(&day(json!([partner("globex", 0)]), json!([file("validation_failed")]))),
    ]);
    let since = time::OffsetDateTime::now_utc().date().previous_day().unwrap();
    let since = format!("{}-{:02}-{:02}", since.year(), u8::from(since.month()), since.day());
    let output = user(&today).run(&["status", "--since", &since]).expect_code(1);
    assert_golden("status-since.txt", &output.transcript());
    user(&today).run(&["status", "--since", "2020-01-01"]).expect_code(2);
    user(&today).run(&["status", "nonsense"]).expect_code(2);
}

#[test]
fn signs_a_webhook_as_a_provider_does() {
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let service = Service::new(vec![
        ok(&json!({"message": "stored", "duplicate": false})),
        Reply::Json(401, json!({"error": "signature_invalid"}).to_string()),
        Reply::Json(409, json!({"error": "transaction_conflict"}).to_string()),
    ]);
    let user = User::new()
        .with("TXN_WEBHOOK_URL", &format!("{}/webhook", service.url))
        .with("TXN_WEBHOOK_PROVIDER", "acme-pay")
        .with("TXN_WEBHOOK_SECRET", SECRET);
    let output = user.run(&["webhook", "send", "--amount", "12000.50", "--transaction-id", "pay-1"]).expect_code(0);
    assert!(!output.transcript().contains("MfKQ"));
    user.run_with_input(&["webhook", "send", "--body", "-"], b"{\"as\":\"it is\"}").expect_code(4);
    user.run(&["webhook", "send"]).expect_code(1);
    let requests = service.requests();
    let body: serde_json::Value = serde_json::from_slice(&requests[0].body).unwrap();
    assert_eq!((&body["amount"], &body["transaction_id"]), (&"12000.50".into(), &"pay-1".into()));
    assert_eq!(requests[1].text(), "{\"as\":\"it is\"}");
    let provider = Provider::named("acme-pay").unwrap();
    let keyring =
        Keyring::new(vec![ProviderSecrets { provider, secrets: vec![Secret::parse(SECRET).unwrap()] }]).unwrap();
    for request in requests {
        let header = |name: &str| request.header(name).unwrap().as_bytes().to_owned();
        let (id, timestamp, signature) =
            (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
        let headers = SignatureHeaders { id: &[&id], timestamp: &[&timestamp], signature: &[&signature] };
        let now: u64 = String::from_utf8(timestamp.clone()).unwrap().parse().unwrap();
        assert!(verify(&headers, &request.body, &keyring, now * 1000).is_ok());
    }
}
