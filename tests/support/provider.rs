//! A payment provider that sends webhooks, over HTTP alone; and the data of the table and the bus about them.

use crate::support::cloud::{Cloud, Created, eventually, now_ms, unique};
use crate::support::queues::Queue;
use crate::support::upload::{ApiResponse, plain};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::DayShards;
use domain::Timestamp;
use domain::files::unfinished::shard_of;
use domain::payments::webhook::{AmountBand, EventKey, Payment, Secret, signature};
use serde_json::{Value, json};

/// A provider with a secret.
pub(crate) struct Provider<'c> {
    pub(crate) cloud: &'c Cloud,
    pub(crate) name: String,
    pub(crate) secret: String,
}

impl Cloud {
    /// The first of the stack's providers. Each test uses transaction ids of its own.
    pub(crate) fn provider(&self) -> Provider<'_> {
        let [name, secret] = self.stack.provider.clone();
        Provider { cloud: self, name, secret }
    }

    /// The second one.
    pub(crate) fn other_provider(&self) -> Provider<'_> {
        let [name, secret] = self.stack.other_provider.clone();
        Provider { cloud: self, name, secret }
    }

    /// Posts any body with any headers to the webhooks' API.
    pub(crate) async fn post_webhook(
        &self,
        headers: &[(&str, &str)],
        body: &(impl AsRef<[u8]> + ?Sized),
    ) -> ApiResponse {
        self.post_webhook_as(Some("application/json"), headers, body).await
    }

    /// The same with another content type, or none.
    pub(crate) async fn post_webhook_as(
        &self,
        content_type: Option<&str>,
        headers: &[(&str, &str)],
        body: &(impl AsRef<[u8]> + ?Sized),
    ) -> ApiResponse {
        let mut request = self.http.post(&self.stack.webhook_url).body(body.as_ref().to_vec());
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        ApiResponse::of(request).await
    }
}

/// The headers of a delivery, signed.
pub(crate) struct Signed {
    pub(crate) id: String,
    pub(crate) timestamp: String,
    pub(crate) signature: String,
}

impl Signed {
    /// The headers of Standard Webhooks.
    pub(crate) fn headers(&self) -> [(&str, &str); 3] {
        [
            (signature::ID_HEADER, &self.id),
            (signature::TIMESTAMP_HEADER, &self.timestamp),
            (signature::SIGNATURE_HEADER, &self.signature),
        ]
    }
}

/// Signs a body as a provider does, at this distance from now in seconds.
pub(crate) fn sign(secret: &str, body: &(impl AsRef<[u8]> + ?Sized), seconds_from_now: i64) -> Signed {
    let timestamp = (now_ms() / 1000).checked_add_signed(seconds_from_now).unwrap();
    let id = format!("msg_{}", unique());
    let signature = signature::sign(&Secret::parse(secret).unwrap(), &id, timestamp, body.as_ref());
    Signed { id, timestamp: timestamp.to_string(), signature }
}

