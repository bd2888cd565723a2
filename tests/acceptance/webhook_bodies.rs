//! Bodies that are signed and are no payments: each gets 400 with every fault, where it is and what to do.

use crate::cloud::Cloud;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The codes of an answer's errors.
fn codes(body: &Value) -> BTreeSet<&str> {
    body["errors"].as_array().into_iter().flatten().map(|error| error["code"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_body_that_is_no_payment_is_refused_with_its_fault() {
    let cloud = Cloud::open().await;
    let provider = cloud.provider();
    let sound = provider.payment("20", "EUR").to_string();
    let deep = format!("{}1{}", "[".repeat(40), "]".repeat(40));
    let with = |member: &str| sound.replacen('{', &format!("{{{member},"), 1);
    let amount = |text: &str| sound.replace("\"amount\":\"20\"", &format!("\"amount\":{text}"));
    for (body, code) in [
        ("not json".to_owned(), "json_malformed"),
        (with("\"transaction_id\":\"x\""), "json_name_repeated"),
        (with("\"metadata\":{\"a\":1,\"a\":2}"), "json_name_repeated"),
        (with(&format!("\"metadata\":{{\"a\":{deep}}}")), "json_too_deep"),
        (with("\"metadata\":{\"a\":\"\\ud800\"}"), "json_lone_surrogate"),
        (format!("{sound} {{}}"), "json_trailing_data"),
        (format!("{sound}x"), "json_trailing_data"),
        ("[]".to_owned(), "not_an_object"),
        (amount("0"), "amount_not_positive"),
        (amount("-1"), "amount_not_positive"),
        (amount("\"-0\""), "amount_not_positive"),
        (amount("1e3"), "amount_malformed"),
        (amount("\"1,5\""), "amount_malformed"),
        (amount("20.001"), "amount_too_many_decimals"),
        (amount("true"), "field_wrong_type"),
        (sound.replace("\"currency\":\"EUR\"", "\"currency\":\"eur\""), "currency_unknown"),
        (sound.replace("\"currency\":\"EUR\"", "\"currency\":\"XAU\""), "currency_without_minor_unit"),
        (sound.replace("\"currency\":\"EUR\",", ""), "field_missing"),
        (sound.replace("\"customer_id\":\"", "\"customer_id\":\"ü"), "customer_id_not_ascii"),
        (with("\"metadata\":\"text\""), "field_wrong_type"),
    ] {
        let answer = provider.send_text(&body).await;
        assert_eq!((answer.status, answer.error()), (400, "invalid_payment"), "{code}: {}", answer.body);
        // On AWS the gateway's model refuses some of these before the function sees them; the emulator's does not.
        assert!(codes(&answer.body).contains(code), "{code}: {}", answer.body);
        assert_eq!(answer.body["transaction_id"], Value::Null);
        answer.is_a_problem();
    }
}

#[tokio::test]
async fn every_fault_of_a_payment_is_told_at_once() {
    let cloud = Cloud::open().await;
    let provider = cloud.provider();
    let mut payment = provider.payment("1.001", "EUR");
    payment["customer_id"] = json!("c".repeat(200));
    payment["transaction_id"] = json!("pay\u{200b}1");
    let answer = provider.send(&payment).await;
    let expected = ["amount_too_many_decimals", "customer_id_too_long", "transaction_id_not_ascii"];
    assert_eq!(codes(&answer.body), BTreeSet::from(expected), "{}", answer.body);
    for error in answer.body["errors"].as_array().unwrap() {
        assert!(error["field"].is_string() && error["byte"].is_u64(), "{error}");
        assert!(!error["reason"].as_str().unwrap().is_empty() && !error["fix"].as_str().unwrap().is_empty(), "{error}");
    }
    assert!(!answer.body.to_string().contains("cccc"), "no content is repeated");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let cloud = Cloud::open().await;
    let provider = cloud.provider();
    let mut payment = provider.payment("20", "EUR");
    payment["metadata"] = json!({"text": "x".repeat(domain::limits::WEBHOOK_BODY_BYTES_MAX)});
    let answer = provider.send(&payment).await;
    assert_eq!((answer.status, answer.error()), (413, "body_too_large"), "{}", answer.body);
    answer.is_a_problem();
}
