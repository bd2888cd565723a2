//! The saved queries and the metric filters, run on lines that the functions really logged.

use crate::simulators::logs_insights::Query;
use crate::support::cloud::{Cloud, eventually};
use crate::support::files::{self, record};
use crate::support::provider::sign;
use crate::support::template::{resources, template};
use crate::system::logs;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Fields of lines that the local cloud does not have or that only a fault causes, and their origin.
const NOT_SEEN_HERE: [(&str, &str); 3] = [
    ("error", "api/src/gateway.rs"),
    ("detail", "api/src/gateway.rs"),
    ("signer", "functions/webhook-validator/src/request.rs"),
];

/// Events in a query that no test here causes, and where they are logged.
const EVENTS_NOT_SEEN_HERE: [(&str, &str); 2] =
    [("secret_missing", "adapters/src/signing_secrets.rs"), ("secret_unreadable", "adapters/src/signing_secrets.rs")];

/// A saved query: its name, its text and the functions whose logs it reads.
struct Saved {
    name: String,
    text: String,
    functions: Vec<String>,
}

fn saved() -> Vec<Saved> {
    let template = template();
    let group_of = |reference: &Value| {
        let group = &template["Resources"][reference["Ref"].as_str().unwrap()];
        assert_eq!(group["Type"], "AWS::Logs::LogGroup", "{reference}");
        let name = group["Properties"]["LogGroupName"]["Fn::Sub"].as_str().unwrap();
        Some(name.strip_prefix("/aws/lambda/")?.strip_suffix("-${EnvironmentSuffix}")?.to_owned())
    };
    let queries = resources(&template, "AWS::Logs::QueryDefinition").into_iter().map(|(_, query)| {
        let query = &query["Properties"];
        let name = query["Name"]["Fn::Sub"].as_str().unwrap();
        let name =
            name.strip_prefix("transaction-processing-${EnvironmentSuffix}/").unwrap_or_else(|| panic!("{name}"));
        let text = query["QueryString"].as_str().unwrap().trim().to_owned();
        let functions = query["LogGroupNames"].as_array().unwrap().iter().filter_map(group_of).collect();
        Saved { name: name.to_owned(), text, functions }
    });
    queries.collect()
}

/// The present result of one saved query.
async fn ask(cloud: &Cloud, name: &str, id: &str) -> Vec<BTreeMap<String, Value>> {
    let saved = saved().into_iter().find(|saved| saved.name == name).unwrap_or_else(|| panic!("no query {name}"));
    let text = saved.text.replace("PUT-THE-FILE-ID-HERE", id).replace("PUT-THE-TRANSACTION-ID-HERE", id);
    let mut lines = Vec::new();
    for function in &saved.functions {
        lines.extend(logs::lines_of(cloud, function).await);
    }
    Query::parse(&text).ask(&lines)
}

fn text<'r>(row: &'r BTreeMap<String, Value>, field: &str) -> &'r str {
    row.get(field).and_then(Value::as_str).unwrap_or_default()
}

#[tokio::test]
async fn saved_queries_trace_and_count_a_file() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let (good, _) = bank.upload_and_complete(&files::file(&[record("T1"), record("T2")])).await;
    let bad =
        bank.upload(&files::file(&[record("T3").replace("USD", "usd"), record("T3").replace("12.34", "x")])).await;
    assert_eq!(bad.status, 400);
    let id = good.text("file_id");

    let story = eventually("the last event of the file", async || {
        let story = ask(&cloud, "file-story", id).await;
        story.iter().any(|row| text(row, "event") == "file_completed").then_some(story)
    })
    .await;
    let reported: Vec<&str> = story.iter().map(|row| text(row, "event")).collect();
    for event in [
        "file_validated",
        "file_accepted",
        "request_completed",
        "rows_written",
        "notification_published",
        "file_completed",
    ] {
        assert!(reported.contains(&event), "{event}: {reported:?}");
    }
    assert!(story.iter().all(|row| text(row, "span.file_id") == id), "{story:?}");
    assert!(story.is_sorted_by_key(|row| text(row, "@timestamp")), "{story:?}");

    let own = |rows: Vec<BTreeMap<String, Value>>| -> Vec<BTreeMap<String, Value>> {
        rows.into_iter().filter(|row| text(row, "span.partner") == bank.partner).collect()
    };
    let by_partner = own(ask(&cloud, "files-by-partner", "").await);
    let counted: Vec<(&str, &Value, &Value)> =
        by_partner.iter().map(|row| (text(row, "event"), &row["files"], &row["total_rows"])).collect();
    let (one, two) = (json!(1), json!(2));
    let expected = BTreeSet::from(["file_accepted", "file_completed", "file_rejected"]);
    assert_eq!(counted.iter().map(|(event, ..)| *event).collect::<BTreeSet<_>>(), expected);
    assert!(counted.iter().all(|(_, files, rows)| **files == one && **rows == two), "{counted:?}");

    let reasons = own(ask(&cloud, "rejected-files", "").await);
    let reasons: BTreeSet<&str> = reasons.iter().map(|row| text(row, "reason")).collect();
    let reported = bad.body["errors_by_code"].as_object().unwrap().keys().map(String::as_str).collect();
    assert!(reasons == reported && reasons.len() > 1, "{reasons:?}");

    let slowest = ask(&cloud, "slowest-uploads", "").await;
    assert!(!slowest.is_empty() && slowest.len() <= 25, "{slowest:?}");
    let times: Vec<u64> = slowest.iter().map(|row| row["duration_ms"].as_u64().unwrap()).collect();
    assert!(times.iter().rev().is_sorted(), "{times:?}");
    let named = |field: &str| slowest.iter().any(|row| !text(row, field).is_empty());
    assert!(named("span.file_id") && named("span.partner") && named("span.request_id"), "{slowest:?}");
}

