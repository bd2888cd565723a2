//! A day's files, sent as fast as the local cloud accepts them, with invalid ones, repeats and corrections among them:
//! nothing is lost, nothing is done twice, and every amount is exact. `make load` runs it.

mod figures;
mod plan;

use crate::support::cloud::Cloud;
use crate::support::files::{self, decimal};
use crate::support::queues::Queue;
use crate::support::upload::{Uploader, number, plain};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::{Currency, Money};
use figures::Figures;
use futures::StreamExt;
use plan::{Expected, PARTNERS, Upload, UploadBatch};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// How many uploads there are, how many of them are in progress at once, and the seed of the plan.
const FILES: (&str, u64) = ("LOAD_FILES", 200);
const CONNECTIONS: (&str, u64) = ("LOAD_CONNECTIONS", 16);
const SEED: (&str, u64) = ("LOAD_SEED", 1);
/// How often an upload is tried, and the wait after the first try, which doubles: what the README asks of partners.
const TRIES_MAX: u32 = 8;
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// The load is stuck when no file makes progress for so long.
const STUCK_AFTER: Duration = Duration::from_secs(120);
const POLL_INTERVAL: Duration = Duration::from_millis(500);

fn setting((name, default): (&str, u64)) -> u64 {
    let text = std::env::var(name).unwrap_or_default();
    if text.is_empty() { default } else { text.parse().unwrap_or_else(|_| panic!("{name} is {text:?}, no number")) }
}

/// The expected data after the load, by the partner's index in the plan.
#[derive(Default)]
struct Oracle {
    /// The expected status of each file.
    files: BTreeMap<String, &'static str>,
    /// The expected row of each transaction: the file that won, the amount and the currency.
    rows: BTreeMap<(String, String), (String, String, String)>,
}

impl Oracle {
    fn note(&mut self, partner: &str, upload: &Upload) {
        let Some(file) = &upload.file else { return };
        let file_id = files::file_id(partner, file);
        match &upload.expected {
            Expected::Rejected { .. } => drop(self.files.insert(file_id, "validation_failed")),
            Expected::Accepted { is_repeat: true, .. } => {}
            Expected::Accepted { rows, .. } => {
                for row in rows {
                    let stored = (file_id.clone(), decimal(&row.amount), row.currency.to_owned());
                    self.rows.insert((partner.to_owned(), row.id.clone()), stored);
                }
                self.files.insert(file_id, "completed");
            }
        }
    }
}

#[tokio::test]
#[ignore = "it needs a stack of its own and some minutes: `make load`"]
async fn nothing_of_a_day_is_lost() {
    let cloud = Cloud::of_stack("load").await;
    let uploads = usize::try_from(setting(FILES)).unwrap();
    let connections = usize::try_from(setting(CONNECTIONS)).unwrap();
    println!("load: {uploads} uploads, {connections} at once, {PARTNERS} partners, seed {}", setting(SEED));
    let mut banks = Vec::new();
    for _ in 0..PARTNERS {
        banks.push(cloud.partner().await);
    }
    let partners: Vec<&str> = banks.iter().map(|bank| bank.partner.as_str()).collect();
    let received = cloud.queue_of_topic("load", &cloud.stack.topic_arn, &json!({"partner": partners})).await;
    let plan = plan::plan(uploads, setting(SEED));
    let mut oracle = Oracle::default();
    for batch in &plan {
        batch.uploads.iter().for_each(|upload| oracle.note(&banks[batch.partner].partner, upload));
    }

    let mut figures = Figures::begin();
    let mut sent =
        futures::stream::iter(&plan).map(|batch| run(&banks[batch.partner], batch)).buffer_unordered(connections);
    while let Some(results) = sent.next().await {
        results.into_iter().for_each(|results| figures.add(results));
    }
    figures.all_responded();
    let statuses = cloud.statuses_when_ended(&oracle, &mut figures).await;
    figures.print();

    assert_eq!(figures.wrong(), &[] as &[String], "wrong responses");
    assert!(statuses == oracle.files, "statuses: {}", difference(&statuses, &oracle.files));
    let rows = cloud.stored_rows(&banks).await;
    println!("load: sums by currency {:?}", sums(&rows));
    assert_eq!(sums(&rows), sums(&oracle.rows));
    assert!(rows == oracle.rows, "rows: {}", difference(&rows, &oracle.rows));
    let completed: BTreeSet<String> =
        oracle.files.iter().filter(|(_, status)| **status == "completed").map(|(id, _)| id.clone()).collect();
    notified_once(&received, &completed).await;
    cloud.has_no_dead_letter().await;
}

