//! The archive of payments: rows of past days, runs of the archival, and the objects in the bucket.

use crate::support::cloud::{Cloud, eventually, now_ms};
use crate::support::provider::Provider;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use aws_sdk_lambda::config::timeout::TimeoutConfig;
use domain::DayShards;
use domain::Timestamp;
use domain::payments::archive::{ArchivedPayment, ObjectLines};
use domain::payments::webhook::EventKey;
use futures::future::{join, join_all};
use futures::lock::{Mutex, MutexGuard};
use futures::stream::{self, StreamExt};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

static TURN: LazyLock<Mutex<()>> = LazyLock::new(Mutex::default);

/// A run ends itself before its function's five minutes are up.
const RUN_SECONDS_MAX: u64 = 300;

/// The most rows of one DynamoDB batch, and how many such calls are in progress.
const BATCH_ROWS_MAX: usize = 25;
const BATCHES_IN_FLIGHT: usize = 8;

pub(crate) const DAY_MS: u64 = 24 * 60 * 60 * 1000;

pub(crate) type Row = HashMap<String, AttributeValue>;

/// The first instant of the day that was so many days ago.
pub(crate) fn days_ago(days: u64) -> u64 {
    now_ms() / DAY_MS * DAY_MS - days * DAY_MS
}

impl Cloud {
    /// The bytes of an object of the archive.
    pub(crate) async fn archived_bytes(&self, key: &str) -> Vec<u8> {
        let object = self.s3().get_object().bucket(&self.stack.audit_bucket).key(key).send().await.unwrap();
        object.body.collect().await.unwrap().to_vec()
    }

    /// Every object of the archive below a prefix and what it holds.
    pub(crate) async fn archived(&self, prefix: &str) -> Objects {
        let list = self.s3().list_objects_v2().bucket(&self.stack.audit_bucket).prefix(prefix);
        let mut list = list.into_paginator().send();
        let mut objects = Objects::new();
        while let Some(page) = list.next().await {
            for object in page.unwrap().contents.unwrap_or_default() {
                let key = object.key.unwrap();
                let lines = ObjectLines::of(&self.archived_bytes(&key).await).collect::<Result<_, _>>();
                objects.insert(key.clone(), lines.unwrap_or_else(|fault| panic!("{key}: {fault}")));
            }
        }
        objects
    }

    /// Ends the lease of an archival at once. An error where no archival is running.
    pub(crate) async fn end_archival_lease(&self) -> Result<(), SdkError<UpdateItemError>> {
        self.end_archival_lease_at(now_ms()).await
    }

    /// The same, as if it had ended at this time.
    pub(crate) async fn end_archival_lease_at(&self, at_ms: u64) -> Result<(), SdkError<UpdateItemError>> {
        let update = self.dynamodb().update_item().table_name(&self.stack.webhook_table);
        let update = update.key("transaction_id", text("#archive")).key("event_key", text("#archive"));
        let update =
            update.update_expression("SET lease_until_ms = :now").condition_expression("lease_until_ms > :now");
        update.expression_attribute_values(":now", number(at_ms)).send().await.map(drop)
    }
}

/// The stack of the archive, which one test at a time uses. It begins without payments that are due.
pub(crate) struct Archive {
    pub(crate) cloud: Cloud,
    _turn: MutexGuard<'static, ()>,
}

/// The payments in the archive, by the keys of their objects.
pub(crate) type Objects = BTreeMap<String, Vec<ArchivedPayment>>;

impl Archive {
    pub(crate) async fn open() -> Self {
        let turn = TURN.lock().await;
        let archive = Self { cloud: Cloud::of_stack("archive").await, _turn: turn };
        archive.finish().await;
        archive
    }

    // -- Rows ----------------------------------------------------------------------------------------------------------

    /// The current row of the event that a transaction was created.
    pub(crate) async fn row(&self, provider: &Provider<'_>, id: &str) -> Option<Row> {
        self.row_of_key(id, &EventKey::created(&provider.name)).await
    }

    /// The current row of an event of any type.
    pub(crate) async fn row_of(&self, provider: &Provider<'_>, payment: &Value) -> Option<Row> {
        self.row_of_key(payment["transaction_id"].as_str().unwrap(), &provider.event_key(payment)).await
    }

