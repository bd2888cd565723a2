//! Files by their ids, many at a time.

use super::StatusTable;
use crate::attribute::{Item, text};
use crate::batch_read::{self, BATCH_KEYS_MAX};
use crate::failure::Failure;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::KeysAndAttributes;
use futures::stream::{self, StreamExt, TryStreamExt};
use serde::de::DeserializeOwned;
use std::collections::HashMap;

/// How many batches are under way at a time, and the first wait while the table is busy: a person may wait for a day's files.
const BATCHES_IN_FLIGHT: usize = 5;
const FIRST_WAIT_MILLISECONDS: u64 = 25;

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
        let request = projected(file_ids, attributes);
        let found = batch_read::items(&self.client, &self.name, request, FIRST_WAIT_MILLISECONDS).await?;
        let mut by_id: HashMap<String, Item> =
            found.into_iter().filter_map(|item| Some((file_id_of(&item)?, item))).collect();
        let items = file_ids.iter().filter_map(|file_id| by_id.remove(file_id));
        items.map(|item| serde_dynamo::from_item(item).map_err(super::unreadable)).collect()
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
