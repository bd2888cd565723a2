//! A round of files: a partner sends some, several of them more than once, from any source, while everything fails
//! around it; after the faulty phase, their outcomes are judged.

use super::chance::Chance;
use super::file_oracle::FileOracle;
use super::file_plan::{Act, Again, Step, Wave, plan};
use super::forgery::{self, Victim};
use super::ledger::Ledger;
use super::planned_file::PlannedFile;
use super::world::World;
use crate::support::upload::Uploader;
use futures::future::select;
use futures::stream::{FuturesUnordered, StreamExt};
use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const POLL_INTERVAL: Duration = Duration::from_millis(100);
/// Late events may follow: the round is over after so many polls without any.
const QUIET_POLLS: u32 = 4;
/// How long the bucket may take to publish an event.
const PATIENCE: Duration = Duration::from_secs(100);
/// When its round begins, a file at the edge is so far ahead of the latest accepted time.
const EDGE_MS: (u64, u64) = (0, 8_000);

/// What its sender knows of a file.
#[derive(Clone, Default, Debug)]
pub(super) struct Knowledge {
    pub(super) status_path: Option<String>,
    /// The latest URL of the file, with its checksum.
    pub(super) url: Option<(String, String)>,
    /// Whether a response accepted the file.
    pub(super) is_accepted: bool,
    /// The last request to process the file again, and its attempt.
    pub(super) reprocess: Option<(Again, u64)>,
    /// How many times the sender has put the file into the bucket.
    pub(super) puts: usize,
}

/// The actions of one partner in a round.
pub(super) struct FileRound<'w> {
    pub(super) world: &'w World,
    pub(super) round: u64,
    pub(super) bank: Uploader<'w>,
    pub(super) files: Vec<PlannedFile>,
    pub(super) ledger: Mutex<Ledger>,
    pub(super) knowledge: Mutex<BTreeMap<String, Knowledge>>,
}

/// Plays a round and judges it. In some rounds two partners use the same transaction ids at the same time, and in some
/// the partner may put files straight into the bucket.
pub(super) async fn play(world: &World, round: u64) {
    let mut chance = world.chance(round, "files");
    let ids: Vec<String> = (0..chance.between(2, 7)).map(|number| format!("{}{number}", row_prefix(round))).collect();
    let partners = if chance.percent(25) { 2 } else { 1 };
    let may_put = chance.percent(20);
    let each = (0..partners).map(|number| {
        let own = format!("trial-{round}-{number}");
        let partner = if may_put { world.cloud.stack.bucket_partners[number].clone() } else { own };
        play_partner(world, round, partner, may_put, &ids)
    });
    let banks = futures::future::join_all(each).await;
    forgery::try_all(world, &banks[0], world.chance(round, "forgery")).await;
}

/// The prefix of the ids of a round's transactions.
fn row_prefix(round: u64) -> String {
    format!("R{round}-")
}

async fn play_partner(world: &World, round: u64, partner: String, may_put: bool, ids: &[String]) -> Victim {
    let mut chance = world.chance(round, &partner);
    let mut files: Vec<_> = (0..chance.between(1, 4)).map(|_| PlannedFile::of(&partner, ids, &mut chance)).collect();
    if chance.percent(12) {
        let ahead_ms = chance.between(EDGE_MS.0, EDGE_MS.1);
        files.push(PlannedFile::at_edge(&partner, &ids[..1], ahead_ms, &mut chance));
    }
    let waves = plan(&files, may_put, &mut chance);
    let play = FileRound::of(world, round, &partner, files).await;
    play.play_faulty_phase(&waves).await;
    FileOracle { play: &play }.judge(ids).await;
    let file = &play.files[0];
    Victim { partner, file_id: file.id.clone(), status_path: play.known(file).status_path }
}

impl<'w> FileRound<'w> {
    /// The actions of a partner with this name, which gets a key, on these files.
    pub(super) async fn of(world: &'w World, round: u64, partner: &str, files: Vec<PlannedFile>) -> Self {
        let bank = world.cloud.partner_named(partner, &world.cloud.stack.usage_plan_id).await;
        let play = Self { world, round, bank, files, ledger: Mutex::default(), knowledge: Mutex::default() };
        world.add_round_words(round, play.words());
        play
    }