    async fn row_of_key(&self, id: &str, event_key: &EventKey) -> Option<Row> {
        let found = self.cloud.dynamodb().get_item().table_name(&self.cloud.stack.webhook_table);
        let found = found.key("transaction_id", text(id)).key("event_key", text(event_key.as_str()));
        found.consistent_read(true).send().await.unwrap().item
    }

    /// All rows of the table by their transactions, with only these attributes, or all.
    pub(crate) async fn rows(&self, attributes: Option<&str>) -> HashMap<String, Row> {
        let scan = self.cloud.dynamodb().scan().table_name(&self.cloud.stack.webhook_table).consistent_read(true);
        let scan = scan.set_projection_expression(attributes.map(str::to_owned));
        let mut rows = HashMap::new();
        let mut pages = scan.into_paginator().items().send();
        while let Some(row) = pages.next().await {
            let row = row.unwrap();
            rows.insert(row["transaction_id"].as_s().unwrap().clone(), row);
        }
        rows
    }

    /// Whether any of these payments has left the table. Reads some of them.
    pub(crate) async fn are_any_replaced(&self, provider: &Provider<'_>, ids: &[&str]) -> bool {
        let some = ids.iter().step_by(ids.len().div_ceil(20));
        let rows = join_all(some.map(|id| self.row(provider, id))).await;
        rows.iter().flatten().any(is_tombstone)
    }

    /// Puts a row as it is.
    pub(crate) async fn put(&self, row: Row) {
        let put = self.cloud.dynamodb().put_item().table_name(&self.cloud.stack.webhook_table);
        put.set_item(Some(row)).send().await.unwrap();
    }

    /// Puts many rows.
    pub(crate) async fn put_all(&self, rows: Vec<Row>) {
        let table = &self.cloud.stack.webhook_table;
        let dynamodb = self.cloud.dynamodb();
        let put = async |rows: &[Row]| {
            let put = |row: &Row| PutRequest::builder().set_item(Some(row.clone())).build().unwrap();
            let puts = rows.iter().map(|row| WriteRequest::builder().put_request(put(row)).build()).collect();
            let response = dynamodb.batch_write_item().request_items(table, puts).send().await.unwrap();
            assert!(response.unprocessed_items.unwrap_or_default().is_empty());
        };
        let batches = stream::iter(rows.chunks(BATCH_ROWS_MAX)).map(put).buffer_unordered(BATCHES_IN_FLIGHT);
        batches.collect::<()>().await;
    }

    /// Sends a payment, and sets the arrival of its row.
    pub(crate) async fn send_at(&self, provider: &Provider<'_>, payment: &Value, received_at_ms: u64) {
        provider.send(payment).await.accepted();
        self.move_to(provider, payment, received_at_ms).await;
    }

    /// Sets the arrival of a payment's row.
    pub(crate) async fn move_to(&self, provider: &Provider<'_>, payment: &Value, received_at_ms: u64) {
        let mut row = self.row_of(provider, payment).await.unwrap();
        arrive_at(&mut row, received_at_ms);
        self.put(row).await;
    }

    // -- Runs ----------------------------------------------------------------------------------------------------------

    /// One run of the archival: its output, or its error.
    pub(crate) async fn run(&self) -> Result<Value, Value> {
        let patient = TimeoutConfig::builder().operation_timeout(Duration::from_secs(RUN_SECONDS_MAX)).build();
        let invoke = self.cloud.lambda().invoke().function_name(&self.cloud.stack.archival_function);
        let patiently = aws_sdk_lambda::config::Config::builder().timeout_config(patient);
        let response = invoke.customize().config_override(patiently).send().await.unwrap();
        let payload: Value = serde_json::from_slice(response.payload.unwrap().as_ref()).unwrap();
        if response.function_error.is_some() { Err(payload) } else { Ok(payload) }
    }

    /// Runs the archival until nothing more is due. Returns the output of the last run.
    pub(crate) async fn finish(&self) -> Value {
        eventually("the archival to be done", async || {
            let response = self.run().await.unwrap();
            (response["outcome"] == "done" && response["more"] == false).then_some(response)
        })
        .await
    }

