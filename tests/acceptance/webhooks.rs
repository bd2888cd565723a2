//! Webhooks that are signed: stored once, published once, however often they come.

use crate::cloud::Cloud;
use crate::provider::sign;
use crate::template::text_of;
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
async fn amounts_are_exact_from_the_text_to_the_table() {
    let cloud = Cloud::open().await;
    let provider = cloud.provider();
    for (amount, currency, stored) in [
        ("0.1", "EUR", "0.1"),
        ("1000000000000000000.01", "EUR", "1000000000000000000.01"),
        ("9007199254740993", "JPY", "9007199254740993"),
        ("0.30", "EUR", "0.3"),
        ("12.345", "KWD", "12.345"),
        ("99999999999999999999999999999999999999", "USD", "99999999999999999999999999999999999999"),
    ] {
        for quote in ["", "\""] {
            let mut payment = provider.payment("", currency);
            payment["amount"] = json!("AMOUNT");
            let body = payment.to_string().replace("\"AMOUNT\"", &format!("{quote}{amount}{quote}"));
            provider.send_text(&body).await.accepted();
            assert_eq!(provider.item(&payment).await.unwrap()["amount"], stored, "{body}");
        }
    }
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

#[tokio::test]
async fn what_is_not_proven_is_refused() {
    let cloud = Cloud::open().await;
    let (provider, other) = (cloud.provider(), cloud.other_provider());
    let payment = provider.payment("20", "EUR");
    let body = payment.to_string();
    let good = sign(&provider.secret, &body, 0);
    let (id, timestamp, signature) = (good.id.as_str(), good.timestamp.as_str(), good.signature.as_str());
    let [id_header, timestamp_header, signature_header] = good.headers().map(|(name, _)| name);
    let half = &signature[..signature.len() / 2];
    let of_version_2 = signature.replace("v1,", "v2,");
    let (dotted, plus) = (format!("{id}.x"), format!("+{timestamp}"));
    let foreign = sign(&other.secret, &body, 0);
    for (case, id, timestamp, signature) in [
        ("no signature", Some(id), Some(timestamp), None),
        ("an empty signature", Some(id), Some(timestamp), Some("v1,")),
        ("an empty header", Some(id), Some(timestamp), Some("")),
        ("half a signature", Some(id), Some(timestamp), Some(half)),
        ("an unknown version", Some(id), Some(timestamp), Some(of_version_2.as_str())),
        ("no id", None, Some(timestamp), Some(signature)),
        ("an id with a dot", Some(dotted.as_str()), Some(timestamp), Some(signature)),
        ("another id", Some("msg_other"), Some(timestamp), Some(signature)),
        ("no timestamp", Some(id), None, Some(signature)),
        ("a timestamp that is no integer", Some(id), Some("now"), Some(signature)),
        ("a timestamp with a sign", Some(id), Some(plus.as_str()), Some(signature)),
        (
            "another provider's signature",
            Some(foreign.id.as_str()),
            Some(foreign.timestamp.as_str()),
            Some(foreign.signature.as_str()),
        ),
    ] {
        let given = [(id_header, id), (timestamp_header, timestamp), (signature_header, signature)];
        let headers: Vec<_> = given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let answer = cloud.post_webhook(&headers, &body).await;
        assert_eq!((answer.status, answer.error()), (401, "signature_invalid"), "{case}: {}", answer.body);
    }
    // API Gateway hands on every value of a repeated header; the emulator's gateway keeps one, so this goes past it.
    let values = |signatures: &[&str]| {
        let mut event: Value = serde_json::from_str(&text_of("events/webhook.json")).unwrap();
        event["body"] = json!(body);
        event["multiValueHeaders"] =
            json!({id_header: [id], timestamp_header: [timestamp], signature_header: signatures});
        event
    };
    let answer = cloud.invoke("webhook-validator", &values(&[signature, signature])).await.unwrap();
    assert_eq!(answer["statusCode"], 401, "a repeated header");
    let tampered = body.replace("\"20\"", "\"21\"");
    assert_eq!(cloud.post_webhook(&good.headers(), &tampered).await.status, 401, "another body");
    assert_eq!(provider.item(&payment).await, None);
    let answer = cloud.invoke("webhook-validator", &values(&[signature])).await.unwrap();
    assert_eq!(answer["statusCode"], 200, "the same, once: {answer}");
    assert_eq!(cloud.post_webhook(&good.headers(), &body).await.accepted().body["duplicate"], true);
}

#[tokio::test]
async fn a_signature_is_good_for_five_minutes_on_either_side() {
    let cloud = Cloud::open().await;
    let provider = cloud.provider();
    // 299, since a second may pass on the way.
    for (seconds, status) in [(-301, 401), (302, 401), (-299, 200), (299, 200)] {
        let body = provider.payment("20", "EUR").to_string();
        let answer = cloud.post_webhook(&sign(&provider.secret, &body, seconds).headers(), &body).await;
        assert_eq!(answer.status, status, "{seconds} s: {}", answer.body);
    }
}

#[tokio::test]
async fn one_good_signature_among_several_is_enough() {
    let cloud = Cloud::open().await;
    let provider = cloud.provider();
    let body = provider.payment("20", "EUR").to_string();
    let mut signed = sign(&provider.secret, &body, 0);
    let wrong = sign(&cloud.other_provider().secret, "another body", 0).signature;
    signed.signature = format!("{wrong} v2,abc {}", signed.signature);
    cloud.post_webhook(&signed.headers(), &body).await.accepted();
}
