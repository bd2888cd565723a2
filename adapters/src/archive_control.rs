//! The state that archival runs share: the lease, the registered object, and since when payments may not be archived.
//! It is one item in the table of payments, under a key that no payment can have: the key of an event begins with the
//! name of its provider, which has no `#`.

use crate::Configuration;
use crate::attribute::{Item, milliseconds, number, text};
use crate::conditional::{self, Conditional};
use crate::failure::Failure;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::ReturnValue;

/// Both parts of the key of the item.
const KEY: &str = "#archive";

/// The state when a run begins.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct ArchiveState {
    /// The object that is registered and not settled.
    pub object_key: Option<String>,
    /// The time of the last object that was registered, in milliseconds since 1970.
    pub object_at_ms: Option<u64>,
    /// Everything received before this time, in milliseconds since 1970, is archived.
    pub unfinished_since_ms: Option<u64>,
}

/// The item.
#[derive(Clone, Debug)]
pub struct ArchiveControl {
    client: Client,
    table: String,
}

impl ArchiveControl {
    /// The item in the table of payments of this environment.
    ///
    /// # Errors
    /// A variable of the environment is missing.
    pub fn new(configuration: &Configuration) -> Result<Self, Failure> {
        Ok(Self { client: Client::new(configuration.sdk()), table: configuration.variable("PAYMENTS_TABLE")? })
    }

    /// Claims the lease until `until_ms` and returns the state; none if another run has the lease.
    ///
    /// # Errors
    /// The table rejected the call or did not respond.
    pub async fn claim(&self, token: &str, now_ms: u64, until_ms: u64) -> Result<Option<ArchiveState>, Failure> {
        let request = self
            .update(token)
            .update_expression("SET lease_token = :token, lease_until_ms = :until")
            // An earlier try of this call may have claimed the lease without a response.
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

    /// Renews the lease until `until_ms`. Returns whether the run still has the lease.
    ///
    /// # Errors
    /// The table rejected the call or did not respond.
    pub async fn renew(&self, token: &str, until_ms: u64) -> Result<bool, Failure> {
        let request = self
            .update(token)
            .update_expression("SET lease_until_ms = :until")
            .condition_expression("lease_token = :token")
            .expression_attribute_values(":until", number(until_ms));
        Ok(sent(request).await?.is_some())
    }

    /// Registers an object before it is stored. Returns whether the run still has the lease.
    ///
    /// # Errors
    /// The table rejected the call or did not respond.
    pub async fn register_object(&self, token: &str, object_key: &str, object_at_ms: u64) -> Result<bool, Failure> {
        let request = self
            .update(token)
            .update_expression("SET object_key = :key, object_at_ms = :at")
            // An earlier try of this call may have registered it without a response.
            .condition_expression("lease_token = :token AND (attribute_not_exists(object_key) OR object_key = :key)")
            .expression_attribute_values(":key", text(object_key))
            .expression_attribute_values(":at", number(object_at_ms));
        Ok(sent(request).await?.is_some())
    }

    /// Removes the registration of an object once each of its lines is settled. Returns whether the run still has the
    /// lease.
    ///
    /// # Errors
    /// The table rejected the call or did not respond.
    pub async fn clear_object(&self, token: &str, object_key: &str) -> Result<bool, Failure> {
        let request = self
            .update(token)
            .update_expression("REMOVE object_key")
            .condition_expression("lease_token = :token AND (attribute_not_exists(object_key) OR object_key = :key)")
            .expression_attribute_values(":key", text(object_key));
        Ok(sent(request).await?.is_some())
    }

    /// Releases the lease, and stores since when payments are not archived if that is known. Does nothing if the run no
    /// longer has the lease.
    ///
    /// # Errors
    /// The table rejected the call or did not respond.
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

/// The item after the update, if the request returns it; none if the condition failed.
async fn sent(request: UpdateItemFluentBuilder) -> Result<Option<Item>, Failure> {
    Ok(match conditional::update(request).await? {
        Conditional::Applied(item) => Some(item),
        Conditional::Conflict(_) => None,
    })
}