    /// A run that is killed as soon as `moment` finds something.
    pub(crate) async fn run_killed_at(&self, moment: impl AsyncFnMut() -> Option<()>) -> Result<Value, Value> {
        let kill = async {
            eventually("the moment to kill the run", moment).await;
            self.kill();
        };
        join(self.run(), kill).await.0
    }

    /// Kills the processes of the archival function, as when a machine is lost.
    fn kill(&self) {
        let listed = Command::new("ps").args(["axeww", "-o", "pid=,command="]).output().unwrap();
        let marks = [
            format!("AWS_LAMBDA_FUNCTION_NAME={}", self.cloud.stack.archival_function),
            format!("AWS_ENDPOINT_URL={}", self.cloud.stack.endpoint),
        ];
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        let words = listed.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let ours = words.filter(|words| marks.iter().all(|mark| words.contains(&mark.as_str())));
        let ids: Vec<_> = ours.map(|words| words[0]).collect();
        assert!(!ids.is_empty(), "no process serves the function");
        // One of them may have ended by itself.
        Command::new("kill").arg("-KILL").args(ids).status().unwrap();
    }

    /// Whether an object is recorded that is not settled.
    pub(crate) async fn is_object_pending(&self) -> bool {
        let control = self.cloud.dynamodb().get_item().table_name(&self.cloud.stack.webhook_table);
        let control = control.key("transaction_id", text("#archive")).key("event_key", text("#archive"));
        let control = control.consistent_read(true).send().await.unwrap().item;
        control.is_some_and(|control| control.contains_key("object_key"))
    }

    /// Ends the present lease at once.
    pub(crate) async fn expire_lease(&self) {
        self.cloud.end_archival_lease().await.unwrap();
    }

    // -- Objects -------------------------------------------------------------------------------------------------------

    /// Every object and what it holds.
    pub(crate) async fn objects(&self) -> Objects {
        self.cloud.archived("").await
    }

    /// Every version of every object below a prefix: its key and its ETag. There must be no delete marker.
    pub(crate) async fn versions(&self, prefix: &str) -> Vec<(String, String)> {
        let list = self.cloud.s3().list_object_versions().bucket(&self.cloud.stack.audit_bucket).prefix(prefix);
        let list = list.send().await.unwrap();
        assert_ne!(list.is_truncated, Some(true));
        assert!(list.delete_markers.unwrap_or_default().is_empty());
        let versions = list.versions.unwrap_or_default();
        versions.into_iter().map(|version| (version.key.unwrap(), version.e_tag.unwrap())).collect()
    }
}

/// The lines of a transaction, each with the key of its object.
pub(crate) fn lines_of<'o>(objects: &'o Objects, id: &str) -> Vec<(&'o str, &'o ArchivedPayment)> {
    let all = objects.iter().flat_map(|(key, lines)| lines.iter().map(move |line| (key.as_str(), line)));
    all.filter(|(_, line)| line.transaction_id == id).collect()
}

/// Sets the arrival of a row.
pub(crate) fn arrive_at(row: &mut Row, received_at_ms: u64) {
    let at = Timestamp::from_unix_milliseconds(received_at_ms);
    let shard = DayShards::PAYMENTS.of(at, row["transaction_id"].as_s().unwrap());
    row.extend([
        ("received_at_ms".to_owned(), number(received_at_ms)),
        ("received_at".to_owned(), text(&at.to_milliseconds_text())),
        ("day_shard".to_owned(), text(&shard)),
    ]);
}

/// Whether a row is the tombstone of an archived payment.
pub(crate) fn is_tombstone(row: &Row) -> bool {
    row.contains_key("expires_at_ms")
}

/// The output of a run that archived so many rows into so many objects, and left so many that are not published.
pub(crate) fn done(archived: u64, objects: u64, left_unpublished: u64) -> Value {
    json!({
        "outcome": "done", "archived": archived, "objects": objects, "left_unpublished": left_unpublished,
        "left_changed": 0, "left_unreadable": 0, "more": false,
    })
}

pub(crate) fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

pub(crate) fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}
