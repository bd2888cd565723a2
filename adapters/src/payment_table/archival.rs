//! Reads and writes of the archival.

use super::{Item, PaymentKey, PaymentTable, key_item, stored};
use crate::Configuration;
use crate::attribute::{number, text};
use crate::batch_read::{self, BATCH_KEYS_MAX};
use crate::conditional::{self, Conditional};
use crate::configuration::{retries, timeouts};
use crate::failure::{Failure, FailureKind};
use crate::index::{self, Cursor, Page};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::types::{KeysAndAttributes, ReturnValuesOnConditionCheckFailure};
use domain::payments::archive::{ArchivedPayment, Tombstone};
use domain::payments::webhook::EventKey;
use futures::stream::{self, StreamExt, TryStreamExt};

/// The index of payments by day, shard and time of arrival. It has only keys, and no tombstones.
const DAY_INDEX: &str = "day-index";

/// How many batches of keys are in flight, and the first wait while the table is busy.
const BATCHES_IN_FLIGHT: usize = 2;
const FIRST_WAIT_MILLISECONDS: u64 = 50;

/// The maximum number of tries of a call and its timeout. The archival stops early enough for a call of this length.
const CALL_TRIES_MAX: u32 = 8;
const CALL_SECONDS_MAX: u64 = 12;

/// The attributes that identify a revision of a payment. Every change sets at least one of them: publication or its
/// takeover by another delivery, analysis, alert, archival, or a new payment after the tombstone has expired.
const REVISION_ATTRIBUTES: [&str; 8] = [
    "digest",
    "received_at_ms",
    "status",
    "publishing_until_ms",
    "published_at_ms",
    "analyzed_at_ms",
    "alerted_at_ms",
    "expires_at_ms",
];

/// Payments of a partition of an index, in the order of their arrival.
#[derive(Clone, Debug)]
pub struct DuePage {
    /// Their keys.
    pub keys: Vec<PaymentKey>,
    /// The cursor of the next page, if this is not the last.
    pub next: Option<Cursor>,
}

/// A row of the table.
#[derive(Clone, Debug)]
pub enum Row {
    /// A payment.
    Payment {
        /// The payment.
        payment: Box<ArchivedPayment>,
        /// Whether it needs no publication: it is published, or its type is not routed.
        is_published: bool,
        /// Its item, as it was read.
        item: Item,
    },
    /// The tombstone of an archived payment.
    Tombstone,
    /// A malformed item.
    Unreadable(Failure),
}

/// The outcome of replacing a row by its tombstone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RowArchival {
    /// The row is replaced by its tombstone.
    Archived,
    /// The row has changed since it was read, and is unchanged by this call.
    Changed,
}

impl PaymentTable {
    /// The table of this environment, for work that has minutes rather than seconds.
    ///
    /// # Errors
    /// A variable of the environment is missing.
    pub fn for_archival(configuration: &Configuration) -> Result<Self, Failure> {
        let patient = aws_sdk_dynamodb::config::Builder::from(configuration.sdk())
            .retry_config(retries(CALL_TRIES_MAX))
            .timeout_config(timeouts(CALL_SECONDS_MAX));
        Ok(Self { client: Client::from_conf(patient.build()), ..Self::new(configuration)? })
    }

    /// A page of the payments of a shard of a day that were received before `before_ms`. The index is eventually
    /// consistent, so it may still have payments that are tombstones by now.
    ///
    /// # Errors
    /// The table rejected the call or did not respond.
    pub async fn due(&self, day_shard: &str, before_ms: u64, after: Option<Cursor>) -> Result<DuePage, Failure> {
        self.page(DAY_INDEX, "day_shard", day_shard, before_ms, after).await
    }

