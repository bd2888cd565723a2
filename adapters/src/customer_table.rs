//! The table of customers: what is remembered of one when its payments have been archived. An item has a customer's
//! profile, as JSON, and a revision that goes up with each write.

use crate::Configuration;
use crate::conditional::{self, Conditional};
use crate::failure::{Failure, FailureKind};
use crate::payment_table::{Item, customer};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use domain::payments::risk::{CustomerProfile, PaymentFacts};
use domain::payments::webhook::Provider;
use std::time::Duration;

/// How often a write begins anew because other payments of the customer have changed the profile in between.
const LEARN_TURNS_MAX: u64 = 16;
/// What each turn waits longer than the one before it, so that those who write at once spread out.
const LEARN_WAIT_MILLISECONDS: u64 = 10;

/// A profile as it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KnownCustomer {
    /// The profile.
    pub profile: CustomerProfile,
    /// How often it was written.
    revision: u64,
}

/// The table.
#[derive(Clone, Debug)]
pub struct CustomerTable {
    client: Client,
    name: String,
}

impl CustomerTable {
    /// The table of this environment.
    ///
    /// # Errors
    /// A variable of the environment is missing.
    pub fn new(configuration: &Configuration) -> Result<Self, Failure> {
        Ok(Self { client: Client::new(configuration.sdk()), name: configuration.variable("CUSTOMERS_TABLE")? })
    }

    /// What is known of a customer, as of every write that was answered before.
    ///
    /// # Errors
    /// The table refused the call or did not answer, or the item is not one of ours.
    pub async fn read(&self, provider: &Provider, customer_id: &str) -> Result<Option<KnownCustomer>, Failure> {
        let key = AttributeValue::S(customer(provider, customer_id));
        let request = self.client.get_item().table_name(&self.name).key("customer", key).consistent_read(true);
        let answer = request.send().await;
        let answer =
            answer.map_err(|error| Failure::of_call("dynamodb:GetItem", &error, FailureKind::StoreUnavailable))?;
        answer.item.as_ref().map(known).transpose()
    }

    /// Adds a payment to the profile of its customer, which was `standing` when it was last read. A payment that is in it
    /// already costs nothing. Where another payment came first, this one is added to what that one made of the profile.
    ///
    /// # Errors
    /// The table refused the call or did not answer, or the item is not one of ours.
    pub async fn learn(
        &self,
        provider: &Provider,
        customer_id: &str,
        mut standing: Option<KnownCustomer>,
        payment: &PaymentFacts<'_>,
    ) -> Result<(), Failure> {
        let customer = customer(provider, customer_id);
        for turn in 1..=LEARN_TURNS_MAX {
            let Some(next) = with(standing.as_ref(), payment) else {
                return Ok(());
            };
            let refused = self.put(&customer, &next).await?;
            let Some(item) = refused else {
                return Ok(());
            };
            standing = if item.is_empty() { None } else { Some(known(&item)?) };
            tokio::time::sleep(Duration::from_millis(turn * LEARN_WAIT_MILLISECONDS)).await;
        }
        let detail = "dynamodb:PutItem: many payments change the profile of one customer at once";
        Err(Failure::new(FailureKind::StoreUnavailable, detail))
    }

    /// Puts a profile in the place of its last revision. Returns the item that stands instead; an empty one where there is
    /// none.
    async fn put(&self, customer: &str, next: &KnownCustomer) -> Result<Option<Item>, Failure> {
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item(customer, next)?))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let put = match next.revision {
            FIRST_REVISION => put.condition_expression("attribute_not_exists(customer)"),
            revision => put
                .condition_expression("revision = :before")
                .expression_attribute_values(":before", AttributeValue::N((revision - 1).to_string())),
        };
        conditional::put(put).await.map(Conditional::conflict)
    }
}

const FIRST_REVISION: u64 = 1;

/// The next revision of a profile, which has `payment` in it; none if the standing one has it already.
fn with(standing: Option<&KnownCustomer>, payment: &PaymentFacts<'_>) -> Option<KnownCustomer> {
    let Some(standing) = standing else {
        let profile = CustomerProfile::default().seen(payment);
        return Some(KnownCustomer { profile, revision: FIRST_REVISION });
    };
    let profile = standing.profile.seen(payment);
    (profile != standing.profile).then_some(KnownCustomer { profile, revision: standing.revision + 1 })
}

fn item(customer: &str, known: &KnownCustomer) -> Result<Item, Failure> {
    let profile = serde_json::to_string(&known.profile)
        .map_err(|error| Failure::new(FailureKind::InvalidInput, format!("profile: {error}")))?;
    Ok(Item::from([
        ("customer".to_owned(), AttributeValue::S(customer.to_owned())),
        ("profile".to_owned(), AttributeValue::S(profile)),
        ("revision".to_owned(), AttributeValue::N(known.revision.to_string())),
    ]))
}

fn known(item: &Item) -> Result<KnownCustomer, Failure> {
    let profile = item.get("profile").and_then(|value| serde_json::from_str(value.as_s().ok()?).ok());
    let revision = item.get("revision").and_then(|value| value.as_n().ok()?.parse().ok());
    profile
        .zip(revision)
        .map(|(profile, revision)| KnownCustomer { profile, revision })
        .ok_or_else(|| Failure::new(FailureKind::InvalidInput, "an item of the customers' table is not one of ours"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Currency, Money};

    fn payment(transaction_id: &str, received_at_ms: u64) -> PaymentFacts<'_> {
        let currency = Currency::parse(b"EUR").unwrap();
        let metadata = Some(r#"{"country":"CH"}"#);
        PaymentFacts { transaction_id, amount: Money::whole(1), currency, received_at_ms, metadata }
    }

    #[test]
    fn a_profile_is_read_as_it_was_written() {
        let first = with(None, &payment("T1", 7)).unwrap();
        assert_eq!(first.revision, FIRST_REVISION);
        let item = item("acme#C1", &first).unwrap();
        assert_eq!(item["customer"], AttributeValue::S("acme#C1".to_owned()));
        assert_eq!(known(&item).unwrap(), first);
    }

    #[test]
    fn a_payment_is_added_once_to_whatever_stands() {
        let first = with(None, &payment("T1", 7)).unwrap();
        assert_eq!(with(Some(&first), &payment("T1", 7)), None);
        let second = with(Some(&first), &payment("T2", 9)).unwrap();
        assert_eq!(second.revision, 2);
        assert_eq!(second.profile, first.profile.seen(&payment("T2", 9)));
        assert_eq!(with(Some(&second), &payment("T1", 7)), None);
    }

    #[test]
    fn what_we_did_not_write_is_refused() {
        let sound = item("acme#C1", &with(None, &payment("T1", 7)).unwrap()).unwrap();
        for (name, value) in [
            ("profile", AttributeValue::S("{}4111".to_owned())),
            ("profile", AttributeValue::N("4111".to_owned())),
            ("revision", AttributeValue::N("-4111".to_owned())),
        ] {
            let mut item = sound.clone();
            item.insert(name.to_owned(), value);
            let failure = known(&item).unwrap_err();
            assert!(!failure.detail.contains("4111"), "{failure}");
            item.remove(name);
            assert!(known(&item).is_err(), "{name}");
        }
    }
}
