//! A round of the archival: runs that are killed, whose store fails, and that work at the same time.

use super::call::{ARCHIVE_PREFIX, Call};
use super::chance::Chance;
use super::clocks::OFFSET_MS_MAX;
use super::payment_round::amount_of;
use super::promise::Promise;
use super::retired;
use super::world::World;
use crate::support::archiver::{days_ago, is_tombstone, lines_of};
use crate::support::cloud::now_ms;
use crate::support::provider::Provider;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::Timestamp;
use serde_json::{Value, json};
use std::collections::HashMap;

/// A round chooses one of so many of the last days.
const DAYS: u64 = 25;
/// How many times runs begin in the faulty phase, and after it.
const FAULTY_STARTS: u64 = 4;
const FAULTLESS_STARTS_MAX: u32 = 20;

/// What the archival writes and reads whichever payments are due: its lease, its objects, and the index by day. Such
/// calls belong to the round that archives.
pub(super) fn is_shared(call: &Call) -> bool {
    let by_day = || call.subject.split(' ').nth(1).is_some_and(|word| word.starts_with("20"));
    call.subject.contains("#archive") || is_of_archive(call) || (call.operation == "Query" && by_day())
}

fn is_of_archive(call: &Call) -> bool {
    call.subject.starts_with(ARCHIVE_PREFIX)
}

pub(super) struct ArchiveRound<'w> {
    pub(super) world: &'w World,
    pub(super) provider: Provider<'w>,
    pub(super) payments: Vec<Value>,
    pub(super) day: String,
    /// Whether one of them is in a currency that was retired since.
    pub(super) has_retired: bool,
}

/// Plays a round and judges it.
pub(super) async fn play(world: &World, round: u64) {
    let _turn = world.archive.lock().await;
    let mut chance = world.chance(round, "archive");
    let day_ms = days_ago(1 + chance.between(1, DAYS));
    let provider = world.cloud.provider();
    let mut payments = Vec::new();
    for number in 0..chance.between(2, 12) {
        let payment = json!({
            "transaction_id": format!("A{round}-{number}."), "amount": format!("{}.{:02}", chance.between(1, 10_u64.pow(15)), chance.between(1, 99)),
            "currency": "EUR", "provider": provider.name, "customer_id": format!("C{round}."),
        });
        provider.put(&payment, day_ms + chance.between(0, 80_000_000)).await;
        payments.push(payment);
    }
    let has_retired = chance.percent(40);
    if has_retired {
        let at_ms = day_ms + chance.between(0, 80_000_000);
        payments
            .push(retired::put(&provider, &format!("A{round}-retired."), &format!("C{round}."), "7.5", at_ms).await);
    }
    let day = Timestamp::from_unix_milliseconds(day_ms).day().replace('-', "/");
    let play = ArchiveRound { world, provider, payments, day, has_retired };
    play.run(round, &mut chance).await;
    play.judge(round).await;
}

impl ArchiveRound<'_> {
    /// Runs archivals with faults, and then without until nothing is due any more.
    async fn run(&self, round: u64, chance: &mut Chance) {
        self.world.proxy.begin_archival_faults(round);
        self.world.add_round_words(round, [format!("A{round}-"), format!("in round {round}")]);
        for _ in 0..FAULTY_STARTS {
            let runs = (0..chance.between(1, 2)).map(|_| self.archive());
            futures::future::join_all(runs).await;
            if chance.percent(60) {
                self.end_lease().await;
            }
        }
        self.world.proxy.end_archival_faults();
        self.world.proxy.stop_faults([format!("A{round}-")]);
        self.run_without_faults().await;
    }

    /// Runs archivals until nothing is due any more.
    pub(super) async fn run_without_faults(&self) {
        let mut response = Value::Null;
        for _ in 0..FAULTLESS_STARTS_MAX {
            self.end_lease().await;
            response = self.archive().await;
            if response["outcome"] == "done" && response["more"] == false {
                break;
            }
        }
        let is_done = response["outcome"] == "done" && response["more"] == false && response["left_unreadable"] == 0;
        let describe =
            || format!("the archival is not done after {FAULTLESS_STARTS_MAX} runs without faults: {response}");
        if self.has_retired {
            self.world.tally.judge(Promise::StoredStaysKnown, is_done, describe);
        }
        assert!(is_done, "{}", describe());
    }

    /// Ends the lease of an archival, also for a function whose clock is slow.
    async fn end_lease(&self) -> bool {
        let past = now_ms() - 2 * OFFSET_MS_MAX.unsigned_abs();
        self.world.cloud.end_archival_lease_at(past).await.is_ok()
    }

    async fn archive(&self) -> Value {
        self.world.cloud.invoke("transaction-archival", &json!({})).await.unwrap_or_default()
    }

    async fn row(&self, id: &str) -> HashMap<String, AttributeValue> {
        retired::row(&self.world.cloud, id, &self.provider.name).await
    }

    pub(super) async fn judge(&self, round: u64) {
        let tally = &self.world.tally;
        let objects = self.world.cloud.archived(&format!("transactions/{}/", self.day)).await;
        let journal = self.world.proxy.journal(&[format!("A{round}-"), ARCHIVE_PREFIX.to_owned()]);
        for payment in &self.payments {
            let id = payment["transaction_id"].as_str().unwrap();
            let lines = lines_of(&objects, id);
            let [(key, line)] = lines[..] else { panic!("{id} has {} lines in the archive", lines.len()) };
            tally.judge(Promise::MoneyExact, amount_of(payment) == line.amount.to_string(), || {
                format!("{payment} {line:?}")
            });
            let row = self.row(id).await;
            let remembers = is_tombstone(&row) && row["archived_to"] == AttributeValue::S(key.to_owned());
            tally.judge(Promise::ArchivedFirst, remembers, || format!("{id}: {row:?}"));
            // From the proxy's own record: the object had been stored before the row's replacement was sent.
            let stored = journal.iter().filter(|entry| entry.call.operation == "PUT");
            let stored =
                stored.filter(|entry| entry.call.archived_to.as_deref().is_some_and(|path| path.ends_with(key)));
            let stored_at =
                stored.filter_map(|entry| entry.done).find(|(_, _, status)| *status == 200).map(|(_, end, _)| end);
            let archived =
                journal.iter().filter(|entry| entry.call.operation == "PutItem" && entry.call.subject.contains(id));
            let archived_at: Vec<u64> =
                archived.filter_map(|entry| entry.done).filter(|done| done.2 == 200).map(|done| done.0).collect();
            let kept =
                !archived_at.is_empty() && archived_at.iter().all(|at| stored_at.is_some_and(|stored| stored < *at));
            tally.judge(Promise::ArchivedFirst, kept, || {
                format!("{id}: stored {stored_at:?}, archived {archived_at:?}")
            });
        }
    }
}
