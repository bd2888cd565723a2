//! Logs: every line can be traced to its request and file, and none has a secret or the content of a file.
//! (`canary_files` and `canary_payments` test the same for other outputs.)

use crate::support::cloud::{Cloud, eventually, unique};
use crate::support::files::{self, file_id};
use crate::support::provider::sign;
use crate::support::upload::Uploader;
use crate::system::canary::{Canaries, Kind, Location};
use serde_json::{Value, json};

const OF_FILES: [&str; 3] = ["csv-validator", "data-transformer", "notification-sender"];
const OF_PAYMENTS: [&str; 3] = ["webhook-validator", "fraud-detector", "transaction-archival"];

/// All log lines of these functions.
async fn lines(cloud: &Cloud, functions: [&str; 3]) -> Vec<String> {
    let mut lines = Vec::new();
    for function in functions {
        lines.extend(lines_of(cloud, function).await);
    }
    lines
}

/// The most lines in one response of CloudWatch Logs.
const LINES_MAX: usize = 10_000;

/// All log lines of a function. The emulator returns the oldest lines without a token for the next ones, so the lines
/// after them are requested by the time of the last one.
pub(crate) async fn lines_of(cloud: &Cloud, function: &str) -> Vec<String> {
    let group = format!("/aws/lambda/{}", cloud.stack.function(function));
    let (mut events, mut from) = (Vec::new(), 0);
    loop {
        let page = cloud.logs().filter_log_events().log_group_name(&group).start_time(from).send().await.unwrap();
        let page = page.events.unwrap_or_default();
        let (count, last) = (page.len(), page.last().and_then(|event| event.timestamp));
        events.retain(|(at, _)| *at < from);
        events.extend(page.into_iter().map(|event| (event.timestamp.unwrap(), event.message.unwrap())));
        match last {
            Some(last) if count == LINES_MAX && last > from => from = last,
            _ => return events.into_iter().map(|(_, message)| message).collect(),
        }
    }
}

fn leaks<'l>(canaries: &Canaries, location: Location, lines: impl Iterator<Item = &'l str>) -> Vec<String> {
    lines.flat_map(|line| canaries.leaks(location, "", line.as_bytes())).collect()
}

/// Sends files and requests of many kinds, each with data that must not be logged.
async fn send_canaries(bank: &Uploader<'_>) -> (Canaries, Vec<String>) {
    let cloud = bank.cloud;
    let (merchant, id, amount) = (format!("Merchant{}", unique()), format!("TX{}", unique()), "918273645.46");
    let record = |id: &str, amount: &str, currency: &str| {
        format!("{id},{amount},{currency},2026-01-15T10:00:00Z,{merchant},completed")
    };
    let good = files::file(&[record(&id, amount, "USD")]);
    let (response, row) = bank.upload_and_complete(&good).await;
    bank.upload(&good).await.accepted();
    bank.upload_again(&good).await.accepted();
    cloud.ended(response.text("file_id"), 2).await;
    let bad = files::file(&[
        record(&id, amount, &merchant),
        record(&id, &merchant, "USD"),
        record(&merchant, "1", "USD") + ",x",
    ]);
    let rejected = bank.upload(&bad).await;
    assert_eq!(rejected.status, 400);
    let secret = bank.key.split_once('.').unwrap().1.to_owned();
    let wrong_key = format!("{}.{}{}", bank.partner, unique(), unique());
    cloud.request(reqwest::Method::POST, "/upload", Some(&wrong_key)).await.assert_rejected(403, "api_key_invalid");
    let malformed =
        format!("--b\r\nContent-Disposition: form-data; name=\"{merchant}\"\r\n\r\n{merchant}\r\n--b--\r\n");
    let malformed = bank.post(&[("content-type", "multipart/form-data; boundary=b")], malformed.into_bytes()).await;
    assert_eq!(malformed.status, 400);
    let unreadable = format!("multipart/form-data; boundary={merchant}");
    assert_eq!(bank.post(&[("content-type", &unreadable)], good.clone()).await.status, 400);

    let token = row["token"].as_str().unwrap().to_owned();
    cloud.get(response.text("status_path")).await.accepted();
    let wrong_token = unique();
    cloud
        .get(&format!("/files/{}?token={wrong_token}", response.text("file_id")))
        .await
        .assert_rejected(404, "file_not_found");

    let partner = cloud.stack.bucket_partners[0].as_str();
    let incoming = format!("incoming/{partner}/{}.csv", unique());
    cloud.put_object(&incoming, &bad, &[]).await;
    cloud.rejected_with(&incoming, "InvalidCsv").await;

    let mut canaries = Canaries::default();
    for (kind, what, planted) in [
        (Kind::Secret, "an API key's secret", secret.as_str()),
        (Kind::Secret, "a wrong API key", &wrong_key),
        (Kind::Token, "a token", &token),
        (Kind::Token, "a wrong token", &wrong_token),
        (Kind::Content, "a merchant", &merchant),
        (Kind::Content, "a transaction id", &id),
        (Kind::Content, "an amount", amount),
    ] {
        canaries.plant(kind, what, planted);
    }
    let files = vec![response.text("file_id").to_owned(), rejected.text("file_id").to_owned(), file_id(partner, &bad)];
    (canaries, files)
}

