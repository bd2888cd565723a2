//! Reads many files by their ids.

use super::StatusTable;
use crate::attribute::{Item, text};
use crate::batch_read::{self, BATCH_KEYS_MAX};
use crate::failure::Failure;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::KeysAndAttributes;
use futures::stream::{self, StreamExt, TryStreamExt};
use serde::de::DeserializeOwned;
use std::collections::HashMap;

/// How many batches are in flight, and the first wait while the table is busy. It is short because people wait for the
/// files of a day.
const BATCHES_IN_FLIGHT: usize = 5;
const FIRST_WAIT_MILLISECONDS: u64 = 25;

impl StatusTable {
    /// These attributes of the files with these ids, in the same order. An id from an index may have no file any more.
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

/// The request for these attributes of these files. Some of the names are reserved words of DynamoDB.
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

/// The file id in an item or an entry of an index.
pub(super) fn file_id_of(item: &Item) -> Option<String> {
    item.get("file_id")?.as_s().ok().cloned()
}
