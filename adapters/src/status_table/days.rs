//! The files of a day, as they stand.

use super::StatusTable;
use crate::attribute::text;
use crate::failure::{Failure, FailureKind};
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use domain::Day;
use domain::partner_day::DayFile;
use futures::stream::{self, StreamExt, TryStreamExt};
use std::collections::HashMap;
use std::time::Duration;

/// The index of all files by day and time, and that of a partner's by time. Both hold keys alone.
const DAY_INDEX: &str = "timestamp-index";
const PARTNER_INDEX: &str = "partner-index";

/// Most keys in a page of an index. A page is counted before the next one is asked for, so that memory does not grow with
/// the day.
const PAGE_KEYS_MAX: i32 = 1_000;

/// Most keys in one BatchGetItem, which DynamoDB sets, and how many of those are under way at a time.
const BATCH_KEYS_MAX: usize = 100;
const BATCHES_IN_FLIGHT: usize = 5;

/// How often a batch is asked for what the answers before left out, and the waits between, which double from the first.
const BATCH_TURNS_MAX: u32 = 8;
const FIRST_WAIT_MILLISECONDS: u64 = 25;

/// What is read of a file. Its history and its ranges are most of an item and stay where they are.
const ATTRIBUTES: [&str; 9] =
    ["file_id", "partner", "timestamp", "status", "attempt", "rows", "error_count", "totals", "token"];

type Item = HashMap<String, AttributeValue>;

/// A page of an index: the ids of files in the order of their times, and where the next page begins.
struct Page {
    file_ids: Vec<String>,
    next: Option<Item>,
}

impl StatusTable {
    /// Hands each file of a day, of one partner or of all, to `take`, in the order in which they came. Of one partner
    /// nothing is read that belongs to another. What was written in the last moments may be seen a moment later.
    ///
    /// # Errors
    /// The table refused a call or did not answer, or `take` failed.
    pub async fn files_of_day(
        &self,
        day: Day,
        partner: Option<&str>,
        mut take: impl FnMut(DayFile) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut after = None;
        loop {
            let page = self.page_of_day(day, partner, after).await?;
            let batches = page.file_ids.chunks(BATCH_KEYS_MAX).map(|batch| self.files(batch));
            let batches = stream::iter(batches).buffered(BATCHES_IN_FLIGHT);
            let files: Vec<Vec<DayFile>> = batches.try_collect().await?;
            files.into_iter().flatten().try_for_each(&mut take)?;
            if page.next.is_none() {
                return Ok(());
            }
            after = page.next;
        }
    }

    async fn page_of_day(&self, day: Day, partner: Option<&str>, after: Option<Item>) -> Result<Page, Failure> {
        let query = self.client.query().table_name(&self.name);
        let query = match partner {
            None => query
                .index_name(DAY_INDEX)
                .key_condition_expression("#day = :day")
                .expression_attribute_names("#day", "day")
                .expression_attribute_values(":day", text(&day.to_string())),
            Some(partner) => query
                .index_name(PARTNER_INDEX)
                .key_condition_expression("partner = :partner AND begins_with(#timestamp, :day)")
                .expression_attribute_names("#timestamp", "timestamp")
                .expression_attribute_values(":partner", text(partner))
                .expression_attribute_values(":day", text(&format!("{day}T"))),
        };
        let answer = query
            .set_exclusive_start_key(after)
            .limit(PAGE_KEYS_MAX)
            .send()
            .await
            .map_err(|error| Failure::of_call("dynamodb:Query", &error, FailureKind::StoreUnavailable))?;
        let file_ids = answer.items().iter().filter_map(file_id_of).collect();
        Ok(Page { file_ids, next: answer.last_evaluated_key.filter(|key| !key.is_empty()) })
    }

    /// The files of these ids, in their order. The index follows its table, so that one may be gone by now.
    async fn files(&self, file_ids: &[String]) -> Result<Vec<DayFile>, Failure> {
        let mut by_id: HashMap<String, Item> =
            self.batch(file_ids).await?.into_iter().filter_map(|item| Some((file_id_of(&item)?, item))).collect();
        let items = file_ids.iter().filter_map(|file_id| by_id.remove(file_id));
        items.map(|item| serde_dynamo::from_item(item).map_err(super::unreadable)).collect()
    }

    async fn batch(&self, file_ids: &[String]) -> Result<Vec<Item>, Failure> {
        let mut requests = HashMap::from([(self.name.clone(), projected(file_ids).map_err(invalid)?)]);
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

/// Asks for what is read of these files. Some of the names are words of DynamoDB's own.
fn projected(file_ids: &[String]) -> Result<KeysAndAttributes, BuildError> {
    let names: HashMap<String, String> =
        ATTRIBUTES.iter().map(|name| (format!("#{name}"), (*name).to_owned())).collect();
    let expression = ATTRIBUTES.map(|name| format!("#{name}")).join(", ");
    let keys = file_ids.iter().map(|file_id| HashMap::from([("file_id".to_owned(), text(file_id))])).collect();
    KeysAndAttributes::builder()
        .set_keys(Some(keys))
        .projection_expression(expression)
        .set_expression_attribute_names(Some(names))
        .build()
}

fn file_id_of(item: &Item) -> Option<String> {
    item.get("file_id")?.as_s().ok().cloned()
}

fn invalid(error: BuildError) -> Failure {
    Failure::new(FailureKind::InvalidInput, format!("dynamodb:BatchGetItem: {error}"))
}