#[tokio::test]
async fn no_log_line_has_a_secret_or_a_field_value() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let (canaries, files) = send_canaries(&bank).await;
    let lines = eventually("the log lines of every file", async || {
        let lines = lines(&cloud, OF_FILES).await;
        let reported = |file: &String| lines.iter().any(|line| line.contains(file.as_str()));
        files.iter().all(reported).then_some(lines)
    })
    .await;
    let leaks = leaks(&canaries, Location::Log, lines.iter().map(String::as_str));
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
    for other in &cloud.stack.api_keys {
        let secret = other.split_once('.').unwrap().1;
        assert!(lines.iter().all(|line| !line.contains(secret)), "a line has the secret of a key of the deployment");
    }

    // Every line of ours is JSON that leads to its request, its trace and, once it is known, its file.
    let ours: Vec<Value> = lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert!(ours.len() > 20, "{} lines", ours.len());
    for line in &ours {
        for field in ["timestamp", "level", "request_id", "trace_id"] {
            assert!(member(line, field).is_some(), "no {field} in {line}");
        }
    }
    for file in &files {
        let about = ours.iter().filter(|line| member(line, "file_id") == Some(file));
        assert!(about.count() >= 2, "{file}");
    }
    let platform = ["START RequestId: ", "END RequestId: ", "REPORT RequestId: "];
    for line in lines.iter().filter(|line| serde_json::from_str::<Value>(line).is_err()) {
        assert!(
            line.is_empty() || platform.iter().any(|start| line.starts_with(start)),
            "a line that is no JSON: {line}"
        );
    }
}

#[tokio::test]
async fn no_log_line_has_a_secret_a_signature_or_payment_data() {
    let cloud = Cloud::open().await;
    let provider = cloud.provider();
    let (note, amount) = (format!("note{}", unique()), "918273645.46");
    let mut payment = provider.payment(amount, "USD");
    payment["metadata"] = json!({"country": note, "device_id": note});
    payment["unknown"] = json!(note);
    let id = payment["transaction_id"].as_str().unwrap();
    provider.send(&payment).await.accepted();
    let analyzed = async || provider.item(&payment).await.filter(|item| item["status"] == "analyzed");
    eventually("the analysis", analyzed).await;
    let mut other = payment.clone();
    other["amount"] = json!("918273645.47");
    assert_eq!(provider.send(&other).await.status, 409);
    let mut invalid = payment.clone();
    invalid["currency"] = json!(note);
    assert_eq!(provider.send(&invalid).await.status, 400);
    let body = payment.to_string();
    let mut signed = sign(&provider.secret, &body, 0);
    signed.id.push_str(&note);
    assert_eq!(cloud.post_webhook(&signed.headers(), &body).await.status, 401);
    assert_eq!(provider.send_text(&format!("{{\"{note}")).await.status, 400);

    let lines = eventually("the log lines of the payment", async || {
        let lines = lines(&cloud, OF_PAYMENTS).await;
        let of_payment = lines.iter().filter(|line| line.contains(id));
        (of_payment.count() > 3).then_some(lines)
    })
    .await;
    let mut canaries = Canaries::default();
    for (what, planted) in [
        ("a secret", provider.secret.trim_start_matches("whsec_")),
        ("a signature", signed.signature.trim_start_matches("v1,")),
        ("an amount", amount),
        ("a customer", payment["customer_id"].as_str().unwrap()),
        ("metadata", &note),
    ] {
        canaries.plant(Kind::Secret, what, planted);
    }
    let leaks = leaks(&canaries, Location::Log, lines.iter().map(String::as_str));
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
    for line in lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        let ours = line["level"].is_string();
        assert!(!ours || member(&line, "request_id").is_some() || line["event"] == "secret_missing", "{line}");
    }
}

/// A field of a log line, of the event itself or of its span.
fn member<'l>(line: &'l Value, name: &str) -> Option<&'l String> {
    [&line[name], &line["span"][name]].into_iter().find_map(|found| match found {
        Value::String(text) => Some(text),
        _ => None,
    })
}

#[tokio::test]
async fn the_emulators_log_has_no_private_data() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let (canaries, _) = send_canaries(&bank).await;
    let log = std::fs::read(&cloud.stack.log_file).unwrap();
    let leaks = leaks(&canaries, Location::EmulatorsLog, String::from_utf8_lossy(&log).lines());
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
}
