//! Signed webhooks: stored once and published once, however often they are delivered.

use crate::support::cloud::{Cloud, eventually, now_ms};
use crate::support::upload::number;
use domain::Timestamp;
use futures::future::join_all;
use serde_json::{Value, json};

fn id(payment: &Value) -> &str {
    payment["transaction_id"].as_str().unwrap()
}

#[tokio::test]
async fn stores_and_publishes_a_signed_payment() {
    let cloud = Cloud::open().await;
    let provider = cloud.provider();
    let mut payment = provider.payment("99.90", "EUR");
    payment["metadata"] = json!({"country": "DE", "rate": 1});
    payment["reference"] = json!("R-7");
    let listener = cloud.listen(id(&payment)).await;
    let response = provider.send(&payment).await.accepted();
    assert_eq!((response.text("transaction_id"), &response.body["duplicate"]), (id(&payment), &json!(false)));
    assert!(Timestamp::parse(response.text("timestamp").as_bytes()).is_ok(), "{}", response.body);

    let item = provider.item(&payment).await.unwrap();
    for (name, expected) in [
        ("amount", "99.9"),
        ("currency", "EUR"),
        ("status", "pending"),
        ("amount_band", "low"),
        ("metadata", r#"{"country":"DE","rate":1}"#),
        ("additional", r#"{"reference":"R-7"}"#),
    ] {
        assert_eq!(item[name], expected, "{item}");
    }
    assert!(number(&item["published_at_ms"]) >= number(&item["received_at_ms"]), "{item}");
    assert!(item["publishing_until_ms"].is_null(), "{item}");

    let event = listener.next().await;
    assert_eq!(
        (&event["source"], &event["detail-type"]),
        (&json!("webhook.transaction"), &json!("Transaction Created"))
    );
    let detail = &event["detail"];
    assert_eq!((&detail["amount"], &detail["amount_band"]), (&json!("99.9"), &json!("low")), "{detail}");
    assert!(detail["metadata"].is_null(), "what may be large or private stays in the table: {detail}");
}

#[tokio::test]
async fn fifty_concurrent_copies_are_one_payment_and_one_event() {
    let cloud = Cloud::open().await;
    let provider = cloud.provider();
    let payment = provider.payment("20", "EUR");
    let listener = cloud.listen(id(&payment)).await;
    let responses = join_all((0..50).map(|_| provider.send(&payment))).await;
    let first = responses
        .into_iter()
        .map(|response| response.accepted())
        .filter(|response| response.body["duplicate"] == false);
    assert_eq!(first.count(), 1);
    listener.next().await;
    // The responses came after the publication, so every published event is there.
    assert_eq!(listener.receive().await, None);
}

#[tokio::test]
async fn equivalent_json_is_a_duplicate_and_other_content_is_rejected() {
    let cloud = Cloud::open().await;
    let provider = cloud.provider();
    let mut payment = provider.payment("20.00", "EUR");
    payment["metadata"] = json!({"a": 1, "b": [true, null]});
    provider.send(&payment).await.accepted();
    let before = provider.item(&payment).await;
    let (id, customer) = (id(&payment), payment["customer_id"].as_str().unwrap());
    let name = &provider.name;
    let same = format!(
        r#" {{ "customer_id":"{customer}", "metadata": {{"b": [true,null], "a":1}}, "provider":"{name}",
             "currency":"EUR", "amount":20.0, "transaction_id":"{id}" }} "#
    );
    let response = provider.send_text(&same).await.accepted();
    assert_eq!(response.body["duplicate"], true);
    for (member, value) in [
        ("amount", json!("20.01")),
        ("currency", json!("USD")),
        ("customer_id", json!("another")),
        ("metadata", json!({"a": 2})),
        ("note", json!("new")),
    ] {
        let mut other = payment.clone();
        other[member] = value;
        let response = provider.send(&other).await;
        assert_eq!((response.status, response.error()), (409, "transaction_conflict"), "{member}: {}", response.body);
    }
    assert_eq!(provider.item(&payment).await, before, "nothing was changed");
    // Another provider's transaction of the same id is a separate one.
    let other = cloud.other_provider();
    let mut theirs = payment.clone();
    theirs["provider"] = json!(other.name);
    assert_eq!(other.send(&theirs).await.accepted().body["duplicate"], false);
}

