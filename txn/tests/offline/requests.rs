//! What is asked of the service, and how often.

use crate::process::{Person, Ran, assert_golden};
use crate::service::{Reply, Service};
use domain::payments::webhook::signature::{SignatureHeaders, verify};
use domain::payments::webhook::{Keyring, Provider, ProviderSecrets, Secret};
use serde_json::json;

fn person(service: &Service) -> Person {
    Person::new().with("TXN_ENDPOINT", &service.url).with("TXN_KEY", "acme.s3cr3t")
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
fn what_may_pass_is_tried_again_and_nothing_else() {
    let refusal = |code: &str| json!({"error": code, "message": "Wait."}).to_string();
    let fine = || ok(&day(json!([]), json!([])));
    let run = |replies: Vec<Reply>| {
        let service = Service::new(replies);
        let ran = person(&service).run(&["day", "2026-01-15"]);
        (ran, service.asked().len())
    };
    let ended = |(ran, tries): (Ran, usize), code: i32, expected: usize| {
        assert_eq!((ran.ended(code).code, tries), (code, expected));
    };
    ended(run(vec![Reply::Json(503, "{}".to_owned()), Reply::Hang, fine()]), 0, 3);
    ended(run(vec![Reply::RetryAfter(429, refusal("rate_exceeded"), 0), fine()]), 0, 2);
    ended(run(vec![Reply::Json(429, refusal("quota_exceeded"))]), 3, 1);
    ended(run(vec![Reply::Json(403, refusal("api_key_invalid"))]), 4, 1);
    ended(run(vec![Reply::Json(404, refusal("route_not_found"))]), 2, 1);
    ended(run(vec![Reply::Json(500, "<html>".to_owned())]), 3, 1);
    ended(run(vec![Reply::RetryAfter(503, "{}".to_owned(), 0); 9]), 3, 5);
}

#[test]
fn a_service_that_is_not_there_ends_with_3_and_says_so() {
    let person = Person::new().with("TXN_ENDPOINT", "http://127.0.0.1:1/prod").with("TXN_KEY", "acme.s3cr3t");
    let ran = person.run(&["day", "2026-01-15"]).ended(3);
    assert!(ran.stderr.starts_with("txn: http://127.0.0.1:1 was not reached"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("s3cr3t"));
}

#[test]
fn a_day_is_a_table_and_a_missing_file_is_seen_by_a_script() {
    let well = day(json!([partner("acme", 0)]), json!([file("completed")]));
    let not_well = day(json!([partner("acme", 0), partner("globex", 1)]), json!(null));
    let empty = day(json!([]), json!([]));
    let service = Service::new(vec![ok(&well), ok(&not_well), ok(&not_well), ok(&empty), ok(&well)]);
    let person = person(&service);
    let mut text = person.run(&["day", "2026-01-15"]).ended(0).seen();
    text.push_str(&person.run(&["day", "2026-01-15"]).ended(1).seen());
    assert_eq!(person.run(&["--json", "day", "2026-01-15", "--partner", "globex"]).ended(1).json(), not_well);
    text.push_str(&person.run(&["day", "2026-01-15"]).ended(0).seen());
    assert_golden("day.txt", &text);
    let lines: Vec<_> = service.asked().into_iter().map(|asked| asked.line).collect();
    assert_eq!(lines[..3], ["GET /days/2026-01-15", "GET /days/2026-01-15", "GET /days/2026-01-15?partner=globex"]);
    person.run(&["day", "2026-01-15", "--partner", "a&b"]).ended(2);
}

#[test]
fn a_file_is_found_by_its_id_alone() {
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
    let ran = person(&service).run(&["status", FILE_ID]).ended(1);
    assert_golden("status.txt", &ran.seen());
    let asked = service.asked();
    assert_eq!(asked[2].line, format!("GET /files/{FILE_ID}?token=t0k3n"));
    assert_eq!(asked[2].header("x-api-key"), None, "a page needs no key, and gets none");
}

#[test]
fn an_operator_finds_a_file_of_any_partner() {
    let page = json!({"file_id": FILE_ID, "status": "completed", "attempt": 1, "history": []});
    // An operator's day has no files, but those of each partner.
    let service = Service::new(vec![
        ok(&day(json!([]), json!(null))),
        ok(&day(json!([partner("acme", 0), partner("globex", 0)]), json!(null))),
        ok(&day(json!([partner("acme", 0)]), json!([]))),
        ok(&day(json!([partner("globex", 0)]), json!([file("completed")]))),
        ok(&page),
    ]);
    person(&service).run(&["status", FILE_ID]).ended(0);
    let lines: Vec<_> = service.asked().into_iter().map(|asked| asked.line).collect();
    assert!(lines[3].ends_with("?partner=globex"), "{lines:?}");
    assert_eq!(lines[4], format!("GET /files/{FILE_ID}?token=t0k3n"));
}

#[test]
fn a_page_is_read_where_it_is_and_nowhere_else() {
    let page = json!({"file_id": FILE_ID, "status": "completed", "attempt": 1, "history": []});
    let service = Service::new(vec![ok(&page), ok(&page)]);
    let person = person(&service);
    let path = format!("/files/{FILE_ID}?token=t0k3n");
    let localhost = service.url.replace("127.0.0.1", "localhost");
    for base in [service.url.clone(), format!("{localhost}/")] {
        person.run(&["status", &format!("{base}#{path}")]).ended(0);
    }
    assert!(service.asked().iter().all(|asked| asked.line == format!("GET {path}")));
    for base in ["https://a.example/prod", "", &format!("{}/dev", service.url), &format!("{localhost}.a.example")] {
        let ran = person.run(&["status", &format!("{base}#{path}")]).ended(2);
        assert!(ran.stderr.contains("--profile") && !ran.stderr.contains("t0k3n"), "{}", ran.stderr);
    }
    person.run(&["status", &format!("{}#/days/2026-01-15", service.url)]).ended(2);
    assert_eq!(service.asked().len(), 2);
}

#[test]
fn what_has_not_come_yet_is_nothing_wrong() {
    let of = |missing: u64| ok(&day(json!([partner("acme", missing)]), json!([])));
    let service = Service::new(vec![of(1), of(2), of(2)]);
    let person = person(&service);
    let ran = person.run(&["day"]).ended(0);
    assert!(ran.stdout.contains("1 expected file of acme has not come yet."), "{}", ran.stdout);
    let ran = person.run(&["day", "2999-12-31"]).ended(0);
    assert!(ran.stdout.contains("2 expected files of acme have not come yet."), "{}", ran.stdout);
    let ran = person.run(&["day", "2026-01-15"]).ended(1);
    assert!(ran.stdout.contains("2 expected files of acme did not come."), "{}", ran.stdout);
}

#[test]
fn a_list_since_a_day_has_the_files_of_every_day() {
    let today = Service::new(vec![
        ok(&day(json!([partner("acme", 0)]), json!([file("completed")]))),
        ok(&day(json!([partner("acme", 0), partner("globex", 0)]), json!(null))),
        ok(&day(json!([partner("acme", 0)]), json!([file("completed")]))),
        ok(&day(json!([partner("globex", 0)]), json!([file("validation_failed")]))),
    ]);
    let since = time::OffsetDateTime::now_utc().date().previous_day().unwrap();
    let since = format!("{}-{:02}-{:02}", since.year(), u8::from(since.month()), since.day());
    let ran = person(&today).run(&["status", "--since", &since]).ended(1);
    assert_golden("status-since.txt", &ran.seen());
    person(&today).run(&["status", "--since", "2020-01-01"]).ended(2);
    person(&today).run(&["status", "nonsense"]).ended(2);
}

#[test]
fn a_webhook_is_signed_as_a_provider_signs() {
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let service = Service::new(vec![
        ok(&json!({"message": "stored", "duplicate": false})),
        Reply::Json(401, json!({"error": "signature_invalid"}).to_string()),
        Reply::Json(409, json!({"error": "transaction_conflict"}).to_string()),
    ]);
    let person = Person::new()
        .with("TXN_WEBHOOK_URL", &format!("{}/webhook", service.url))
        .with("TXN_WEBHOOK_PROVIDER", "acme-pay")
        .with("TXN_WEBHOOK_SECRET", SECRET);
    let ran = person.run(&["webhook", "send", "--amount", "12000.50", "--transaction-id", "pay-1"]).ended(0);
    assert!(!ran.seen().contains("MfKQ"));
    person.run_with_input(&["webhook", "send", "--body", "-"], b"{\"as\":\"it is\"}").ended(4);
    person.run(&["webhook", "send"]).ended(1);
    let asked = service.asked();
    let body: serde_json::Value = serde_json::from_slice(&asked[0].body).unwrap();
    assert_eq!((&body["amount"], &body["transaction_id"]), (&"12000.50".into(), &"pay-1".into()));
    assert_eq!(asked[1].text(), "{\"as\":\"it is\"}");
    let provider = Provider::named("acme-pay").unwrap();
    let keyring =
        Keyring::new(vec![ProviderSecrets { provider, secrets: vec![Secret::parse(SECRET).unwrap()] }]).unwrap();
    for asked in asked {
        let header = |name: &str| asked.header(name).unwrap().as_bytes().to_owned();
        let (id, timestamp, signature) =
            (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
        let headers = SignatureHeaders { id: &[&id], timestamp: &[&timestamp], signature: &[&signature] };
        let now: u64 = String::from_utf8(timestamp.clone()).unwrap().parse().unwrap();
        assert!(verify(&headers, &asked.body, &keyring, now * 1000).is_ok());
    }
}
