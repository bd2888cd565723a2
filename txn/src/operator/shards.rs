//! Reads one day of `timestamp-index` in order of time. The day lies in 1,024 partitions, each ordered by itself: they are
//! merged while they are read, a page of each and the next one, which bounds what is held.

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

/// Rows in a page. Two pages of each of 1,024 partitions are about 130,000 rows, some 100 MB where every merchant is long.
const PAGE_ROWS: i32 = 64;

/// What is asked of each partition.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) table: String,
    /// The first timestamp and the last, in the index's text; both are included.
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

type Reading = JoinHandle<Result<Page, Problem>>;

/// One partition, as far as it has been read.
struct Shard {
    name: String,
    rows: VecDeque<Row>,
    /// The page after these, on its way. None at the end.
    coming: Option<Reading>,
}

/// The reader of all partitions of a day.
pub(crate) struct Day {
    client: Client,
    question: Arc<Question>,
    /// How many queries may be under way.
    permits: Arc<Semaphore>,
}

impl Day {
    pub(crate) fn new(client: Client, question: Question, queries: usize) -> Self {
        Self { client, question: Arc::new(question), permits: Arc::new(Semaphore::new(queries)) }
    }

    /// Hands each row of `day` to `take`, in order of time.
    pub(crate) async fn read(
        &self,
        day: &str,
        mut take: impl FnMut(&Row) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        let mut shards: Vec<Shard> = DayShards::TRANSACTIONS
            .all(day)
            .map(|name| Shard { coming: Some(self.begin(name.clone(), None)), rows: VecDeque::new(), name })
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

    /// The order of a partition's first row, once its page is there. The page after it is asked for at once.
    async fn front(&self, shard: &mut Shard) -> Result<Option<(String, String, String)>, Problem> {
        while shard.rows.is_empty() {
            let Some(coming) = shard.coming.take() else {
                return Ok(None);
            };
            let page = coming.await.map_err(|error| {
                Problem::new(Exit::Unavailable, "query_lost", format!("a query ended before its answer: {error}"))
            })??;
            shard.rows = page.rows;
            shard.coming = page.next.map(|next| self.begin(shard.name.clone(), Some(next)));
        }
        let order = shard.rows.front().map(Row::order);
        Ok(order.map(|(time, partner, id)| (time.to_owned(), partner.to_owned(), id.to_owned())))
    }

    fn begin(&self, shard: String, after: Option<Key>) -> Reading {
        let (client, question, permits) = (self.client.clone(), self.question.clone(), self.permits.clone());
        tokio::spawn(async move {
            // It is never closed.
            let _permit = permits.acquire_owned().await.ok();
            query(&client, &question, shard, after).await
        })
    }
}

async fn query(client: &Client, question: &Question, shard: String, after: Option<Key>) -> Result<Page, Problem> {
    let text = |value: &str| AttributeValue::S(value.to_owned());
    let filters = [
        question.currency.as_deref().map(|code| ("currency = :currency", ":currency", code)),
        question.partner.as_deref().map(|name| ("partner = :partner", ":partner", name)),
    ];
    let mut call = client
        .query()
        .table_name(&question.table)
        .index_name("timestamp-index")
        .key_condition_expression("day_shard = :shard AND #at BETWEEN :from AND :to")
        .expression_attribute_names("#at", "timestamp")
        .expression_attribute_values(":shard", text(&shard))
        .expression_attribute_values(":from", text(&question.from))
        .expression_attribute_values(":to", text(&question.to))
        .limit(PAGE_ROWS)
        .set_exclusive_start_key(after);
    let mut conditions = Vec::new();
    for (condition, name, value) in filters.into_iter().flatten() {
        conditions.push(condition);
        call = call.expression_attribute_values(name, text(value));
    }
    let filter = (!conditions.is_empty()).then(|| conditions.join(" AND "));
    let answer = call.set_filter_expression(filter).send().await;
    let answer = answer.map_err(|error| aws_problem("dynamodb:Query", &error))?;
    Ok(Page { rows: answer.items().iter().map(Row::of).collect(), next: answer.last_evaluated_key })
}