    /// A page of the payments of a partition of an index that were received before `before_ms`.
    pub(super) async fn page(
        &self,
        index_name: &str,
        attribute: &str,
        partition: &str,
        before_ms: u64,
        after: Option<Cursor>,
    ) -> Result<DuePage, Failure> {
        let query = self
            .client
            .query()
            .table_name(&self.name)
            .index_name(index_name)
            .key_condition_expression(format!("{attribute} = :partition AND received_at_ms < :before"))
            .expression_attribute_values(":partition", text(partition))
            .expression_attribute_values(":before", number(before_ms));
        let Page { entries, next } = index::page(query, after).await?;
        let keys: Option<Vec<_>> = entries.iter().map(key_of).collect();
        let keys =
            keys.ok_or_else(|| Failure::new(FailureKind::InvalidInput, "the index has an entry without a key"))?;
        Ok(DuePage { keys, next })
    }

    /// The rows with these distinct keys, in any order (strongly consistent). Keys without a row are left out.
    ///
    /// # Errors
    /// The table rejected the call or did not respond.
    pub async fn rows(&self, keys: &[PaymentKey]) -> Result<Vec<(PaymentKey, Row)>, Failure> {
        let batches = keys.chunks(BATCH_KEYS_MAX).map(|batch| self.batch(batch));
        let items: Vec<Vec<Item>> = stream::iter(batches).buffered(BATCHES_IN_FLIGHT).try_collect().await?;
        Ok(items.into_iter().flatten().filter_map(|item| Some((key_of(&item)?, row(item)))).collect())
    }

    async fn batch(&self, keys: &[PaymentKey]) -> Result<Vec<Item>, Failure> {
        let keys = keys.iter().map(key_item).collect();
        let request = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
        batch_read::items(&self.client, &self.name, request, FIRST_WAIT_MILLISECONDS).await
    }

    /// Replaces a row by its tombstone, which has the key of the object with the payment, unless the row has changed
    /// since `item` was read. A tombstone is in no index.
    ///
    /// # Errors
    /// The table rejected the call or did not respond.
    pub async fn archive_row(
        &self,
        item: &Item,
        tombstone: &Tombstone,
        object_key: &str,
    ) -> Result<RowArchival, Failure> {
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(tombstone_item(tombstone, object_key)))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        Ok(match conditional::put(unchanged(put, item)).await? {
            // An earlier try of this call may have been applied without a response.
            Conditional::Conflict(current) if current.get("archived_to") != Some(&text(object_key)) => {
                RowArchival::Changed
            }
            _ => RowArchival::Archived,
        })
    }
}

/// Adds the condition that the row has not changed since it was read.
fn unchanged(mut put: PutItemFluentBuilder, item: &Item) -> PutItemFluentBuilder {
    let mut conditions = Vec::with_capacity(REVISION_ATTRIBUTES.len());
    for name in REVISION_ATTRIBUTES {
        // Some of the names are reserved words of DynamoDB.
        put = put.expression_attribute_names(format!("#{name}"), name);
        if let Some(value) = item.get(name) {
            put = put.expression_attribute_values(format!(":{name}"), value.clone());
            conditions.push(format!("#{name} = :{name}"));
        } else {
            conditions.push(format!("attribute_not_exists(#{name})"));
        }
    }
    put.condition_expression(conditions.join(" AND "))
}

fn tombstone_item(tombstone: &Tombstone, object_key: &str) -> Item {
    let key = PaymentKey { transaction_id: tombstone.transaction_id.clone(), event_key: tombstone.event_key.clone() };
    let mut item = key_item(&key);
    item.extend([
        ("digest".to_owned(), text(tombstone.digest.as_str())),
        ("expires_at_ms".to_owned(), number(tombstone.expires_at_ms)),
        ("removable_from_seconds".to_owned(), number(tombstone.removable_from_seconds())),
        ("archived_to".to_owned(), text(object_key)),
    ]);
    item
}