    /// The subjects of this round's calls.
    pub(super) fn words(&self) -> Vec<String> {
        [row_prefix(self.round)].into_iter().chain(self.files.iter().map(|file| file.id.clone())).collect()
    }

    /// What the sender knows of a file.
    pub(super) fn known(&self, file: &PlannedFile) -> Knowledge {
        self.knowledge.lock().unwrap().get(&file.id).cloned().unwrap_or_default()
    }

    /// Records what the sender learned of a file.
    pub(super) fn learn(&self, file: &PlannedFile, what: impl FnOnce(&mut Knowledge)) {
        what(self.knowledge.lock().unwrap().entry(file.id.clone()).or_default());
    }

    /// Sends the files, and delivers the bucket's events about them, both at the same time.
    async fn play_faulty_phase(&self, waves: &[Wave]) {
        let is_sent = AtomicBool::new(false);
        let sending = async {
            self.send_all(waves).await;
            is_sent.store(true, Ordering::Relaxed);
        };
        // Two files of a round may be equal.
        let distinct: BTreeMap<&str, &PlannedFile> = self.files.iter().map(|file| (file.id.as_str(), file)).collect();
        let deliveries = distinct.into_values().map(|file| self.deliver_events_of(file, &is_sent));
        futures::future::join(sending, futures::future::join_all(deliveries)).await;
    }

    /// Does what is planned, in waves; each waits for the one before it.
    pub(super) async fn send_all(&self, waves: &[Wave]) {
        for (number, wave) in waves.iter().enumerate() {
            let steps = wave.iter().enumerate().map(|(place, step)| {
                let chance = self.world.chance(self.round, &format!("{} send {number} {place}", self.bank.partner));
                self.take(step, chance)
            });
            futures::future::join_all(steps.collect::<Vec<_>>()).await;
        }
    }

    async fn take(&self, step: &Step, chance: Chance) {
        tokio::time::sleep(Duration::from_millis(step.wait_ms)).await;
        let file = &self.files[step.file];
        match step.act {
            Act::Upload(totals) => drop(self.upload(file, totals, None, chance).await),
            Act::Presigned => self.send_presigned(file, None, chance).await,
            Act::Create => self.create_and_abandon(file, None, chance).await,
            Act::LatePut => self.put_late(file, chance).await,
            Act::Reprocess(again) => self.reprocess(file, again, chance).await,
            Act::RepeatReprocess => self.repeat_reprocess(file, chance).await,
            Act::PutToBucket => self.put_to_bucket(file).await,
        }
    }

    /// Delivers every event about a file as it arrives, until all has been sent and no more events can follow.
    pub(super) async fn deliver_events_of(&self, file: &PlannedFile, is_sent: &AtomicBool) {
        let world = self.world;
        let mut delivered = 0;
        let mut quiet_polls = 0;
        let mut sent_since = None;
        let mut under_way = FuturesUnordered::new();
        while quiet_polls < QUIET_POLLS {
            let is_over = is_sent.load(Ordering::Relaxed) && world.proxy.is_settled(&self.words());
            for (number, event) in world.arrivals.about(&file.id).into_iter().enumerate().skip(delivered) {
                delivered += 1;
                let chance = world.chance(self.round, &format!("deliver {} {number}", file.id));
                under_way
                    .push(async move { world.deliver(&world.cloud.stack.state_machine_arn, &event, chance).await });
            }
            let stored = world.proxy.stored(&format!("/validated/{}.csv", file.id));
            let is_reported = delivered >= self.known(file).puts + stored;
            quiet_polls = if under_way.is_empty() && is_over && is_reported { quiet_polls + 1 } else { 0 };
            if is_over && !is_reported {
                let since: &mut Instant = sent_since.get_or_insert_with(Instant::now);
                assert!(since.elapsed() < PATIENCE, "the bucket published {delivered} events about {}", file.id);
            }
            // Deliveries in progress go on meanwhile.
            let pause = pin!(tokio::time::sleep(POLL_INTERVAL));
            let work = pin!(async {
                while under_way.next().await.is_some() {}
                std::future::pending::<()>().await;
            });
            select(pause, work).await;
        }
    }
}
