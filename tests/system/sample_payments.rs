//! The events in `events/` about one payment: each has the outcome that its name says.

use crate::support::cloud::Cloud;
use crate::support::provider::sign;
use crate::support::template::text_of;
use domain::payments::webhook::signature;
use serde_json::{Value, json};

fn event(name: &str) -> Value {
    serde_json::from_str(&text_of(&format!("events/{name}"))).unwrap()
}

fn error(response: &Value) -> Value {
    serde_json::from_str::<Value>(response["body"].as_str().unwrap()).unwrap()["error"].clone()
}

#[tokio::test]
async fn each_payment_event_gets_the_outcome_in_its_name() {
    let cloud = Cloud::open().await;
    let mut webhook = event("webhook.json");
    // Its signature was valid for five minutes.
    let response = cloud.invoke("webhook-validator", &webhook).await.unwrap();
    assert_eq!((&response["statusCode"], error(&response)), (&json!(401), json!("signature_invalid")), "{response}");

    let body = webhook["body"].as_str().unwrap().to_owned();
    let signed = sign(&cloud.provider().secret, &body, 0);
    for (name, value) in signed.headers() {
        assert!(webhook["headers"][name].is_string() && webhook["multiValueHeaders"][name].is_array(), "{name}");
        webhook["headers"][name] = json!(value);
        webhook["multiValueHeaders"][name] = json!([value]);
    }
    assert!(webhook["headers"][signature::SIGNATURE_HEADER].is_string());
    let response = cloud.invoke("webhook-validator", &webhook).await.unwrap();
    assert_eq!(response["statusCode"], 200, "{response}");

    let assess = event("assess.json");
    let payment: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(assess, json!({"transaction_id": payment["transaction_id"], "provider": payment["provider"]}));
    let assessed = cloud.invoke("fraud-detector", &assess).await.unwrap();
    assert_eq!((&assessed["outcome"], &assessed["risk_level"]), (&json!("assessed"), &json!("medium_risk")));

    let archived = cloud.invoke("transaction-archival", &event("archive.json")).await.unwrap();
    assert!(["done", "busy"].contains(&archived["outcome"].as_str().unwrap()), "{archived}");
    let reconciled = cloud.invoke("transaction-archival", &event("reconcile-payments.json")).await.unwrap();
    assert!(reconciled["unfinished"].is_u64(), "{reconciled}");
    // The payment is less than a day old.
    assert_eq!(cloud.provider().item(&payment).await.unwrap()["status"], "analyzed");
}
