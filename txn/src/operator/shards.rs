//! Reads one day of `timestamp-index` in order of time. The day has 1,024 partitions, each of which is sorted. They are merged
//! while they are read. Only a page of each partition, and the next one, is in memory.

use super::aws_problem;
use super::row::Row;
use crate::problem::{Exit, Problem};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::DayShards;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// Rows in a page. Two pages of 1,024 partitions are about 130,000 rows: 100 MB if every merchant is long.
const PAGE_ROWS: i32 = 64;

/// The query of each partition.
#[derive(Clone, Debug)]
pub(crate) struct DayQuery {
    pub(crate) table: String,
    /// The first and the last timestamp, as text of the index; both are included.
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) currency: Option<String>,
    pub(crate) partner: Option<String>,
}

type Key = HashMap<String, AttributeValue>;

struct Page {
    rows: VecDeque<Row>,
    next: Option<Key>,
}

type PageRequest = JoinHandle<Result<Page, Problem>>;

/// One partition, with the rows that are read and not yet merged.
struct Shard {
    name: String,
    rows: VecDeque<Row>,
    /// The request for the next page. None at the end.
    next_page: Option<PageRequest>,
}

/// Reads all partitions of a day.
pub(crate) struct DayReader {
    client: Client,
    query: Arc<DayQuery>,
    /// Limits the concurrent queries.
    permits: Arc<Semaphore>,
}

impl DayReader {
    pub(crate) fn new(client: Client, query: DayQuery, queries: usize) -> Self {
        Self { client, query: Arc::new(query), permits: Arc::new(Semaphore::new(queries)) }
    }

    /// Passes each row of `day` to `take`, in order of time.
    pub(crate) async fn read(
        &self,
        day: &str,
        mut take: impl FnMut(&Row) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        let mut shards: Vec<Shard> = DayShards::TRANSACTIONS
            .all(day)
            .map(|name| Shard { next_page: Some(self.begin(name.clone(), None)), rows: VecDeque::new(), name })
            .collect();
        let mut first = BinaryHeap::new();
        for (at, shard) in shards.iter_mut().enumerate() {
            if let Some(key) = self.front(shard).await? {
                first.push(Reverse((key, at)));
            }
        }
        while let Some(Reverse((_, at))) = first.pop() {
            let shard = &mut shards[at];
            if let Some(row) = shard.rows.pop_front() {
                take(&row)?;
            }
            if let Some(key) = self.front(shard).await? {
                first.push(Reverse((key, at)));
            }
        }
        Ok(())
    }

    /// The sort key of a partition's first row. Waits for its page if necessary, and requests the page after it.
    async fn front(&self, shard: &mut Shard) -> Result<Option<(String, String, String)>, Problem> {
        while shard.rows.is_empty() {
            let Some(next_page) = shard.next_page.take() else {
                return Ok(None);
            };
            let page = next_page.await.map_err(|error| {
                Problem::new(Exit::Unavailable, "query_lost", format!("a query ended without a response: {error}"))
            })??;
            shard.rows = page.rows;
            shard.next_page = page.next.map(|next| self.begin(shard.name.clone(), Some(next)));
        }
        let order = shard.rows.front().map(Row::order);
        Ok(order.map(|(time, partner, id)| (time.to_owned(), partner.to_owned(), id.to_owned())))
    }

    fn begin(&self, shard: String, after: Option<Key>) -> PageRequest {
        let (client, query, permits) = (self.client.clone(), self.query.clone(), self.permits.clone());
        tokio::spawn(async move {
            // The semaphore is never closed.
            let _permit = permits.acquire_owned().await.ok();
            fetch_page(&client, &query, shard, after).await
        })
    }
}

async fn fetch_page(client: &Client, query: &DayQuery, shard: String, after: Option<Key>) -> Result<Page, Problem> {
    let text = |value: &str| AttributeValue::S(value.to_owned());
    let filters = [
        query.currency.as_deref().map(|code| ("currency = :currency", ":currency", code)),
        query.partner.as_deref().map(|name| ("partner = :partner", ":partner", name)),
    ];
    let mut call = client
        .query()
        .table_name(&query.table)
        .index_name("timestamp-index")
        .key_condition_expression("day_shard = :shard AND #at BETWEEN :from AND :to")
        .expression_attribute_names("#at", "timestamp")
        .expression_attribute_values(":shard", text(&shard))
        .expression_attribute_values(":from", text(&query.from))
        .expression_attribute_values(":to", text(&query.to))
        .limit(PAGE_ROWS)
        .set_exclusive_start_key(after);
    let mut conditions = Vec::new();
    for (condition, name, value) in filters.into_iter().flatten() {
        conditions.push(condition);
        call = call.expression_attribute_values(name, text(value));
    }
    let filter = (!conditions.is_empty()).then(|| conditions.join(" AND "));
    let response = call.set_filter_expression(filter).send().await;
    let response = response.map_err(|error| aws_problem("dynamodb:Query", &error))?;
    Ok(Page { rows: response.items().iter().map(Row::of).collect(), next: response.last_evaluated_key })
}
