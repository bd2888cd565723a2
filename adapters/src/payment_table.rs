//! The table of payments: one item for each event of a transaction of a provider, from its delivery until it is
//! archived, and then its tombstone.

mod analysis;
mod archival;
mod stored;
mod unfinished;

use crate::Configuration;
use crate::attribute::{milliseconds, number, text};
use crate::conditional::{self, Conditional};
use crate::failure::{Failure, FailureKind};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use domain::files::unfinished::shard_of;
use domain::payments::webhook::{
    AmountBand, EventKey, KnownPayment, Outstanding, Payment, PaymentStatus, Provider, Stage,
};
use domain::{ContentDigest, DayShards, Timestamp};

pub use crate::attribute::Item;
pub use analysis::{CurrentAnalysis, StoredPayment};
pub use archival::{DuePage, Row, RowArchival};
pub use stored::stored;

/// The attribute with the payment's shard of the list of unfinished payments, while it is unfinished.
pub(crate) const UNFINISHED: &str = "unfinished";

/// The key of a payment: its transaction id, and the event of that transaction.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct PaymentKey {
    /// The id of the transaction.
    pub transaction_id: String,
    /// The key of the event.
    pub event_key: EventKey,
}

impl PaymentKey {
    /// The key of a payment.
    #[must_use]
    pub fn of(payment: &Payment) -> Self {
        Self { transaction_id: payment.transaction_id.clone(), event_key: payment.event_key() }
    }

    /// The key of the creation of a transaction, which is the event that is published and assessed.
    #[must_use]
    pub fn of_created(transaction_id: &str, provider: &str) -> Self {
        Self { transaction_id: transaction_id.to_owned(), event_key: EventKey::created(provider) }
    }
}

/// The outcome of a write.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Written {
    /// It was applied.
    Applied,
    /// Its condition failed; this is the current payment.
    Conflict(KnownPayment),
}

/// The table.
#[derive(Clone, Debug)]
pub struct PaymentTable {
    client: Client,
    name: String,
}

impl PaymentTable {
    /// The table of this environment.
    ///
    /// # Errors
    /// A variable of the environment is missing.
    pub fn new(configuration: &Configuration) -> Result<Self, Failure> {
        Ok(Self { client: Client::new(configuration.sdk()), name: configuration.variable("PAYMENTS_TABLE")? })
    }

    /// Stores a payment that was received at `now_ms`, unless it is known. The caller must publish it by
    /// `publishing_until_ms`.
    ///
    /// # Errors
    /// The table rejected the call or did not respond.
    pub async fn store(&self, payment: &Payment, now_ms: u64, publishing_until_ms: u64) -> Result<Written, Failure> {
        let request = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item(payment, now_ms, publishing_until_ms)))
            // DynamoDB deletes expired tombstones late.
            .condition_expression("attribute_not_exists(transaction_id) OR expires_at_ms <= :now")
            .expression_attribute_values(":now", number(now_ms))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        written(conditional::put(request).await?)
    }

    /// The current payment (strongly consistent).
    ///
    /// # Errors
    /// The table rejected the call or did not respond.
    pub async fn read(&self, key: &PaymentKey) -> Result<Option<KnownPayment>, Failure> {
        self.item(key).await?.as_ref().map(known).transpose()
    }

    /// Takes over the publication of a payment from the delivery that had until `before_ms`.
    ///
    /// # Errors
    /// The table rejected the call or did not respond.
    pub async fn take_over(&self, key: &PaymentKey, before_ms: u64, until_ms: u64) -> Result<Written, Failure> {
        let request = self
            .update(key)
            .update_expression("SET publishing_until_ms = :until")
            .condition_expression("publishing_until_ms = :before")
            .expression_attribute_values(":until", number(until_ms))
            .expression_attribute_values(":before", number(before_ms));
        updated(request).await
    }

    /// Records that a payment is published. It remains unfinished only if another step is outstanding.
    ///
    /// # Errors
    /// The table rejected the call or did not respond.
    pub async fn published(&self, payment: &Payment, now_ms: u64) -> Result<Written, Failure> {
        let publish = "SET published_at_ms = :now REMOVE publishing_until_ms";
        let is_finished = outstanding(payment, true).is_none();
        let request = self
            .update(&PaymentKey::of(payment))
            .update_expression(if is_finished { format!("{publish}, {UNFINISHED}") } else { publish.to_owned() })
            .condition_expression("attribute_exists(publishing_until_ms)")
            .expression_attribute_values(":now", number(now_ms));
        updated(request).await
    }

    async fn item(&self, key: &PaymentKey) -> Result<Option<Item>, Failure> {
        let request = self.client.get_item().table_name(&self.name).set_key(Some(key_item(key))).consistent_read(true);
        let response = request.send().await;
        let response =
            response.map_err(|error| Failure::of_call("dynamodb:GetItem", &error, FailureKind::StoreUnavailable))?;
        Ok(response.item)
    }

    fn update(&self, key: &PaymentKey) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(key_item(key)))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }
}

