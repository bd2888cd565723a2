//! A round of the archival: runs that are killed, that find the store failing, and that work at the same time.

use super::call::{ARCHIVE_PREFIX, Call};
use super::chance::Chance;
use super::payment_round::amount_of;
use super::promise::Promise;
use super::world::World;
use crate::archiver::{days_ago, is_tombstone, lines_of};
use crate::provider::Provider;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::Timestamp;
use domain::webhook::EventKey;
use serde_json::{Value, json};
use std::collections::HashMap;

/// Of how many of the last days rounds choose one.
const DAYS: u64 = 25;
/// How many times runs begin in the storm, and after it.
const STORMY_STARTS: u64 = 4;
const CALM_STARTS_MAX: u32 = 20;

/// What the archival writes and reads whichever payments are due: its lease, its objects, and the index by day. Such calls
/// are told apart by the round that archives.
pub(super) fn is_shared(call: &Call) -> bool {
    let by_day = || call.subject.split(' ').nth(1).is_some_and(|word| word.starts_with("20"));
    call.subject.contains("#archive") || is_of_archive(call) || (call.operation == "Query" && by_day())
}

fn is_of_archive(call: &Call) -> bool {
    call.subject.starts_with(ARCHIVE_PREFIX)
}

struct ArchiveRound<'w> {
    world: &'w World,
    provider: Provider<'w>,
    payments: Vec<Value>,
    day: String,
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
    let day = Timestamp::from_unix_milliseconds(day_ms).day().replace('-', "/");
    let play = ArchiveRound { world, provider, payments, day };
    play.run(round, &mut chance).await;
    play.judge(round).await;
}

impl ArchiveRound<'_> {
    /// Runs archivals in a storm, and then in the calm until nothing is due any more.
    async fn run(&self, round: u64, chance: &mut Chance) {
        self.world.proxy.begin_archival_storm(round);
        self.world.round_is_about(round, [format!("A{round}-"), format!("in round {round}")]);
        for _ in 0..STORMY_STARTS {
            let runs = (0..chance.between(1, 2)).map(|_| self.archive());
            futures::future::join_all(runs).await;
            if chance.percent(60) {
                // An error says that there is no lease that goes on.
                let _ = self.world.cloud.end_archival_lease().await;
            }
        }
        self.world.proxy.end_archival_storm();
        self.world.proxy.calm([format!("A{round}-")]);
        for _ in 0..CALM_STARTS_MAX {
            let _ = self.world.cloud.end_archival_lease().await;
            let answer = self.archive().await;
            if answer["outcome"] == "done" && answer["more"] == false {
                return;
            }
        }
        panic!("the archival is not done after {CALM_STARTS_MAX} runs in the calm");
    }

    async fn archive(&self) -> Value {
        self.world.cloud.invoke("transaction-archival", &json!({})).await.unwrap_or_default()
    }

    async fn row(&self, id: &str) -> HashMap<String, AttributeValue> {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let found = self.world.cloud.dynamodb().get_item().table_name(&self.world.cloud.stack.webhook_table);
        let event_key = EventKey::created(&self.provider.name);
        let found = found.key("transaction_id", text(id)).key("event_key", text(event_key.as_str()));
        found.consistent_read(true).send().await.unwrap().item.unwrap_or_default()
    }

    async fn judge(&self, round: u64) {
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
            // From the proxy's own record: the object had been taken before the row's replacement was sent on.
            let stored = journal.iter().filter(|entry| entry.call.operation == "PUT");
            let stored =
                stored.filter(|entry| entry.call.archived_to.as_deref().is_some_and(|path| path.ends_with(key)));
            let stored_at =
                stored.filter_map(|entry| entry.done).find(|(_, _, status)| *status == 200).map(|(_, end, _)| end);
            let buried =
                journal.iter().filter(|entry| entry.call.operation == "PutItem" && entry.call.subject.contains(id));
            let buried_at: Vec<u64> =
                buried.filter_map(|entry| entry.done).filter(|done| done.2 == 200).map(|done| done.0).collect();
            let kept = !buried_at.is_empty() && buried_at.iter().all(|at| stored_at.is_some_and(|stored| stored < *at));
            tally.judge(Promise::ArchivedFirst, kept, || format!("{id}: stored {stored_at:?}, buried {buried_at:?}"));
        }
    }
}