impl Provider<'_> {
    /// A payment of this provider with an id and a customer of its own.
    pub(crate) fn payment(&self, amount: &str, currency: &str) -> Value {
        json!({
            "transaction_id": format!("pay-{}", unique()), "amount": amount, "currency": currency,
            "provider": self.name, "customer_id": format!("customer-{}", unique()),
        })
    }

    /// Signs and sends it.
    pub(crate) async fn send(&self, payment: &Value) -> ApiResponse {
        self.send_text(&payment.to_string()).await
    }

    /// Signs and sends this very body.
    pub(crate) async fn send_text(&self, body: &str) -> ApiResponse {
        self.cloud.post_webhook(&sign(&self.secret, body, 0).headers(), body).await
    }

    /// Puts a published payment into the table, with an arrival of its own. There is no event about it.
    pub(crate) async fn put(&self, payment: &Value, received_at_ms: u64) {
        let read = Payment::read(payment.to_string().as_bytes()).unwrap();
        let at = Timestamp::from_unix_milliseconds(received_at_ms);
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let number = |number: String| AttributeValue::N(number);
        let put = self.cloud.dynamodb().put_item().table_name(&self.cloud.stack.webhook_table);
        let put = put
            .item("transaction_id", text(&read.transaction_id))
            .item("event_key", text(read.event_key().as_str()))
            .item("provider", text(&self.name))
            .item("type", text(read.event_type.as_str()))
            .item("amount", number(read.amount.to_string()))
            .item("currency", text(read.currency.code()))
            .item("amount_band", text(AmountBand::of(read.amount).as_str()))
            .item("customer_id", text(&read.customer_id))
            .item("customer", text(&format!("{}#{}", self.name, read.customer_id)))
            .item("status", text("pending"))
            .item("digest", text(read.digest.as_str()))
            .item("received_at_ms", number(received_at_ms.to_string()))
            .item("received_at", text(&at.to_milliseconds_text()))
            .item("published_at_ms", number(received_at_ms.to_string()))
            .item("day_shard", text(&DayShards::PAYMENTS.of(at, &read.transaction_id)));
        put.send().await.unwrap();
    }

    /// Puts a payment into the table that was accepted before its currency was retired: today its webhook is rejected.
    pub(crate) async fn put_retired(&self, payment: &Value, received_at_ms: u64) {
        self.put(payment, received_at_ms).await;
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let id = payment["transaction_id"].as_str().unwrap();
        let update = self.cloud.dynamodb().update_item().table_name(&self.cloud.stack.webhook_table);
        let update = update.key("transaction_id", text(id)).key("event_key", text(self.event_key(payment).as_str()));
        let update = update.update_expression("SET currency = :retired");
        update.expression_attribute_values(":retired", text("HRK")).send().await.unwrap();
    }

    /// Puts a payment into the table that was received two hours ago and is not published, and is no longer claimed.
    pub(crate) async fn put_unfinished(&self, payment: &Value) {
        let came_at_ms = now_ms() - 2 * 60 * 60 * 1000;
        self.put(payment, came_at_ms).await;
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let id = payment["transaction_id"].as_str().unwrap();
        let update = self.cloud.dynamodb().update_item().table_name(&self.cloud.stack.webhook_table);
        let update = update.key("transaction_id", text(id)).key("event_key", text(self.event_key(payment).as_str()));
        let update = update
            .update_expression("SET unfinished = :shard, publishing_until_ms = :until REMOVE published_at_ms")
            .expression_attribute_values(":shard", text(&shard_of(id)))
            .expression_attribute_values(":until", AttributeValue::N((came_at_ms + 20_000).to_string()));
        update.send().await.unwrap();
    }

    /// The item of a payment.
    pub(crate) async fn item(&self, payment: &Value) -> Option<Value> {
        self.item_of(payment["transaction_id"].as_str().unwrap(), &self.event_key(payment)).await
    }

    /// The item of an event of a transaction.
    pub(crate) async fn item_of(&self, id: &str, event_key: &EventKey) -> Option<Value> {
        let text = |value: &str| AttributeValue::S(value.to_owned());
        let found = self.cloud.dynamodb().get_item().table_name(&self.cloud.stack.webhook_table);
        let found = found.key("transaction_id", text(id)).key("event_key", text(event_key.as_str()));
        found.consistent_read(true).send().await.unwrap().item.as_ref().map(plain)
    }

    /// The event key of a payment of this provider; that of the created transaction if the payment is invalid.
    pub(crate) fn event_key(&self, payment: &Value) -> EventKey {
        self.event_key_of(payment.to_string().as_bytes())
    }

    /// The same of a body.
    pub(crate) fn event_key_of(&self, body: &[u8]) -> EventKey {
        Payment::read(body).map_or_else(|_| EventKey::created(&self.name), |read| read.event_key())
    }
}

/// A queue that receives every event of the bus about one transaction.
pub(crate) struct Listener<'c> {
    queue: Queue<'c>,
}

impl Cloud {
    /// Listens on the bus for events about a transaction.
    pub(crate) async fn listen(&self, transaction_id: &str) -> Listener<'_> {
        let queue = self.queue("listener").await;
        let name = queue.name.clone();
        let bus = &self.stack.event_bus;
        let pattern = json!({"detail": {"transaction_id": [transaction_id]}});
        let rule = self.events().put_rule().name(&name).event_bus_name(bus).event_pattern(pattern.to_string());
        rule.send().await.unwrap();
        self.remove_at_end(Created::Rule { name: name.clone(), bus: bus.clone() });
        let target = aws_sdk_eventbridge::types::Target::builder().id("listener").arn(&queue.arn).build().unwrap();
        self.events().put_targets().rule(&name).event_bus_name(bus).targets(target).send().await.unwrap();
        Listener { queue }
    }
}

impl Listener<'_> {
    /// Waits for an event.
    pub(crate) async fn next(&self) -> Value {
        eventually("an event on the bus", async || self.receive().await).await
    }

    /// An event that was received by now.
    pub(crate) async fn receive(&self) -> Option<Value> {
        self.queue.take(1).await.pop()
    }
}
