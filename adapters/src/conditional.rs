//! Conditional writes to a table.

use crate::attribute::Item;
use crate::failure::{Failure, FailureKind};
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;

/// The outcome of a conditional write, with the item that the request returns in this case. The item is empty if there
/// is none.
pub(crate) enum Conditional {
    /// The condition held, and the write was applied.
    Applied(Item),
    /// The condition failed because of this item.
    Conflict(Item),
}

impl Conditional {
    /// The item because of which the condition failed, if it did.
    pub(crate) fn conflict(self) -> Option<Item> {
        match self {
            Self::Applied(_) => None,
            Self::Conflict(current) => Some(current),
        }
    }
}

/// Sends an update.
///
/// # Errors
/// The table rejected the call or did not respond.
pub(crate) async fn update(request: UpdateItemFluentBuilder) -> Result<Conditional, Failure> {
    let result = request.send().await.map(|output| output.attributes);
    conditional(result, "dynamodb:UpdateItem", |error| match error {
        UpdateItemError::ConditionalCheckFailedException(conflict) => Some(conflict.item.clone().unwrap_or_default()),
        _ => None,
    })
}

/// Puts an item.
///
/// # Errors
/// The table rejected the call or did not respond.
pub(crate) async fn put(request: PutItemFluentBuilder) -> Result<Conditional, Failure> {
    let result = request.send().await.map(|output| output.attributes);
    conditional(result, "dynamodb:PutItem", |error| match error {
        PutItemError::ConditionalCheckFailedException(conflict) => Some(conflict.item.clone().unwrap_or_default()),
        _ => None,
    })
}

/// `conflict` is the item because of which the condition failed, if that is the error.
fn conditional<E: ProvideErrorMetadata, R>(
    result: Result<Option<Item>, SdkError<E, R>>,
    call: &str,
    conflict: impl Fn(&E) -> Option<Item>,
) -> Result<Conditional, Failure> {
    match result {
        Ok(attributes) => Ok(Conditional::Applied(attributes.unwrap_or_default())),
        Err(error) => match error.as_service_error().and_then(conflict) {
            Some(item) => Ok(Conditional::Conflict(item)),
            None => Err(Failure::of_call(call, &error, FailureKind::StoreUnavailable)),
        },
    }
}