fn row(item: Item) -> Row {
    if item.contains_key("expires_at_ms") {
        return Row::Tombstone;
    }
    match stored(&item) {
        Ok(payment) => {
            let is_published = !item.contains_key("publishing_until_ms")
                && (payment.published_at_ms.is_some() || !payment.event_type.is_routed());
            Row::Payment { payment: Box::new(payment), is_published, item }
        }
        Err(failure) => Row::Unreadable(failure),
    }
}

fn key_of(item: &Item) -> Option<PaymentKey> {
    let part = |name: &str| item.get(name)?.as_s().ok();
    let (transaction_id, event_key) = (part("transaction_id")?.clone(), EventKey::stored(part("event_key")?));
    Some(PaymentKey { transaction_id, event_key })
}

#[cfg(test)]
mod tests {
    use super::super::{item, known};
    use super::*;
    use aws_sdk_dynamodb::config::{BehaviorVersion, Config};
    use domain::payments::webhook::{KnownPayment, Payment, Stage};

    fn payment(event_type: &str) -> Payment {
        let body = format!(
            r#"{{"transaction_id":"T1","amount":20,"currency":"EUR","provider":"acme","customer_id":"C1","type":"{event_type}"}}"#
        );
        Payment::read(body.as_bytes()).unwrap()
    }

    fn published() -> Item {
        let mut item = item(&payment("transaction.created"), 7, 8);
        item.remove("publishing_until_ms");
        item.insert("published_at_ms".to_owned(), number(9));
        item
    }

    #[test]
    fn a_payment_of_another_type_needs_no_publication() {
        let unpublished = item(&payment("transaction.created"), 7, 8);
        let mut neither = unpublished.clone();
        neither.remove("publishing_until_ms");
        for (item, expected) in [
            (unpublished, false),
            (neither, false),
            (published(), true),
            (item(&payment("refund.created"), 7, 8), true),
        ] {
            assert!(matches!(row(item), Row::Payment { is_published, .. } if is_published == expected));
        }
    }

    #[test]
    fn distinguishes_tombstones_and_malformed_items() {
        let mut tombstone = published();
        tombstone.insert("expires_at_ms".to_owned(), number(9));
        assert!(matches!(row(tombstone), Row::Tombstone));
        let mut unreadable = published();
        unreadable.remove("amount");
        assert!(matches!(row(unreadable), Row::Unreadable(_)));
    }

    #[test]
    fn a_row_is_replaced_only_as_it_was_read() {
        let config = Config::builder().behavior_version(BehaviorVersion::latest()).build();
        let put = unchanged(Client::from_conf(config).put_item(), &published());
        let condition = put.get_condition_expression().as_deref().unwrap();
        assert_eq!(
            condition,
            "#digest = :digest AND #received_at_ms = :received_at_ms AND #status = :status AND \
             attribute_not_exists(#publishing_until_ms) AND #published_at_ms = :published_at_ms AND \
             attribute_not_exists(#analyzed_at_ms) AND attribute_not_exists(#alerted_at_ms) AND \
             attribute_not_exists(#expires_at_ms)"
        );
        let values = put.get_expression_attribute_values().as_ref().unwrap();
        assert_eq!(values[":published_at_ms"], number(9));
        assert_eq!(values.len(), 4);
    }

    #[test]
    fn a_tombstone_is_a_known_payment_and_in_no_index() {
        let payment = payment("transaction.created");
        let tombstone = Tombstone::of(&stored(&item(&payment, 7, 8)).unwrap(), 7);
        assert_eq!(PaymentKey::of(&payment).event_key, tombstone.event_key);
        let item = tombstone_item(&tombstone, "transactions/a");
        let stage = Stage::Archived { until_ms: tombstone.expires_at_ms };
        assert_eq!(known(&item).unwrap(), KnownPayment { digest: payment.digest, stage });
        assert!(["day_shard", "received_at_ms", "customer"].iter().all(|name| !item.contains_key(*name)));
        assert_eq!(item["removable_from_seconds"], number(tombstone.removable_from_seconds()));
    }
}
