//! Reads and writes of the risk assessment.

use super::stored::{Attributes, integer, stored, string};
use super::{Item, PaymentKey, PaymentTable, UNFINISHED, customer};
use crate::attribute::{number, text};
use crate::conditional;
use crate::failure::{Failure, FailureKind};
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::ContentDigest;
use domain::limits::RECENT_PAYMENTS_MAX;
use domain::payments::archive::ArchivedPayment;
use domain::payments::risk::{Analysis, RecentPayment};
use domain::payments::webhook::{PaymentStatus, Provider};

/// The index of payments by customer and time of arrival.
const CUSTOMER_INDEX: &str = "customer-index";

/// A payment, and whether its alert was published.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredPayment {
    /// The payment.
    pub payment: ArchivedPayment,
    /// Whether its alert was published.
    pub is_alerted: bool,
}

/// The current analysis in the table, and whether its alert was published.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CurrentAnalysis {
    /// The analysis.
    pub analysis: Analysis,
    /// Whether its alert was published.
    pub is_alerted: bool,
}

impl PaymentTable {
    /// The current payment (strongly consistent); none if it does not exist or was archived.
    ///
    /// # Errors
    /// The table rejected the call or did not respond, or the item is malformed.
    pub async fn read_payment(&self, key: &PaymentKey) -> Result<Option<StoredPayment>, Failure> {
        self.item(key).await?.filter(is_payment).as_ref().map(stored_payment).transpose()
    }

    /// The payments of a customer in the table that were received until `until_ms`, the latest first: as many as an
    /// assessment considers, plus the assessed one. The index is eventually consistent, so a new payment may be
    /// missing.
    ///
    /// # Errors
    /// The table rejected the call or did not respond, or an item is malformed.
    pub async fn recent_of_customer(
        &self,
        provider: &Provider,
        customer_id: &str,
        until_ms: u64,
    ) -> Result<Vec<RecentPayment>, Failure> {
        let response = self
            .client
            .query()
            .table_name(&self.name)
            .index_name(CUSTOMER_INDEX)
            .key_condition_expression("customer = :customer AND received_at_ms <= :until")
            .expression_attribute_values(":customer", text(&customer(provider, customer_id)))
            .expression_attribute_values(":until", number(until_ms))
            .scan_index_forward(false)
            .limit(i32::try_from(RECENT_PAYMENTS_MAX + 1).unwrap_or(i32::MAX))
            .send()
            .await;
        let response =
            response.map_err(|error| Failure::of_call("dynamodb:Query", &error, FailureKind::StoreUnavailable))?;
        response.items().iter().map(recent).collect()
    }

    /// Writes the analysis of the payment with the content `digest`, unless it has one. Returns the current analysis;
    /// none if the payment no longer exists.
    ///
    /// # Errors
    /// The table rejected the call or did not respond, or the item is malformed.
    pub async fn write_analysis(
        &self,
        key: &PaymentKey,
        digest: &ContentDigest,
        analysis: &Analysis,
        now_ms: u64,
    ) -> Result<Option<CurrentAnalysis>, Failure> {
        let attribute = serde_dynamo::to_attribute_value(analysis)
            .map_err(|error| Failure::new(FailureKind::InvalidInput, format!("analysis: {error}")))?;
        let request = self
            .update_of_content(key, digest, "#status = :pending")
            // No step is outstanding. It is assessed because of its event, so it is published, although the delivery
            // that published it may have been killed before recording that.
            .update_expression(format!(
                "SET #status = :analyzed, analysis = :analysis, risk_level = :level, risk_score = :score, \
                 analyzed_at_ms = :now, published_at_ms = if_not_exists(published_at_ms, :now) \
                 REMOVE publishing_until_ms, {UNFINISHED}"
            ))
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":pending", text(PaymentStatus::Pending.as_str()))
            .expression_attribute_values(":analyzed", text(PaymentStatus::Analyzed.as_str()))
            .expression_attribute_values(":analysis", attribute)
            .expression_attribute_values(":level", text(analysis.level.as_str()))
            .expression_attribute_values(":score", AttributeValue::N(analysis.score.to_string()))
            .expression_attribute_values(":now", number(now_ms));
        match conditional::update(request).await?.conflict() {
            None => Ok(Some(CurrentAnalysis { analysis: analysis.clone(), is_alerted: false })),
            Some(item) => current_analysis(&item, digest),
        }
    }

    /// Records that the alert of the payment with the content `digest` was published, unless that is recorded or the
    /// payment no longer exists.
    ///
    /// # Errors
    /// The table rejected the call or did not respond.
    pub async fn alerted(&self, key: &PaymentKey, digest: &ContentDigest, now_ms: u64) -> Result<(), Failure> {
        let request = self
            .update_of_content(key, digest, "attribute_not_exists(alerted_at_ms)")
            .update_expression("SET alerted_at_ms = :now")
            .expression_attribute_values(":now", number(now_ms));
        conditional::update(request).await.map(drop)
    }

    /// An update that fails if the payment no longer exists: it must not create an item or change a tombstone.
    fn update_of_content(&self, key: &PaymentKey, digest: &ContentDigest, more: &str) -> UpdateItemFluentBuilder {
        self.update(key)
            .condition_expression(format!("digest = :digest AND attribute_not_exists(expires_at_ms) AND {more}"))
            .expression_attribute_values(":digest", text(digest.as_str()))
    }
}

