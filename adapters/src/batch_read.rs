//! Reads many items by their keys, with retries of unprocessed keys.

use crate::attribute::Item;
use crate::failure::{Failure, FailureKind};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::KeysAndAttributes;
use std::collections::HashMap;
use std::time::Duration;

/// Most keys in one BatchGetItem, a limit of DynamoDB. A response has 16 MB at most.
pub(crate) const BATCH_KEYS_MAX: usize = 100;

/// How often the unprocessed keys of a batch are requested again.
const BATCH_TURNS_MAX: u32 = 8;

/// The items of `table` with the keys of `request`, in any order. Keys without an item are left out. While the table is
/// busy, it waits before the next request, at first for `first_wait_milliseconds` and then twice as long each time.
///
/// # Errors
/// The request cannot be built, or the table rejected the call or did not respond.
pub(crate) async fn items(
    client: &Client,
    table: &str,
    request: Result<KeysAndAttributes, BuildError>,
    first_wait_milliseconds: u64,
) -> Result<Vec<Item>, Failure> {
    let call = "dynamodb:BatchGetItem";
    let request = request.map_err(|error| Failure::new(FailureKind::InvalidInput, format!("{call}: {error}")))?;
    let mut items = Vec::with_capacity(request.keys().len());
    let mut requests = HashMap::from([(table.to_owned(), request)]);
    for turn in 0..BATCH_TURNS_MAX {
        let response = client.batch_get_item().set_request_items(Some(requests)).send().await;
        let response = response.map_err(|error| Failure::of_call(call, &error, FailureKind::StoreUnavailable))?;
        let before = items.len();
        items.extend(response.responses.unwrap_or_default().into_values().flatten());
        requests = response.unprocessed_keys.unwrap_or_default();
        if requests.values().all(|request| request.keys().is_empty()) {
            return Ok(items);
        }
        // Keys left out because the response was full can be requested at once; otherwise the table is busy.
        if items.len() == before {
            tokio::time::sleep(Duration::from_millis(first_wait_milliseconds << turn)).await;
        }
    }
    Err(Failure::new(FailureKind::StoreUnavailable, format!("{call}: keys remain unprocessed")))
}
