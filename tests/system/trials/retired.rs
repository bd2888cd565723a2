//! Stored payments in a currency that was retired since: the kuna, which Croatia replaced by the euro in 2023.

use crate::support::archiver::text;
use crate::support::cloud::Cloud;
use crate::support::provider::Provider;
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use std::collections::HashMap;

pub(super) const RETIRED_CURRENCY: &str = "HRK";

/// Stores a payment as if it had arrived at this time, when its currency was still in use. No API accepts it today.
pub(super) async fn put(provider: &Provider<'_>, id: &str, customer: &str, amount: &str, received_at_ms: u64) -> Value {
    let payment = json!({
        "transaction_id": id, "amount": amount, "currency": "EUR", "provider": provider.name, "customer_id": customer,
    });
    provider.put(&payment, received_at_ms).await;
    let mut row = row(provider.cloud, id, &provider.name).await;
    row.insert("currency".to_owned(), text(RETIRED_CURRENCY));
    let put = provider.cloud.dynamodb().put_item().table_name(&provider.cloud.stack.webhook_table);
    put.set_item(Some(row)).send().await.unwrap();
    payment
}

/// The row of a provider's payment, or its tombstone.
pub(super) async fn row(cloud: &Cloud, id: &str, provider: &str) -> HashMap<String, AttributeValue> {
    let query = cloud.dynamodb().query().table_name(&cloud.stack.webhook_table).consistent_read(true);
    let query = query.key_condition_expression("transaction_id = :id").expression_attribute_values(":id", text(id));
    let mut rows = query.send().await.unwrap().items.unwrap_or_default().into_iter();
    // The tombstone of an archived payment has its key alone.
    let of_provider = |row: &HashMap<_, AttributeValue>| {
        row["event_key"].as_s().is_ok_and(|key| key.split('#').next() == Some(provider))
    };
    rows.find(of_provider).unwrap_or_default()
}
