//! The scenarios with and without each grant of the payment functions.

use crate::support::cloud::{Cloud, now_ms, unique};
use crate::support::provider::Provider;
use crate::support::upload::ApiResponse;
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use std::time::Duration;

const DAY_MILLISECONDS: u64 = 24 * 60 * 60 * 1000;
/// The stack reads the providers' secrets again every second.
const REFRESH: Duration = Duration::from_millis(1_500);

/// A scenario.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum PaymentScenario {
    /// A webhook is received.
    Webhook,
    /// A webhook is received when the cached secrets have expired.
    WebhookMuchLater,
    /// A webhook is received while a process that was lost had claimed the publication of its payment.
    WebhookMeanwhile,
    /// A high-risk payment is assessed.
    Assessment,
    /// A payment of the day before yesterday is archived.
    Archival,
    /// A check for unfinished payments runs.
    Reconcile,
}

pub(crate) const PAYMENT_SCENARIOS: [PaymentScenario; 6] = [
    PaymentScenario::Webhook,
    PaymentScenario::WebhookMuchLater,
    PaymentScenario::WebhookMeanwhile,
    PaymentScenario::Assessment,
    PaymentScenario::Archival,
    PaymentScenario::Reconcile,
];

const UNAVAILABLE: &str = "returned 503 service_unavailable";
const FAILS: &str = "the function fails with AccessDenied";

/// For a grant (function, action, end of the resource): the scenario, and how it must fail without the grant.
pub(crate) fn expectation(function: &str, action: &str, resource: &str) -> Option<(PaymentScenario, &'static str)> {
    use PaymentScenario::{Archival, Assessment, Reconcile, Webhook, WebhookMeanwhile, WebhookMuchLater};
    Some(match (function, action, resource) {
        ("WebhookValidatorFunction", "secretsmanager:GetSecretValue", _) => (WebhookMuchLater, UNAVAILABLE),
        ("WebhookValidatorFunction", "dynamodb:PutItem" | "dynamodb:UpdateItem", "PaymentsTable") => {
            (Webhook, UNAVAILABLE)
        }
        ("WebhookValidatorFunction", "events:PutEvents", "PaymentEventBus") => (Webhook, UNAVAILABLE),
        ("WebhookValidatorFunction", "dynamodb:GetItem", "PaymentsTable") => (WebhookMeanwhile, UNAVAILABLE),
        ("FraudDetectorFunction", "dynamodb:GetItem" | "dynamodb:UpdateItem", "PaymentsTable") => (Assessment, FAILS),
        ("FraudDetectorFunction", "dynamodb:Query", "index/customer-index") => (Assessment, FAILS),
        ("FraudDetectorFunction", "dynamodb:GetItem" | "dynamodb:PutItem", "CustomersTable") => (Assessment, FAILS),
        ("FraudDetectorFunction", "sns:Publish", "AlertsTopic") => (Assessment, FAILS),
        ("TransactionArchivalFunction", "dynamodb:Query", "index/day-index") => (Archival, FAILS),
        ("TransactionArchivalFunction", "dynamodb:Query", "index/unfinished-index") => (Reconcile, FAILS),
        (
            "TransactionArchivalFunction",
            "dynamodb:BatchGetItem" | "dynamodb:PutItem" | "dynamodb:UpdateItem",
            "PaymentsTable",
        ) => (Archival, FAILS),
        ("TransactionArchivalFunction", "s3:PutObject" | "s3:GetObject", "transactions/*") => (Archival, FAILS),
        _ => return None,
    })
}

impl PaymentScenario {
    /// Runs the scenario and describes the outcome in a few words.
    pub(crate) async fn outcome(self, cloud: &Cloud) -> String {
        let provider = cloud.provider();
        let payment = provider.payment("20000", "EUR");
        match self {
            Self::Webhook => outcome_of(&provider.send(&provider.payment("20", "EUR")).await),
            Self::WebhookMuchLater => {
                // The test waits for the cache to expire, which cannot be observed.
                tokio::time::sleep(REFRESH).await;
                outcome_of(&provider.send(&provider.payment("20", "EUR")).await)
            }
            Self::WebhookMeanwhile => {
                let payment = provider.payment("20", "EUR");
                provider.send(&payment).await.accepted();
                provider.publish_until(&payment, now_ms() + 500).await;
                outcome_of(&provider.send(&payment).await)
            }
            Self::Assessment => {
                for _ in 0..4 {
                    let mut earlier = payment.clone();
                    earlier["transaction_id"] = json!(format!("pay-{}", unique()));
                    provider.put(&earlier, now_ms() - 1_000).await;
                }
                provider.put(&payment, now_ms()).await;
                let task = json!({"transaction_id": payment["transaction_id"], "provider": provider.name});
                match cloud.invoke("fraud-detector", &task).await {
                    Ok(found) => {
                        assert_eq!((&found["risk_level"], &found["alerted"]), (&json!("high_risk"), &json!(true)));
                        "works".to_owned()
                    }
                    Err(error) => failed(&error),
                }
            }
            Self::Archival => {
                provider.put(&payment, now_ms() - 2 * DAY_MILLISECONDS).await;
                match cloud.invoke("transaction-archival", &json!({})).await {
                    Ok(found) => {
                        let item = provider.item(&payment).await.unwrap();
                        assert!(item["archived_to"].is_string(), "{found}: {item}");
                        "works".to_owned()
                    }
                    Err(error) => failed(&error),
                }
            }
            Self::Reconcile => match cloud.invoke("transaction-archival", &json!({"task": "reconcile"})).await {
                Ok(_) => "works".to_owned(),
                Err(error) => failed(&error),
            },
        }
    }
}

fn outcome_of(response: &ApiResponse) -> String {
    if response.status == 200 {
        "works".to_owned()
    } else {
        format!("returned {} {}", response.status, response.error())
    }
}

fn failed(error: &Value) -> String {
    format!("the function fails with {}", error["errorType"].as_str().unwrap_or_default())
}

impl Provider<'_> {
    /// Claims a stored payment for publication until then.
    async fn publish_until(&self, payment: &Value, until_ms: u64) {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let update = self.cloud.dynamodb().update_item().table_name(&self.cloud.stack.webhook_table);
        let update = update.key("transaction_id", text(payment["transaction_id"].as_str().unwrap()));
        let update = update.key("event_key", text(self.event_key(payment).as_str()));
        let update = update.update_expression("REMOVE published_at_ms SET publishing_until_ms = :until");
        let until = AttributeValue::N(until_ms.to_string());
        update.expression_attribute_values(":until", until).send().await.unwrap();
    }
}
