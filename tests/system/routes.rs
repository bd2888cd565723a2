//! The route of a stored payment: by its band of amounts, and only one.

use crate::support::cloud::{Cloud, eventually, now_ms, unique};
use crate::support::queues::Queue;
use serde_json::{Value, json};
use std::sync::Mutex;

/// A queue that receives everything that the topic of alerts publishes, for all tests.
struct Alerts<'c> {
    queue: Queue<'c>,
    received: Mutex<Vec<Value>>,
}

impl<'c> Alerts<'c> {
    async fn of(cloud: &'c Cloud) -> Self {
        let queue = cloud.queue_of_topic("alerts", &cloud.stack.alerts_topic_arn, &json!({})).await;
        Self { queue, received: Mutex::default() }
    }

    /// The messages about a transaction that were received by now.
    async fn of_transaction(&self, id: &str) -> Vec<Value> {
        for envelope in self.queue.take(10).await {
            let text: Value = serde_json::from_str(envelope["Message"].as_str().unwrap()).unwrap();
            self.received.lock().unwrap().push(text);
        }
        let received = self.received.lock().unwrap();
        received.iter().filter(|message| message["transaction_id"] == id).cloned().collect()
    }

    async fn first_of(&self, id: &str) -> Value {
        eventually("a message about the payment", async || self.of_transaction(id).await.into_iter().next()).await
    }
}

fn id(payment: &Value) -> &str {
    payment["transaction_id"].as_str().unwrap()
}

#[tokio::test]
async fn a_payment_takes_only_the_route_of_its_band() {
    let cloud = Cloud::open().await;
    let provider = cloud.provider();
    let alerts = Alerts::of(&cloud).await;
    let mut sent = Vec::new();
    for (amount, currency, band) in [
        ("999.99", "EUR", "low"),
        ("1000", "EUR", "medium"),
        ("10000.00", "EUR", "medium"),
        ("10000.01", "EUR", "high"),
        ("999", "JPY", "low"),
        ("10000", "JPY", "medium"),
        ("10001", "JPY", "high"),
        ("999.999", "KWD", "low"),
        ("1000.000", "KWD", "medium"),
        ("10000.001", "KWD", "high"),
    ] {
        let payment = provider.payment(amount, currency);
        provider.send(&payment).await.accepted();
        sent.push((payment, band));
    }
    for (payment, band) in &sent {
        if *band != "low" {
            let message = alerts.first_of(id(payment)).await;
            assert_eq!((&message["amount_band"], &message["currency"]), (&json!(band), &payment["currency"]));
        }
        if *band == "high" {
            let analyzed = async || provider.item(payment).await.filter(|item| item["status"] == "analyzed");
            let item = eventually("the analysis", analyzed).await;
            assert!(item["analysis"].to_string().contains("high_amount"), "{item}");
        }
    }
    // Any other message would have arrived by now.
    for (payment, band) in &sent {
        let item = provider.item(payment).await.unwrap();
        assert_eq!(item["amount_band"], *band, "{item}");
        assert_eq!(item["status"] == "analyzed", *band == "high", "{item}");
        let messages = alerts.of_transaction(id(payment)).await.len();
        assert_eq!(messages, usize::from(*band != "low"), "{item}");
    }
}

#[tokio::test]
async fn only_high_risk_raises_an_alert() {
    let cloud = Cloud::open().await;
    let provider = cloud.provider();
    let alerts = Alerts::of(&cloud).await;
    let customer = format!("customer-{}", unique());
    let mut last = Value::Null;
    // A burst of equal, round, high amounts.
    for _ in 0..6 {
        let mut payment = provider.payment("20000", "EUR");
        payment["customer_id"] = json!(customer);
        provider.send(&payment).await.accepted();
        last = payment;
    }
    let risky =
        eventually("the analysis", async || provider.item(&last).await.filter(|item| item["status"] == "analyzed"))
            .await;
    assert_eq!(risky["risk_level"], "high_risk", "{risky}");
    let alert = eventually("the alert", async || {
        alerts.of_transaction(id(&last)).await.into_iter().find(|message| message["kind"] == "high_risk")
    })
    .await;
    assert_eq!(alert["alert_id"], format!("{}#{}#high_risk", provider.name, id(&last)));
    let factors = alert["factors"].to_string();
    for factor in ["high_amount", "velocity", "repeated_amount", "round_amount"] {
        assert!(factors.contains(factor), "{alert}");
    }

    let mut ordinary = provider.payment("10000.01", "EUR");
    let mut yesterday = provider.payment("1.00", "EUR");
    yesterday["customer_id"] = ordinary["customer_id"].clone();
    provider.put(&yesterday, now_ms() - 20 * 60 * 60 * 1000).await;
    ordinary["metadata"] = json!({"country": "DE"});
    provider.send(&ordinary).await.accepted();
    let item =
        eventually("the analysis", async || provider.item(&ordinary).await.filter(|item| item["status"] == "analyzed"))
            .await;
    assert_eq!(item["risk_level"], "low_risk", "{item}");
    assert!(!item["analysis"].to_string().contains("first_transaction"), "it paid yesterday: {item}");
    assert!(item["alerted_at_ms"].is_null(), "{item}");
}
