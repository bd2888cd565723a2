//! The table of customers: their profiles, which remain after their payments are archived. An item has the profile as
//! JSON and a revision that increases with each write.

use crate::Configuration;
use crate::conditional::{self, Conditional};
use crate::failure::{Failure, FailureKind};
use crate::payment_table::{Item, customer};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use domain::payments::risk::{CustomerProfile, PaymentFacts};
use domain::payments::webhook::Provider;
use std::time::Duration;

/// How often a write is repeated because other payments of the customer changed the profile in between.
const LEARN_TURNS_MAX: u64 = 16;
/// The increase of the wait before each turn, so that concurrent writers spread out.
const LEARN_WAIT_MILLISECONDS: u64 = 10;

/// The current profile of a customer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KnownCustomer {
    /// The profile.
    pub profile: CustomerProfile,
    /// The number of writes.
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

    /// The current profile of a customer (strongly consistent).
    ///
    /// # Errors
    /// The table rejected the call or did not respond, or the item is malformed.
    pub async fn read(&self, provider: &Provider, customer_id: &str) -> Result<Option<KnownCustomer>, Failure> {
        let key = AttributeValue::S(customer(provider, customer_id));
        let request = self.client.get_item().table_name(&self.name).key("customer", key).consistent_read(true);
        let response = request.send().await;
        let response =
            response.map_err(|error| Failure::of_call("dynamodb:GetItem", &error, FailureKind::StoreUnavailable))?;
        response.item.as_ref().map(known).transpose()
    }

    /// Adds a payment to the profile of its customer, which was `current` when it was read. Does nothing if the profile
    /// has the payment already. If another payment was added in between, this one is added to the new profile.
    ///
    /// # Errors
    /// The table rejected the call or did not respond, or the item is malformed.
    pub async fn learn(
        &self,
        provider: &Provider,
        customer_id: &str,
        mut current: Option<KnownCustomer>,
        payment: &PaymentFacts<'_>,
    ) -> Result<(), Failure> {
        let customer = customer(provider, customer_id);
        for turn in 1..=LEARN_TURNS_MAX {
            let Some(next) = with(current.as_ref(), payment) else {
                return Ok(());
            };
            let conflict = self.put(&customer, &next).await?;
            let Some(item) = conflict else {
                return Ok(());
            };
            current = if item.is_empty() { None } else { Some(known(&item)?) };
            tokio::time::sleep(Duration::from_millis(turn * LEARN_WAIT_MILLISECONDS)).await;
        }
        let detail = "dynamodb:PutItem: many payments change the profile of one customer at once";
        Err(Failure::new(FailureKind::StoreUnavailable, detail))
    }

    /// Puts a profile in place of its last revision. Returns the conflicting item, if any; an empty one if there is no
    /// item.
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

/// The next revision of a profile, with `payment`; none if the current one has it already.
fn with(current: Option<&KnownCustomer>, payment: &PaymentFacts<'_>) -> Option<KnownCustomer> {
    let Some(current) = current else {
        let profile = CustomerProfile::default().seen(payment);
        return Some(KnownCustomer { profile, revision: FIRST_REVISION });
    };
    let profile = current.profile.seen(payment);
    (profile != current.profile).then_some(KnownCustomer { profile, revision: current.revision + 1 })
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
        .ok_or_else(|| Failure::new(FailureKind::InvalidInput, "an item of the customers table is malformed"))
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
    fn a_payment_is_added_once_to_the_current_profile() {
        let first = with(None, &payment("T1", 7)).unwrap();
        assert_eq!(with(Some(&first), &payment("T1", 7)), None);
        let second = with(Some(&first), &payment("T2", 9)).unwrap();
        assert_eq!(second.revision, 2);
        assert_eq!(second.profile, first.profile.seen(&payment("T2", 9)));
        assert_eq!(with(Some(&second), &payment("T1", 7)), None);
    }

    #[test]
    fn rejects_malformed_items() {
        let valid = item("acme#C1", &with(None, &payment("T1", 7)).unwrap()).unwrap();
        for (name, value) in [
            ("profile", AttributeValue::S("{}4111".to_owned())),
            ("profile", AttributeValue::N("4111".to_owned())),
            ("revision", AttributeValue::N("-4111".to_owned())),
        ] {
            let mut item = valid.clone();
            item.insert(name.to_owned(), value);
            let failure = known(&item).unwrap_err();
            assert!(!failure.detail.contains("4111"), "{failure}");
            item.remove(name);
            assert!(known(&item).is_err(), "{name}");
        }
    }
}
