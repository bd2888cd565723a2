//! Files by their ids, many at a time.

use super::StatusTable;
use crate::attribute::text;
use crate::failure::{Failure, FailureKind};
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use futures::stream::{self, StreamExt, TryStreamExt};
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::time::Duration;

/// Most keys in one BatchGetItem, which DynamoDB sets, and how many of those are under way at a time.
const BATCH_KEYS_MAX: usize = 100;
const BATCHES_IN_FLIGHT: usize = 5;

/// How often a batch is asked for what the answers before left out, and the waits between, which double from the first.
const BATCH_TURNS_MAX: u32 = 8;
const FIRST_WAIT_MILLISECONDS: u64 = 25;

pub(super) type Item = HashMap<String, AttributeValue>;

impl StatusTable {
    /// The files of these ids, in their order, of which these attributes are read. An index follows its table, so that one
    /// may be gone by now.
    pub(super) async fn files<File: DeserializeOwned>(
        &self,
        file_ids: &[String],
        attributes: &[&str],
    ) -> Result<Vec<File>, Failure> {
        let batches = file_ids.chunks(BATCH_KEYS_MAX).map(|batch| self.batch_of_files(batch, attributes));
        let files: Vec<Vec<File>> = stream::iter(batches).buffered(BATCHES_IN_FLIGHT).try_collect().await?;
        Ok(files.into_iter().flatten().collect())
    }

    async fn batch_of_files<File: DeserializeOwned>(
        &self,
        file_ids: &[String],
        attributes: &[&str],
    ) -> Result<Vec<File>, Failure> {
        let mut by_id: HashMap<String, Item> = self
            .batch(file_ids, attributes)
            .await?
            .into_iter()
            .filter_map(|item| Some((file_id_of(&item)?, item)))
            .collect();
        let items = file_ids.iter().filter_map(|file_id| by_id.remove(file_id));
        items.map(|item| serde_dynamo::from_item(item).map_err(super::unreadable)).collect()
    }

    async fn batch(&self, file_ids: &[String], attributes: &[&str]) -> Result<Vec<Item>, Failure> {
        let mut requests = HashMap::from([(self.name.clone(), projected(file_ids, attributes).map_err(invalid)?)]);
        let mut items = Vec::with_capacity(file_ids.len());
        for turn in 0..BATCH_TURNS_MAX {
            let answer = self.client.batch_get_item().set_request_items(Some(requests)).send().await;
            let answer = answer
                .map_err(|error| Failure::of_call("dynamodb:BatchGetItem", &error, FailureKind::StoreUnavailable))?;
            items.extend(answer.responses.unwrap_or_default().into_values().flatten());
            requests = answer.unprocessed_keys.unwrap_or_default();
            if requests.values().all(|request| request.keys().is_empty()) {
                return Ok(items);
            }
            tokio::time::sleep(Duration::from_millis(FIRST_WAIT_MILLISECONDS << turn)).await;
        }
        Err(Failure::new(FailureKind::StoreUnavailable, "dynamodb:BatchGetItem: keys stay unprocessed"))
    }
}

/// Asks for these attributes of these files. Some of the names are words of DynamoDB's own.
fn projected(file_ids: &[String], attributes: &[&str]) -> Result<KeysAndAttributes, BuildError> {
    let names = attributes.iter().map(|name| (format!("#{name}"), (*name).to_owned())).collect();
    let expression: Vec<String> = attributes.iter().map(|name| format!("#{name}")).collect();
    let keys = file_ids.iter().map(|file_id| HashMap::from([("file_id".to_owned(), text(file_id))])).collect();
    KeysAndAttributes::builder()
        .set_keys(Some(keys))
        .projection_expression(expression.join(", "))
        .set_expression_attribute_names(Some(names))
        .build()
}

/// The file that an item, or an entry of an index, is of.
pub(super) fn file_id_of(item: &Item) -> Option<String> {
    item.get("file_id")?.as_s().ok().cloned()
}

fn invalid(error: BuildError) -> Failure {
    Failure::new(FailureKind::InvalidInput, format!("dynamodb:BatchGetItem: {error}"))
}
