//! The table of payments: one item for each event of a transaction of a provider, from its delivery until it is archived,
//! and then for a while what is needed to know it again.

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
pub use archival::{DueCursor, DuePage, Row, RowArchival};
pub use stored::stored;

/// The shard of the list of unfinished payments that a payment is in, for as long as it is one.
pub(crate) const UNFINISHED: &str = "unfinished";

/// Which payment: its transaction id, and which event of that transaction.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct PaymentKey {
    /// The transaction's id.
    pub transaction_id: String,
    /// The event.
    pub event_key: EventKey,
}

impl PaymentKey {
    /// The key of a payment.
    #[must_use]
    pub fn of(payment: &Payment) -> Self {
        Self { transaction_id: payment.transaction_id.clone(), event_key: payment.event_key() }
    }

    /// The key of the event that a transaction was created, which is the one that is published and assessed.
    #[must_use]
    pub fn of_created(transaction_id: &str, provider: &str) -> Self {
        Self { transaction_id: transaction_id.to_owned(), event_key: EventKey::created(provider) }
    }
}

/// What became of a write.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Written {
    /// It was taken.
    Applied,
    /// The payment stands otherwise, as it says.
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

    /// Stores a payment that arrived at `now_ms`, unless it is known. Whoever stores it is to publish it by
    /// `publishing_until_ms`.
    ///
    /// # Errors
    /// The table refused the call or did not answer.
    pub async fn store(&self, payment: &Payment, now_ms: u64, publishing_until_ms: u64) -> Result<Written, Failure> {
        let request = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item(payment, now_ms, publishing_until_ms)))
            // What is remembered of an archived payment may outlast its time, since the table removes it when it likes.
            .condition_expression("attribute_not_exists(transaction_id) OR expires_at_ms <= :now")
            .expression_attribute_values(":now", number(now_ms))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        written(conditional::put(request).await?)
    }

    /// How a payment stands, as of every write that was answered before.
    ///
    /// # Errors
    /// The table refused the call or did not answer.
    pub async fn read(&self, key: &PaymentKey) -> Result<Option<KnownPayment>, Failure> {
        self.item(key).await?.as_ref().map(known).transpose()
    }

    /// Takes over the publication of a payment from whoever had until `before_ms` for it.
    ///
    /// # Errors
    /// The table refused the call or did not answer.
    pub async fn take_over(&self, key: &PaymentKey, before_ms: u64, until_ms: u64) -> Result<Written, Failure> {
        let request = self
            .update(key)
            .update_expression("SET publishing_until_ms = :until")
            .condition_expression("publishing_until_ms = :before")
            .expression_attribute_values(":until", number(until_ms))
            .expression_attribute_values(":before", number(before_ms));
        updated(request).await
    }

    /// Records that a payment is published. It then is unfinished only if something else is still to be done for it.
    ///
    /// # Errors
    /// The table refused the call or did not answer.
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
        let answer = request.send().await;
        let answer =
            answer.map_err(|error| Failure::of_call("dynamodb:GetItem", &error, FailureKind::StoreUnavailable))?;
        Ok(answer.item)
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
    outcome.conflict().map_or(Ok(Written::Applied), |standing| Ok(Written::Conflict(known(&standing)?)))
}

/// What a payment waits for that nobody has assessed.
fn outstanding(payment: &Payment, is_published: bool) -> Option<Outstanding> {
    let band = AmountBand::of(payment.amount);
    Outstanding::of(&payment.event_type, band, PaymentStatus::Pending, is_published)
}

/// The item of a payment that was just delivered.
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
        // An event of another type is no payment of the customer, so that no index of those has it.
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

/// Reads what is known of a payment from its item, or from what remains of one that was archived.
fn known(item: &Item) -> Result<KnownPayment, Failure> {
    let unreadable = || Failure::new(FailureKind::InvalidInput, "an item of the payments' table is not one of ours");
    let digest =
        item.get("digest").and_then(|value| ContentDigest::parse(value.as_s().ok()?)).ok_or_else(unreadable)?;
    let stage = match (milliseconds(item, "expires_at_ms"), milliseconds(item, "publishing_until_ms")) {
        (Some(until_ms), _) => Stage::Archived { until_ms },
        (None, Some(until_ms)) => Stage::Publishing { until_ms },
        (None, None) => Stage::Done,
    };
    Ok(KnownPayment { digest, stage })
}

/// A customer's name in our tables: two providers may give the same one to different customers. A provider's name has no
/// `#`, so no two customers share one.
pub(crate) fn customer(provider: &Provider, customer_id: &str) -> String {
    format!("{}#{customer_id}", provider.as_str())
}

fn key_item(key: &PaymentKey) -> Item {
    Item::from([
        ("transaction_id".to_owned(), text(&key.transaction_id)),
        ("event_key".to_owned(), text(key.event_key.as_str())),
    ])
}
