//! Writes to a table under a condition.

use crate::attribute::Item;
use crate::failure::{Failure, FailureKind};
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;

/// What became of a write. Its item is what the request asks to be told in this case; else it is empty, as it is where there is
/// none.
pub(crate) enum Conditional {
    /// The condition held.
    Applied(Item),
    /// It did not, because of this item.
    Conflict(Item),
}

impl Conditional {
    /// The item because of which it was refused, if it was.
    pub(crate) fn conflict(self) -> Option<Item> {
        match self {
            Self::Applied(_) => None,
            Self::Conflict(standing) => Some(standing),
        }
    }
}

/// Makes an update.
///
/// # Errors
/// The table refused the call or did not answer.
pub(crate) async fn update(request: UpdateItemFluentBuilder) -> Result<Conditional, Failure> {
    let result = request.send().await.map(|output| output.attributes);
    conditional(result, "dynamodb:UpdateItem", |error| match error {
        UpdateItemError::ConditionalCheckFailedException(refused) => Some(refused.item.clone().unwrap_or_default()),
        _ => None,
    })
}

/// Puts an item.
///
/// # Errors
/// The table refused the call or did not answer.
pub(crate) async fn put(request: PutItemFluentBuilder) -> Result<Conditional, Failure> {
    let result = request.send().await.map(|output| output.attributes);
    conditional(result, "dynamodb:PutItem", |error| match error {
        PutItemError::ConditionalCheckFailedException(refused) => Some(refused.item.clone().unwrap_or_default()),
        _ => None,
    })
}

/// `standing` is the item because of which a write was refused, if that is what happened.
fn conditional<E: ProvideErrorMetadata, R>(
    result: Result<Option<Item>, SdkError<E, R>>,
    call: &str,
    standing: impl Fn(&E) -> Option<Item>,
) -> Result<Conditional, Failure> {
    match result {
        Ok(attributes) => Ok(Conditional::Applied(attributes.unwrap_or_default())),
        Err(error) => match error.as_service_error().and_then(standing) {
            Some(item) => Ok(Conditional::Conflict(item)),
            None => Err(Failure::of_call(call, &error, FailureKind::StoreUnavailable)),
        },
    }
}
