//! What runs of the archival tell each other: who is at work, which object is announced, and from when on something may be
//! left to do. It is one item in the table of payments, under a key that no payment can have: an event's key begins with its
//! provider's name, which has no `#`.

use crate::Configuration;
use crate::attribute::{Item, milliseconds, number, text};
use crate::conditional::{self, Conditional};
use crate::failure::Failure;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::ReturnValue;

/// Both parts of the item's key.
const KEY: &str = "#archive";

/// What is known when a run begins.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct ArchiveState {
    /// The object that was announced, and is not known to be settled.
    pub object_key: Option<String>,
    /// The place in time of the last object that was announced.
    pub object_at_ms: Option<u64>,
    /// Everything that arrived before this, in milliseconds since 1970, is archived.
    pub unfinished_since_ms: Option<u64>,
}

/// The item.
#[derive(Clone, Debug)]
pub struct ArchiveControl {
    client: Client,
    table: String,
}

impl ArchiveControl {
    /// The item of this environment's table of payments.
    ///
    /// # Errors
    /// A variable of the environment is missing.
    pub fn new(configuration: &Configuration) -> Result<Self, Failure> {
        Ok(Self { client: Client::new(configuration.sdk()), table: configuration.variable("PAYMENTS_TABLE")? })
    }

    /// Takes the lease until `until_ms`, and returns what is known; or nothing if another run has the lease.
    ///
    /// # Errors
    /// The table refused the call or did not answer.
    pub async fn claim(&self, token: &str, now_ms: u64, until_ms: u64) -> Result<Option<ArchiveState>, Failure> {
        let request = self
            .update(token)
            .update_expression("SET lease_token = :token, lease_until_ms = :until")
            // The token is ours already if an earlier try of this call was not answered.
            .condition_expression("attribute_not_exists(lease_token) OR lease_until_ms <= :now OR lease_token = :token")
            .expression_attribute_values(":now", number(now_ms))
            .expression_attribute_values(":until", number(until_ms))
            .return_values(ReturnValue::AllNew);
        Ok(sent(request).await?.map(|item| ArchiveState {
            object_key: item.get("object_key").and_then(|value| value.as_s().ok()).cloned(),
            object_at_ms: milliseconds(&item, "object_at_ms"),
            unfinished_since_ms: milliseconds(&item, "unfinished_since_ms"),
        }))
    }

    /// Keeps the lease until `until_ms`. Returns whether the lease is still ours.
    ///
    /// # Errors
    /// The table refused the call or did not answer.
    pub async fn renew(&self, token: &str, until_ms: u64) -> Result<bool, Failure> {
        let request = self
            .update(token)
            .update_expression("SET lease_until_ms = :until")
            .condition_expression("lease_token = :token")
            .expression_attribute_values(":until", number(until_ms));
        Ok(sent(request).await?.is_some())
    }

    /// Announces an object, before it is stored. Returns whether the lease is still ours.
    ///
    /// # Errors
    /// The table refused the call or did not answer.
    pub async fn register_object(&self, token: &str, object_key: &str, object_at_ms: u64) -> Result<bool, Failure> {
        let request = self
            .update(token)
            .update_expression("SET object_key = :key, object_at_ms = :at")
            // It is announced already if an earlier try of this call was not answered.
            .condition_expression("lease_token = :token AND (attribute_not_exists(object_key) OR object_key = :key)")
            .expression_attribute_values(":key", text(object_key))
            .expression_attribute_values(":at", number(object_at_ms));
        Ok(sent(request).await?.is_some())
    }

    /// Takes an announcement back, once each of the object's lines is settled. Returns whether the lease is still ours.
    ///
    /// # Errors
    /// The table refused the call or did not answer.
    pub async fn clear_object(&self, token: &str, object_key: &str) -> Result<bool, Failure> {
        let request = self
            .update(token)
            .update_expression("REMOVE object_key")
            .condition_expression("lease_token = :token AND (attribute_not_exists(object_key) OR object_key = :key)")
            .expression_attribute_values(":key", text(object_key));
        Ok(sent(request).await?.is_some())
    }

    /// Gives the lease back, and says from when on something is left to do if that is known. If the lease is no longer
    /// ours, nothing happens.
    ///
    /// # Errors
    /// The table refused the call or did not answer.
    pub async fn release(&self, token: &str, unfinished_since_ms: Option<u64>) -> Result<(), Failure> {
        let request = self.update(token).condition_expression("lease_token = :token");
        let request = match unfinished_since_ms {
            None => request.update_expression("REMOVE lease_token, lease_until_ms"),
            Some(since_ms) => request
                .update_expression("SET unfinished_since_ms = :since REMOVE lease_token, lease_until_ms")
                .expression_attribute_values(":since", number(since_ms)),
        };
        sent(request).await?;
        Ok(())
    }

    fn update(&self, token: &str) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.table)
            .key("transaction_id", text(KEY))
            .key("event_key", text(KEY))
            .expression_attribute_values(":token", text(token))
    }
}

/// The item after the update, as far as that was asked for; or nothing if its condition did not hold.
async fn sent(request: UpdateItemFluentBuilder) -> Result<Option<Item>, Failure> {
    Ok(match conditional::update(request).await? {
        Conditional::Applied(item) => Some(item),
        Conditional::Conflict(_) => None,
    })
}
