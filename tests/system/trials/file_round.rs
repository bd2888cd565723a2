//! A round of files: a partner sends some, several of them more than once, by any way, while everything fails around it;
//! and when the storm is over, what has become of them is judged.

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

const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(100);
/// What was done late is told of a moment after it was done: nothing more comes when nothing came for so many looks.
const QUIET_LOOKS: u32 = 4;
/// How long the bucket may take to tell of what was put there.
const PATIENCE: Duration = Duration::from_secs(100);
/// A file at the edge is so far ahead of a day from now when its round begins.
const EDGE_MS: (u64, u64) = (0, 8_000);

/// What its sender knows of a file.
#[derive(Clone, Default, Debug)]
pub(super) struct Knowledge {
    pub(super) status_path: Option<String>,
    /// The latest URL that it was given, with the checksum that belongs to it.
    pub(super) url: Option<(String, String)>,
    /// Whether it was answered that the file is taken.
    pub(super) is_taken: bool,
    /// How it asked for the file to be processed again, and at which attempt.
    pub(super) reprocess: Option<(Again, u64)>,
    /// How many times the sender has put the file into the bucket.
    pub(super) puts: usize,
}

/// What one partner does in a round.
pub(super) struct FileRound<'w> {
    pub(super) world: &'w World,
    pub(super) round: u64,
    pub(super) bank: Uploader<'w>,
    pub(super) files: Vec<PlannedFile>,
    pub(super) ledger: Mutex<Ledger>,
    pub(super) knowledge: Mutex<BTreeMap<String, Knowledge>>,
}

/// Plays a round and judges it. In some rounds two partners use the same transaction ids at the same time, and in some the
/// partner may put files straight into the bucket.
pub(super) async fn play(world: &World, round: u64) {
    let mut chance = world.chance(round, "files");
    let ids: Vec<String> = (0..chance.between(2, 7)).map(|number| format!("{}{number}", row_prefix(round))).collect();
    let partners = if chance.percent(25) { 2 } else { 1 };
    let by_rights = chance.percent(20);
    let each = (0..partners).map(|number| {
        let own = format!("trial-{round}-{number}");
        let partner = if by_rights { world.cloud.stack.bucket_partners[number].clone() } else { own };
        play_partner(world, round, partner, by_rights, &ids)
    });
    let banks = futures::future::join_all(each).await;
    forgery::try_all(world, &banks[0], world.chance(round, "forgery")).await;
}

/// With what the ids of a round's transactions begin.
fn row_prefix(round: u64) -> String {
    format!("R{round}-")
}

async fn play_partner(world: &World, round: u64, partner: String, by_rights: bool, ids: &[String]) -> Victim {
    let mut chance = world.chance(round, &partner);
    let mut files: Vec<_> = (0..chance.between(1, 4)).map(|_| PlannedFile::of(&partner, ids, &mut chance)).collect();
    if chance.percent(12) {
        let ahead_ms = chance.between(EDGE_MS.0, EDGE_MS.1);
        files.push(PlannedFile::at_edge(&partner, &ids[..1], ahead_ms, &mut chance));
    }
    let waves = plan(&files, by_rights, &mut chance);
    let play = FileRound::of(world, round, &partner, files).await;
    play.play_storm(&waves).await;
    FileOracle { play: &play }.judge(ids).await;
    let file = &play.files[0];
    Victim { partner, file_id: file.id.clone(), status_path: play.known(file).status_path }
}

impl<'w> FileRound<'w> {
    /// What a partner of this name, who gets a key, does with these files.
    pub(super) async fn of(world: &'w World, round: u64, partner: &str, files: Vec<PlannedFile>) -> Self {
        let bank = world.cloud.partner_named(partner, &world.cloud.stack.usage_plan_id).await;
        let play = Self { world, round, bank, files, ledger: Mutex::default(), knowledge: Mutex::default() };
        world.round_is_about(round, play.words());
        play
    }

    /// What calls of this round are about.
    pub(super) fn words(&self) -> Vec<String> {
        [row_prefix(self.round)].into_iter().chain(self.files.iter().map(|file| file.id.clone())).collect()
    }

    /// What the sender knows of a file.
    pub(super) fn known(&self, file: &PlannedFile) -> Knowledge {
        self.knowledge.lock().unwrap().get(&file.id).cloned().unwrap_or_default()
    }

    /// The sender learns something of a file.
    pub(super) fn learn(&self, file: &PlannedFile, what: impl FnOnce(&mut Knowledge)) {
        what(self.knowledge.lock().unwrap().entry(file.id.clone()).or_default());
    }

    /// Sends the files, and delivers what the bucket tells of them, both at the same time.
    async fn play_storm(&self, waves: &[Wave]) {
        let is_sent = AtomicBool::new(false);
        let sending = async {
            self.send_all(waves).await;
            is_sent.store(true, Ordering::Relaxed);
        };
        // Two files of a round may have come out the same.
        let distinct: BTreeMap<&str, &PlannedFile> = self.files.iter().map(|file| (file.id.as_str(), file)).collect();
        let deliveries = distinct.into_values().map(|file| self.deliver_events_of(file, &is_sent));
        futures::future::join(sending, futures::future::join_all(deliveries)).await;
    }

    /// Does what is planned, in waves of which each waits for the one before it.
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
            Act::Upload(stated) => drop(self.upload(file, stated, None, chance).await),
            Act::Presigned => self.send_presigned(file, None, chance).await,
            Act::Create => self.create_and_give_up(file, None, chance).await,
            Act::LatePut => self.put_late(file, chance).await,
            Act::Reprocess(again) => self.reprocess(file, again, chance).await,
            Act::RepeatReprocess => self.repeat_reprocess(file, chance).await,
            Act::PutByRights => self.put_by_rights(file).await,
        }
    }

    /// Delivers every event about a file, as it comes, until all has been sent and nothing more can come.
    pub(super) async fn deliver_events_of(&self, file: &PlannedFile, is_sent: &AtomicBool) {
        let world = self.world;
        let mut delivered = 0;
        let mut quiet_looks = 0;
        let mut sent_since = None;
        let mut under_way = FuturesUnordered::new();
        while quiet_looks < QUIET_LOOKS {
            let is_over = is_sent.load(Ordering::Relaxed) && world.proxy.is_settled(&self.words());
            for (number, event) in world.arrivals.about(&file.id).into_iter().enumerate().skip(delivered) {
                delivered += 1;
                let chance = world.chance(self.round, &format!("deliver {} {number}", file.id));
                under_way
                    .push(async move { world.deliver(&world.cloud.stack.state_machine_arn, &event, chance).await });
            }
            let stored = world.proxy.stored(&format!("/validated/{}.csv", file.id));
            let is_told = delivered >= self.known(file).puts + stored;
            quiet_looks = if under_way.is_empty() && is_over && is_told { quiet_looks + 1 } else { 0 };
            if is_over && !is_told {
                let since: &mut Instant = sent_since.get_or_insert_with(Instant::now);
                assert!(since.elapsed() < PATIENCE, "the bucket told {delivered} times of {}", file.id);
            }
            // Whatever is under way goes on meanwhile.
            let pause = pin!(tokio::time::sleep(LOOK_AGAIN_AFTER));
            let work = pin!(async {
                while under_way.next().await.is_some() {}
                std::future::pending::<()>().await;
            });
            select(pause, work).await;
        }
    }
}