/// The outcome of one upload.
struct UploadResult {
    tries: Vec<String>,
    took: Duration,
    /// What is wrong with the response.
    wrong: Option<String>,
    is_accepted: bool,
}

async fn run(bank: &Uploader<'_>, batch: &UploadBatch) -> Vec<UploadResult> {
    let mut results = Vec::new();
    for upload in &batch.uploads {
        results.push(send(bank, upload).await);
    }
    results
}

/// Sends an upload as a partner does: again, when there was no response, or one that asks for it.
async fn send(bank: &Uploader<'_>, upload: &Upload) -> UploadResult {
    let mut tries = Vec::new();
    loop {
        let began = Instant::now();
        let response = try_once(bank, upload).await;
        let took = began.elapsed();
        let again = match &response {
            Ok((status, _)) if *status == 429 || *status >= 500 => status.to_string(),
            Err(why) => why.clone(),
            Ok((status, body)) => {
                let wrong = wrong(upload, *status, body, !tries.is_empty());
                return UploadResult { tries, took, wrong, is_accepted: *status == 200 };
            }
        };
        tries.push(again);
        let tried = u32::try_from(tries.len()).unwrap();
        if tried == TRIES_MAX {
            let wrong = Some(format!("no response in {TRIES_MAX} tries: {}", tries.join(", ")));
            return UploadResult { tries, took, wrong, is_accepted: false };
        }
        tokio::time::sleep(FIRST_WAIT * 2_u32.pow(tried - 1)).await;
    }
}

async fn try_once(bank: &Uploader<'_>, upload: &Upload) -> Result<(u16, Value), String> {
    let url = format!("{}/upload", bank.cloud.stack.api_url);
    let request = bank.cloud.http.post(url).header("x-api-key", &bank.key).header("content-type", &upload.content_type);
    let response = request.body(upload.body.clone()).send().await;
    let response = response.map_err(|error| (if error.is_timeout() { "timeout" } else { "no response" }).to_owned())?;
    let status = response.status().as_u16();
    Ok((status, response.json().await.unwrap_or_default()))
}

/// What is wrong with a response. An upload that is sent again after a lost response may be a duplicate.
fn wrong(upload: &Upload, status: u16, body: &Value, was_tried: bool) -> Option<String> {
    let is_right = match &upload.expected {
        Expected::Accepted { rows, is_repeat } => {
            status == 200
                && number(&body["row_count"]) == rows.len() as u64
                && (body["duplicate"] == *is_repeat || was_tried)
        }
        Expected::Rejected { status: expected, code } if upload.file.is_some() => {
            status == *expected && body["error"] == "invalid_csv" && body["errors_by_code"][*code].is_u64()
        }
        Expected::Rejected { status: expected, code } => status == *expected && body["error"] == *code,
    };
    (!is_right).then(|| format!("{:?} got {status} {body}", upload.expected))
}