#[tokio::test]
async fn an_event_of_another_type_never_blocks_the_payment() {
    let cloud = Cloud::open().await;
    let provider = cloud.provider();
    let created = provider.payment("25000", "EUR");
    let of_type = |name: &str, amount: &str| {
        let mut event = created.clone();
        event["type"] = json!(name);
        event["amount"] = json!(amount);
        event
    };
    let listener = cloud.listen(id(&created)).await;
    let updated = of_type("transaction.updated", "25000");
    let updated_again = of_type("transaction.updated", "24000");
    let refund = of_type("refund.created", "25000");
    for (event, duplicate) in [
        (&updated, false),
        (&created, false),
        (&refund, false),
        (&updated_again, false),
        (&updated, true),
        (&created, true),
        (&refund, true),
        (&updated_again, true),
    ] {
        assert_eq!(provider.send(event).await.accepted().body["duplicate"], duplicate, "{event}");
    }
    assert_eq!(provider.send(&of_type("transaction.created", "24000")).await.status, 409);
    assert_eq!(listener.next().await["detail"]["amount"], "25000");
    eventually("the assessment", async || {
        let item = provider.item(&created).await.unwrap();
        (item["status"] == "analyzed").then_some(())
    })
    .await;
    assert_eq!(listener.receive().await, None, "the others are not routed");
    for event in [&updated, &updated_again, &refund] {
        let item = provider.item(event).await.unwrap();
        assert_eq!((&item["type"], &item["provider"]), (&event["type"], &json!(provider.name)), "{item}");
        assert!(item["customer"].is_null(), "it is no payment of the customer: {item}");
    }
}

#[tokio::test]
async fn other_events_do_not_count_toward_a_payments_risk() {
    let cloud = Cloud::open().await;
    let provider = cloud.provider();
    let created = provider.payment("20001", "EUR");
    for number in 0..5 {
        let mut update = created.clone();
        update["type"] = json!("transaction.updated");
        update["note"] = json!(number);
        provider.send(&update).await.accepted();
    }
    provider.send(&created).await.accepted();
    let analyzed = async || provider.item(&created).await.filter(|item| item["status"] == "analyzed");
    let item = eventually("the analysis", analyzed).await;
    let factors = item["analysis"]["factors"].to_string();
    assert!(factors.contains("high_amount"), "{factors}");
    assert!(!factors.contains("velocity") && !factors.contains("repeated_amount"), "{factors}");
}

#[tokio::test]
async fn a_retired_currency_does_not_block_a_customers_payments() {
    let cloud = Cloud::open().await;
    let provider = cloud.provider();
    let old = provider.payment("20001", "EUR");
    provider.put_retired(&old, now_ms() - 1_000).await;
    let mut payment = provider.payment("20001", "EUR");
    payment["customer_id"] = old["customer_id"].clone();
    provider.put(&payment, now_ms()).await;
    for (payment, factor) in [(&payment, "high_amount"), (&old, "first_transaction")] {
        let task = json!({"transaction_id": id(payment), "provider": provider.name});
        let assessed = cloud.invoke("fraud-detector", &task).await.unwrap();
        assert_eq!(assessed["outcome"], "assessed", "{assessed}");
        assert!(assessed["factors"].to_string().contains(factor), "{assessed}");
    }
}

#[tokio::test]
async fn an_event_of_unknown_type_is_stored_and_not_routed() {
    let cloud = Cloud::open().await;
    let provider = cloud.provider();
    let mut payment = provider.payment("20", "EUR");
    payment["type"] = json!("transaction.reversed");
    let listener = cloud.listen(id(&payment)).await;
    provider.send(&payment).await.accepted();
    assert_eq!(provider.send(&payment).await.accepted().body["duplicate"], true);
    let item = provider.item(&payment).await.unwrap();
    assert_eq!(item["type"], "transaction.reversed");
    assert!(item["publishing_until_ms"].is_null() && item["published_at_ms"].is_null(), "{item}");
    // An event of the known type, sent after it, is received; so this one would have been.
    let mut known = payment.clone();
    known["transaction_id"] = json!(format!("{}-2", id(&payment)));
    let after = cloud.listen(id(&known)).await;
    known["type"] = json!("transaction.created");
    provider.send(&known).await.accepted();
    after.next().await;
    assert_eq!(listener.receive().await, None);
}