/// Whether an item is a payment and not a tombstone.
fn is_payment(item: &Item) -> bool {
    !item.is_empty() && !item.contains_key("expires_at_ms")
}

fn stored_payment(item: &Item) -> Result<StoredPayment, Failure> {
    Ok(StoredPayment { payment: stored(item)?, is_alerted: item.contains_key("alerted_at_ms") })
}

/// The current analysis in a conflicting item.
fn current_analysis(item: &Item, digest: &ContentDigest) -> Result<Option<CurrentAnalysis>, Failure> {
    if !is_payment(item) {
        return Ok(None);
    }
    let StoredPayment { payment, is_alerted } = stored_payment(item)?;
    // With a different content, the tombstone of the payment has expired and its id was used again.
    let analysis = payment.analysis.filter(|_| payment.digest == *digest);
    Ok(analysis.map(|analysis| CurrentAnalysis { analysis, is_alerted }))
}

/// Reads a payment from the index.
fn recent(item: &Item) -> Result<RecentPayment, Failure> {
    let attributes = Attributes(item);
    let (currency, amount) = attributes.money()?;
    Ok(RecentPayment {
        transaction_id: attributes.required("transaction_id", string)?,
        amount,
        currency,
        received_at_ms: attributes.required("received_at_ms", integer)?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::{item, key_item};
    use super::*;
    use domain::payments::risk::{PaymentFacts, assess};
    use domain::payments::webhook::Payment;

    fn payment() -> Payment {
        let body = r#"{"transaction_id":"T1","amount":20000.5,"currency":"EUR","provider":"acme","customer_id":"C1"}"#;
        Payment::read(body.as_bytes()).unwrap()
    }

    #[test]
    fn the_index_has_the_attributes_of_an_assessment() {
        let payment = payment();
        let mut projected = item(&payment, 7, 8);
        projected.retain(|name, _| {
            ["customer", "received_at_ms", "transaction_id", "provider", "amount", "currency"].contains(&name.as_str())
        });
        let (transaction_id, amount, currency) = (payment.transaction_id, payment.amount, payment.currency);
        let expected = RecentPayment { transaction_id, amount, currency, received_at_ms: 7 };
        assert_eq!(recent(&projected).unwrap(), expected);
        assert_eq!(projected["customer"], text("acme#C1"));
    }

    #[test]
    fn a_conflict_has_the_current_analysis_if_any() {
        let payment = payment();
        let pending = item(&payment, 7, 8);
        let (transaction_id, amount, currency) = (payment.transaction_id.as_str(), payment.amount, payment.currency);
        let facts = PaymentFacts { transaction_id, amount, currency, received_at_ms: 7, metadata: None };
        let analysis = assess(&facts, &[], None);
        let mut analyzed = pending.clone();
        analyzed.insert("status".to_owned(), text("analyzed"));
        analyzed.insert("analysis".to_owned(), serde_dynamo::to_attribute_value(&analysis).unwrap());
        let mut alerted = analyzed.clone();
        alerted.insert("alerted_at_ms".to_owned(), number(9));
        let mut archived = key_item(&PaymentKey::of(&payment));
        archived
            .extend([("digest".to_owned(), text(payment.digest.as_str())), ("expires_at_ms".to_owned(), number(9))]);
        let current = |is_alerted| Some(CurrentAnalysis { analysis: analysis.clone(), is_alerted });
        for (item, digest, expected) in [
            (&Item::new(), &payment.digest, None),
            (&archived, &payment.digest, None),
            (&analyzed, &ContentDigest::of(b"another"), None),
            (&analyzed, &payment.digest, current(false)),
            (&alerted, &payment.digest, current(true)),
        ] {
            assert_eq!(current_analysis(item, digest).unwrap(), expected, "{item:?}");
        }
    }
}