async fn updated(request: UpdateItemFluentBuilder) -> Result<Written, Failure> {
    written(conditional::update(request).await?)
}

fn written(outcome: Conditional) -> Result<Written, Failure> {
    outcome.conflict().map_or(Ok(Written::Applied), |current| Ok(Written::Conflict(known(&current)?)))
}

/// The outstanding step of a payment that is not assessed.
fn outstanding(payment: &Payment, is_published: bool) -> Option<Outstanding> {
    let band = AmountBand::of(payment.amount);
    Outstanding::of(&payment.event_type, band, PaymentStatus::Pending, is_published)
}

/// The item of a new payment.
fn item(payment: &Payment, now_ms: u64, publishing_until_ms: u64) -> Item {
    let at = Timestamp::from_unix_milliseconds(now_ms);
    let mut item = key_item(&PaymentKey::of(payment));
    item.extend([
        ("provider".to_owned(), text(payment.provider.as_str())),
        ("type".to_owned(), text(payment.event_type.as_str())),
        ("amount".to_owned(), AttributeValue::N(payment.amount.to_string())),
        ("currency".to_owned(), text(payment.currency.code())),
        ("amount_band".to_owned(), text(AmountBand::of(payment.amount).as_str())),
        ("customer_id".to_owned(), text(&payment.customer_id)),
        ("status".to_owned(), text(PaymentStatus::Pending.as_str())),
        ("digest".to_owned(), text(payment.digest.as_str())),
        ("received_at_ms".to_owned(), number(now_ms)),
        ("received_at".to_owned(), text(&at.to_milliseconds_text())),
        ("day_shard".to_owned(), text(&DayShards::PAYMENTS.of(at, &payment.transaction_id))),
    ]);
    if payment.event_type.is_routed() {
        // An event of another type is not a payment of the customer, so it is not in that index.
        item.insert("customer".to_owned(), text(&customer(&payment.provider, &payment.customer_id)));
        item.insert("publishing_until_ms".to_owned(), number(publishing_until_ms));
    }
    if outstanding(payment, false).is_some() {
        item.insert(UNFINISHED.to_owned(), text(&shard_of(&payment.transaction_id)));
    }
    for (name, value) in [("metadata", &payment.metadata), ("additional", &payment.additional)] {
        if let Some(value) = value {
            item.insert(name.to_owned(), text(value));
        }
    }
    item
}

/// Reads what is known about a payment from its item or its tombstone.
fn known(item: &Item) -> Result<KnownPayment, Failure> {
    let unreadable = || Failure::new(FailureKind::InvalidInput, "an item of the payments table is malformed");
    let digest =
        item.get("digest").and_then(|value| ContentDigest::parse(value.as_s().ok()?)).ok_or_else(unreadable)?;
    let stage = match (milliseconds(item, "expires_at_ms"), milliseconds(item, "publishing_until_ms")) {
        (Some(until_ms), _) => Stage::Archived { until_ms },
        (None, Some(until_ms)) => Stage::Publishing { until_ms },
        (None, None) => Stage::Done,
    };
    Ok(KnownPayment { digest, stage })
}

/// The key of a customer in the tables: two providers may use the same id for different customers. The name of a
/// provider has no `#`, so no two customers share a key.
pub(crate) fn customer(provider: &Provider, customer_id: &str) -> String {
    format!("{}#{customer_id}", provider.as_str())
}

fn key_item(key: &PaymentKey) -> Item {
    Item::from([
        ("transaction_id".to_owned(), text(&key.transaction_id)),
        ("event_key".to_owned(), text(key.event_key.as_str())),
    ])
}
