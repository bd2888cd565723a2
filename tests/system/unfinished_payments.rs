//! Unfinished payments, whose event was lost or never published: the hourly check that finds them, and how a payment
//! leaves the list. These tests take turns on the `archive` stack, so that its rules may be disabled.

use crate::support::archiver::{Archive, Row};
use crate::support::cloud::{Cloud, eventually, now_ms};
use crate::support::provider::Provider;
use crate::system::logs;
use serde_json::{Value, json};

const HOUR_MS: u64 = 60 * 60 * 1000;

fn id(payment: &Value) -> &str {
    payment["transaction_id"].as_str().unwrap()
}

/// The `archive` stack without its hourly check until the test ends, so that only the test runs checks.
async fn open() -> Archive {
    let archive = Archive::open().await;
    archive.cloud.disable_rule(&format!("transaction-hourly-{}", archive.cloud.stack.suffix), "default").await;
    archive
}

/// The result of a check, which may include payments of other tests: how many are unpublished, and how many are not
/// assessed.
async fn run_check(cloud: &Cloud) -> [u64; 2] {
    let found = cloud.invoke("transaction-archival", &json!({"task": "reconcile"})).await.unwrap();
    let count = |name: &str| found[name].as_u64().unwrap_or_else(|| panic!("{found}"));
    assert_eq!(count("unfinished"), count("unpublished") + count("unassessed") + count("unreadable"), "{found}");
    assert_eq!(found["more"], false, "{found}");
    [count("unpublished"), count("unassessed")]
}

/// The line of a check about a payment.
async fn line_about(cloud: &Cloud, payment: &Value) -> Value {
    eventually("the line about the payment", async || {
        let lines = logs::lines_of(cloud, "transaction-archival").await;
        let mut lines = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap_or_default());
        lines.find(|line| line["event"] == "payment_unfinished" && line["transaction_id"] == id(payment))
    })
    .await
}

fn is_listed(row: &Row) -> bool {
    row.contains_key("unfinished")
}

async fn row(archive: &Archive, provider: &Provider<'_>, payment: &Value) -> Row {
    archive.row_of(provider, payment).await.unwrap()
}

#[tokio::test]
async fn a_high_payment_with_a_lost_event_is_found_until_assessed() {
    let archive = open().await;
    let cloud = &archive.cloud;
    let provider = cloud.provider();
    let before = run_check(cloud).await;
    let payment = provider.payment("20000", "EUR");
    let lost = Cloud::of_stack("archive").await;
    lost.disable_rule(&format!("high-value-transactions-{}", lost.stack.suffix), &lost.stack.event_bus).await;
    provider.send(&payment).await.accepted();
    assert!(is_listed(&row(&archive, &provider, &payment).await));
    assert_eq!(run_check(cloud).await, before, "it is recent");
    archive.move_to(&provider, &payment, now_ms() - HOUR_MS - 1).await;
    assert_eq!(run_check(cloud).await, [before[0], before[1] + 1]);
    assert_eq!(run_check(cloud).await, [before[0], before[1] + 1], "as long as it is unfinished");
    let line = line_about(cloud, &payment).await;
    assert_eq!((&line["level"], &line["awaits"]), (&json!("ERROR"), &json!("assessment")), "{line}");
    assert!(line["since"].is_string() && line["provider"] == provider.name.as_str(), "{line}");

    drop(lost);
    // As the runbook says: its event, made from its row.
    let item = provider.item(&payment).await.unwrap();
    let names = ["transaction_id", "provider", "amount", "amount_band", "currency", "customer_id"];
    let detail: serde_json::Map<String, Value> =
        names.iter().map(|name| ((*name).to_owned(), item[*name].clone())).collect();
    let entry = aws_sdk_eventbridge::types::PutEventsRequestEntry::builder()
        .event_bus_name(&cloud.stack.event_bus)
        .source("webhook.transaction")
        .detail_type("Transaction Created")
        .detail(Value::Object(detail).to_string());
    assert_eq!(cloud.events().put_events().entries(entry.build()).send().await.unwrap().failed_entry_count, 0);
    eventually("the assessment", async || {
        let item = provider.item(&payment).await.unwrap();
        (item["status"] == "analyzed").then_some(())
    })
    .await;
    assert!(!is_listed(&row(&archive, &provider, &payment).await));
    assert_eq!(run_check(cloud).await, before);
}

#[tokio::test]
async fn an_unpublished_payment_is_found_until_published() {
    let archive = open().await;
    let cloud = &archive.cloud;
    let provider = cloud.provider();
    let before = run_check(cloud).await;
    let payment = provider.payment("20", "EUR");
    {
        // Nothing listens on that port.
        let broken = Cloud::of_stack("archive").await;
        broken.set_variable("webhook-validator", "AWS_ENDPOINT_URL_EVENTBRIDGE", "http://127.0.0.1:9").await;
        assert_eq!(provider.send(&payment).await.status, 503);
    }
    archive.move_to(&provider, &payment, now_ms() - 2 * HOUR_MS).await;
    assert_eq!(run_check(cloud).await, [before[0] + 1, before[1]]);
    assert_eq!(line_about(cloud, &payment).await["awaits"], "publication");
    // Its provider sends it again.
    eventually("the bus to be back", async || (provider.send(&payment).await.status == 200).then_some(())).await;
    assert!(!is_listed(&row(&archive, &provider, &payment).await));
    assert_eq!(run_check(cloud).await, before);
}

#[tokio::test]
async fn a_finished_payment_is_not_listed_as_unfinished() {
    let archive = Archive::open().await;
    let provider = archive.cloud.provider();
    let mut unrouted = provider.payment("20000", "EUR");
    unrouted["type"] = json!("refund.created");
    for payment in [provider.payment("20", "EUR"), provider.payment("2000", "EUR"), unrouted] {
        provider.send(&payment).await.accepted();
        assert!(!is_listed(&row(&archive, &provider, &payment).await), "{payment}");
    }
    let high = provider.payment("20000", "EUR");
    provider.send(&high).await.accepted();
    let assessed = eventually("the assessment", async || {
        let found = row(&archive, &provider, &high).await;
        found.contains_key("analysis").then_some(found)
    })
    .await;
    assert!(!is_listed(&assessed));
}

#[tokio::test]
async fn rejects_an_unknown_task() {
    let cloud = Cloud::open().await;
    let error = cloud.invoke("transaction-archival", &json!({"task": "reconcil"})).await.unwrap_err();
    assert_eq!(error["errorType"], "InvalidInput", "{error}");
}