impl Cloud {
    /// The status of every file, once all have reached a final status.
    async fn statuses_when_ended(&self, oracle: &Oracle, figures: &mut Figures) -> BTreeMap<String, &'static str> {
        let (mut ended_before, mut moved_at) = (0, Instant::now());
        loop {
            let statuses: BTreeMap<String, String> = self
                .scan(&self.stack.status_table, "file_id, #status")
                .await
                .iter()
                // A partner's counter is no file.
                .filter_map(|row| Some((row["file_id"].as_str()?.to_owned(), row["status"].as_str()?.to_owned())))
                .collect();
            let is_ended = |status: &str| status == "completed" || status.ends_with("_failed");
            let ended = statuses.values().filter(|status| is_ended(status)).count();
            if ended >= oracle.files.len() {
                figures.all_ended();
                let known = ["completed", "validation_failed", "processing_failed", "notification_failed"];
                let known = |status: &str| known.into_iter().find(|known| *known == status).unwrap_or("another status");
                return statuses.into_iter().map(|(id, status)| (id, known(&status))).collect();
            }
            if ended > ended_before {
                (ended_before, moved_at) = (ended, Instant::now());
            }
            assert!(
                moved_at.elapsed() < STUCK_AFTER,
                "{ended} of {} files are final, without further progress",
                oracle.files.len()
            );
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    async fn stored_rows(&self, banks: &[Uploader<'_>]) -> BTreeMap<(String, String), (String, String, String)> {
        let names = "partner, transaction_id, file_id, amount, currency";
        let rows = self.scan(&self.stack.transactions_table, names).await;
        let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
        let ours = rows.iter().filter(|row| banks.iter().any(|bank| row["partner"] == bank.partner));
        ours.map(|row| {
            let stored = (text(row, "file_id"), decimal(&text(row, "amount")), text(row, "currency"));
            ((text(row, "partner"), text(row, "transaction_id")), stored)
        })
        .collect()
    }

    async fn scan(&self, table: &str, names: &str) -> Vec<Value> {
        let mut rows = Vec::new();
        let mut after = None;
        loop {
            let scan = self.dynamodb().scan().table_name(table).projection_expression(names).consistent_read(true);
            let scan =
                if names.contains("#status") { scan.expression_attribute_names("#status", "status") } else { scan };
            let page = scan.set_exclusive_start_key(after).send().await.unwrap();
            rows.extend(page.items().iter().map(plain));
            after = page
                .last_evaluated_key
                .filter(|key: &std::collections::HashMap<String, AttributeValue>| !key.is_empty());
            if after.is_none() {
                return rows;
            }
        }
    }

    async fn has_no_dead_letter(&self) {
        let get = self.sqs().get_queue_attributes().queue_url(&self.stack.dead_letter_queue_url);
        let names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];
        let get = names.iter().fold(get, |get, name| get.attribute_names((*name).into()));
        let counts = get.send().await.unwrap().attributes.unwrap();
        assert!(counts.values().all(|count| count == "0"), "the dead-letter queue has messages: {counts:?}");
    }
}

/// The sums by currency, exactly.
fn sums(rows: &BTreeMap<(String, String), (String, String, String)>) -> BTreeMap<String, String> {
    let mut totals = domain::Totals::default();
    for (_, amount, currency) in rows.values() {
        let money = Money::parse(amount.as_bytes(), u8::MAX).unwrap_or_else(|fault| panic!("{amount}: {fault:?}"));
        totals.add(Currency::parse(currency.as_bytes()).unwrap(), money);
    }
    totals.to_texts()
}

/// The first entries that only one of two maps has.
fn difference<K: Ord + std::fmt::Debug, V: PartialEq + std::fmt::Debug>(
    found: &BTreeMap<K, V>,
    expected: &BTreeMap<K, V>,
) -> String {
    let only_in = |one: &BTreeMap<K, V>, other: &BTreeMap<K, V>| {
        let only: Vec<String> = one
            .iter()
            .filter(|(key, value)| other.get(*key) != Some(*value))
            .map(|entry| format!("{entry:?}"))
            .collect();
        format!("{} of {}: {}", only.len(), one.len(), only[..only.len().min(5)].join(" "))
    };
    format!("found and not expected {}; expected and not found {}", only_in(found, expected), only_in(expected, found))
}

/// The completion of every file was published under one id, and no other one.
async fn notified_once(received: &Queue<'_>, completed: &BTreeSet<String>) {
    let mut times = BTreeMap::<String, u32>::new();
    loop {
        let messages = received.take(10).await;
        if messages.is_empty() {
            break;
        }
        for envelope in messages {
            let reported: Value = serde_json::from_str(envelope["Message"].as_str().unwrap()).unwrap();
            *times.entry(reported["notification_id"].as_str().unwrap().to_owned()).or_default() += 1;
        }
    }
    let repeated = times.values().filter(|times| **times > 1).count();
    println!("load: notifications of {} files, {repeated} of them more than once", times.len());
    let expected: BTreeSet<String> = completed.iter().map(|id| format!("{id}-1-completed")).collect();
    let received: BTreeSet<String> = times.into_keys().collect();
    let (more, less) = (received.difference(&expected).count(), expected.difference(&received).count());
    assert_eq!((more, less), (0, 0), "unexpected notifications, and files without one");
}