#[tokio::test]
async fn saved_queries_find_missing_and_failed_files() {
    let cloud = Cloud::open().await;
    for _ in 0..2 {
        let step = json!({"step": "report_missing", "day": "2004-04-04"});
        cloud.invoke("notification-sender", &step).await.unwrap();
    }
    let missing = eventually("the missing files", async || {
        let rows = ask(&cloud, "missing-files", "").await;
        rows.into_iter().find(|row| text(row, "day") == "2004-04-04" && text(row, "partner") == "silent-bank")
    })
    .await;
    assert_eq!(missing["files"], 3, "reported twice and counted once");
    let partner = cloud.stack.bucket_partners[0].as_str();
    let bad = files::file(&[record(&crate::support::cloud::unique()).replace("USD", "usd")]);
    let key = format!("incoming/{partner}/{}.csv", crate::support::cloud::unique());
    cloud.put_object(&key, &bad, &[]).await;
    cloud.rejected_with(&key, "InvalidCsv").await;
    let id = files::file_id(partner, &bad);
    // That is the partner's error. An object that nobody stored under the API's prefix is a failure.
    let stray = files::file_id(partner, key.as_bytes());
    let object = json!({"key": format!("validated/{stray}.csv"), "version-id": "none", "size": 1});
    cloud.invoke("csv-validator", &json!({"event": {"detail": {"object": object}}})).await.unwrap_err();
    let errors = eventually("the failure among the errors", async || {
        let errors = ask(&cloud, "errors", "").await;
        let is_it =
            |row: &BTreeMap<String, Value>| text(row, "span.file_id") == stray && text(row, "error") == "InvalidInput";
        errors.iter().any(is_it).then_some(errors)
    })
    .await;
    assert!(errors.iter().all(|row| text(row, "span.file_id") != id), "{errors:?}");
}

#[tokio::test]
async fn saved_queries_trace_a_payment() {
    let cloud = Cloud::open().await;
    let provider = cloud.provider();
    let payment = provider.payment("20000", "EUR");
    let id = payment["transaction_id"].as_str().unwrap();
    provider.send(&payment).await.accepted();
    let story = eventually("the events of the payment", async || {
        let story = ask(&cloud, "payment-story", id).await;
        story.iter().any(|row| text(row, "event") == "payment_assessed").then_some(story)
    })
    .await;
    let reported: Vec<&str> = story.iter().map(|row| text(row, "event")).collect();
    assert!(reported.contains(&"payment_published") && reported.contains(&"request_completed"), "{reported:?}");
    let body = payment.to_string();
    let mut signed = sign(&provider.secret, &body, 0);
    signed.id.push('x');
    assert_eq!(cloud.post_webhook(&signed.headers(), &body).await.status, 401);
    eventually("the rejected webhook", async || {
        let rejected = ask(&cloud, "rejected-webhooks", "").await;
        rejected.into_iter().find(|row| text(row, "event") == "signature_invalid" && !text(row, "code").is_empty())
    })
    .await;
}

