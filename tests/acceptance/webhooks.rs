//! Webhooks that are signed: stored once, published once, however often they come.

use crate::cloud::Cloud;
use crate::upload::number;
use domain::Timestamp;
use futures::future::join_all;
use serde_json::{Value, json};

fn id(payment: &Value) -> &str {
    payment["transaction_id"].as_str().unwrap()
}

#[tokio::test]
async fn a_signed_payment_is_stored_and_published() {
    let cloud = Cloud::open().await;
    let provider = cloud.provider();
    let mut payment = provider.payment("99.90", "EUR");
    payment["metadata"] = json!({"country": "DE", "rate": 1});
    payment["reference"] = json!("R-7");
    let listener = cloud.listen(id(&payment)).await;
    let answer = provider.send(&payment).await.accepted();
    assert_eq!((answer.text("transaction_id"), &answer.body["duplicate"]), (id(&payment), &json!(false)));
    assert!(Timestamp::parse(answer.text("timestamp").as_bytes()).is_ok(), "{}", answer.body);

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
async fn fifty_copies_at_once_are_one_payment_and_one_event() {
    let cloud = Cloud::open().await;
    let provider = cloud.provider();
    let payment = provider.payment("20", "EUR");
    let listener = cloud.listen(id(&payment)).await;
    let answers = join_all((0..50).map(|_| provider.send(&payment))).await;
    let first = answers.into_iter().map(|answer| answer.accepted()).filter(|answer| answer.body["duplicate"] == false);
    assert_eq!(first.count(), 1);
    listener.next().await;
    // The answers came after the publication, so whatever was published is there.
    assert_eq!(listener.receive().await, None);
}

#[tokio::test]
async fn the_same_content_written_otherwise_is_the_same_and_other_content_is_refused() {
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
    let answer = provider.send_text(&same).await.accepted();
    assert_eq!(answer.body["duplicate"], true);
    for (member, value) in [
        ("amount", json!("20.01")),
        ("currency", json!("USD")),
        ("customer_id", json!("another")),
        ("metadata", json!({"a": 2})),
        ("note", json!("new")),
    ] {
        let mut other = payment.clone();
        other[member] = value;
        let answer = provider.send(&other).await;
        assert_eq!((answer.status, answer.error()), (409, "transaction_conflict"), "{member}: {}", answer.body);
    }
    assert_eq!(provider.item(&payment).await, before, "nothing was changed");
    // Another provider's transaction of the same id is another one.
    let other = cloud.other_provider();
    let mut theirs = payment.clone();
    theirs["provider"] = json!(other.name);
    assert_eq!(other.send(&theirs).await.accepted().body["duplicate"], false);
}

#[tokio::test]
async fn an_unknown_type_of_event_is_stored_and_goes_nowhere() {
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
    // One of the known type, sent after it, is heard; so this one would have been.
    let mut known = payment.clone();
    known["transaction_id"] = json!(format!("{}-2", id(&payment)));
    let after = cloud.listen(id(&known)).await;
    known["type"] = json!("transaction.created");
    provider.send(&known).await.accepted();
    after.next().await;
    assert_eq!(listener.receive().await, None);
}