/// Unfinished files and payments, and a check that reports them.
async fn leave_unfinished(cloud: &Cloud) -> (String, String) {
    let bank = cloud.partner().await;
    let file = files::file(&[record("T1")]);
    let file_id = files::file_id(&bank.partner, &file);
    cloud.put_unfinished(&bank.partner, &file_id).await;
    let provider = cloud.provider();
    let payment = provider.payment("20", "EUR");
    provider.put_unfinished(&payment).await;
    cloud.invoke("notification-sender", &json!({"step": "reconcile"})).await.unwrap();
    cloud.invoke("transaction-archival", &json!({"task": "reconcile"})).await.unwrap();
    (file_id, payment["transaction_id"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn saved_queries_find_unfinished_files_and_payments() {
    let cloud = Cloud::open().await;
    let (file_id, transaction_id) = leave_unfinished(&cloud).await;
    for (query, field, id) in
        [("unfinished-files", "file_id", file_id), ("unfinished-payments", "transaction_id", transaction_id)]
    {
        let found = eventually(query, async || {
            let rows = ask(&cloud, query, "").await;
            rows.into_iter().find(|row| text(row, field) == id)
        })
        .await;
        assert!(found["checks"].as_u64().unwrap() >= 1, "{found:?}");
    }
}

/// A field that no line has would leave a column empty or a filter without results, unnoticed.
#[tokio::test]
async fn every_queried_field_is_in_the_log_lines() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let provider = cloud.provider();
    // Some of each kind; other tests make more at the same time.
    bank.upload_and_complete(&files::file(&[record("T1")])).await;
    bank.upload(&files::file(&[record("T1").replace("USD", "usd")])).await;
    cloud.invoke("notification-sender", &json!({"step": "report_missing", "day": "2004-04-04"})).await.unwrap();
    leave_unfinished(&cloud).await;
    let payment = provider.payment("20000", "EUR");
    provider.send(&payment).await.accepted();
    let mut other = payment.clone();
    other["amount"] = json!("20001");
    assert_eq!(provider.send(&other).await.status, 409);
    for saved in saved() {
        let query = Query::parse(&saved.text);
        assert!(!saved.text.contains("filter message"), "{}: the text of a line may change", saved.name);
        let seen = |field: &str| NOT_SEEN_HERE.iter().all(|(unseen, _)| *unseen != field);
        let requested: Vec<String> = query.fields().into_iter().filter(|field| seen(field)).collect();
        let missing = || async {
            let mut lines = Vec::new();
            for function in &saved.functions {
                lines.extend(logs::lines_of(&cloud, function).await);
            }
            let has = |field: &String| lines.iter().any(|line| has_field(line, field));
            requested.iter().filter(|field| !has(field)).cloned().collect::<Vec<_>>()
        };
        eventually(&format!("every field of {}, but {:?}", saved.name, missing().await), async || {
            missing().await.is_empty().then_some(())
        })
        .await;
    }
    for (field, source) in NOT_SEEN_HERE {
        assert!(crate::support::template::text_of(source).contains(&format!("{field} = ")), "{field} in {source}");
    }
    for (event, source) in EVENTS_NOT_SEEN_HERE {
        let logged = format!("event = \"{event}\"");
        assert!(crate::support::template::text_of(source).contains(&logged), "{event} in {source}");
    }
}

fn has_field(line: &str, path: &str) -> bool {
    let line: Value = serde_json::from_str(line).unwrap_or_default();
    let found = path.split('.').fold(&line, |value, name| &value[name]);
    !found.is_null()
}

/// `{ $.event = "file_missing" }`: a field, and what it must be.
fn filter_of(pattern: &str) -> (String, String) {
    let inner =
        pattern.strip_prefix("{ $.").and_then(|rest| rest.strip_suffix("\" }")).unwrap_or_else(|| panic!("{pattern}"));
    let (field, value) = inner.split_once(" = \"").unwrap();
    (field.to_owned(), value.to_owned())
}

#[tokio::test]
async fn metric_filters_match_what_the_functions_log() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let provider = cloud.provider();
    let (good, _) = bank.upload_and_complete(&files::file(&[record("T1")])).await;
    cloud.invoke("notification-sender", &json!({"step": "report_missing", "day": "2004-04-04"})).await.unwrap();
    leave_unfinished(&cloud).await;
    let payment = provider.payment("1.00", "EUR");
    provider.send(&payment).await.accepted();
    let mut other = payment.clone();
    other["amount"] = json!("2.00");
    assert_eq!(provider.send(&other).await.status, 409);
    let mut signed = sign(&provider.secret, &payment.to_string(), 0);
    signed.id.push('x');
    assert_eq!(cloud.post_webhook(&signed.headers(), &payment.to_string()).await.status, 401);
    let template = template();
    for (id, filter) in resources(&template, "AWS::Logs::MetricFilter") {
        // The tests of the archive cause that one.
        if id == "PaymentsUnpublishedMetric" {
            continue;
        }
        let filter = &filter["Properties"];
        let group =
            &template["Resources"][filter["LogGroupName"]["Ref"].as_str().unwrap()]["Properties"]["LogGroupName"];
        let function = group["Fn::Sub"].as_str().unwrap().strip_prefix("/aws/lambda/").unwrap();
        let function = function.strip_suffix("-${EnvironmentSuffix}").unwrap();
        let (field, value) = filter_of(filter["FilterPattern"].as_str().unwrap());
        assert_eq!(field, "event", "{id}: the text of a line may change");
        eventually(&format!("a line for {id}"), async || {
            let lines = logs::lines_of(&cloud, function).await;
            let line = |line: &String| serde_json::from_str::<Value>(line).unwrap_or_default();
            lines.iter().map(line).any(|line| line[&field] == value.as_str()).then_some(())
        })
        .await;
    }
    // Accepted once, completed once: the first row of the dashboard compares their numbers.
    let (accepted, completed) =
        (logs::lines_of(&cloud, "csv-validator").await, logs::lines_of(&cloud, "notification-sender").await);
    for (lines, event) in [(accepted, "file_accepted"), (completed, "file_completed")] {
        let of_file =
            |line: &&String| line.contains(good.text("file_id")) && line.contains(&format!("\"event\":\"{event}\""));
        assert_eq!(lines.iter().filter(of_file).count(), 1, "{event}");
    }
}
