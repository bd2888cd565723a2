//! Former defects with files, played step by step: nothing fails, and clocks are set. The rounds find the same by
//! chance.

use super::chance::Chance;
use super::clocks::{Clocks, OFFSET_MS_MAX};
use super::file_oracle::FileOracle;
use super::file_plan::{Again, Totals};
use super::file_round::FileRound;
use super::planned_file::PlannedFile;
use super::promise::Promise;
use super::world::World;
use crate::support::cloud::{eventually, now_ms};
use crate::support::upload::{has_ended, number};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

/// The function that accepts files.
pub(super) const VALIDATOR: &str = "csv-validator";
/// How fast the host of the first of two files is.
const FAST_MS: i64 = 2_000;
/// Early in a second, in milliseconds, so that two files fit into it.
const EARLY_MS: u64 = 250;
const TRIES: usize = 4;

/// A partner whose files are about one transaction.
struct Known<'w> {
    play: FileRound<'w>,
    id: String,
    chance: Chance,
    /// How many events about each file were delivered.
    delivered: Mutex<BTreeMap<String, usize>>,
}

impl<'w> Known<'w> {
    /// With so many valid files.
    async fn of(world: &'w World, case: u64, files: usize) -> Self {
        let mut chance = world.chance(case, "known");
        let (partner, id) = (format!("known-{case}"), format!("R{case}-0"));
        let files = (0..files).map(|_| PlannedFile::of_one(&partner, &id, &mut chance)).collect();
        Self::with(world, case, files).await
    }

    async fn with(world: &'w World, case: u64, files: Vec<PlannedFile>) -> Self {
        let play = FileRound::of(world, case, &format!("known-{case}"), files).await;
        world.proxy.stop_faults(play.words());
        let chance = world.chance(case, "senders");
        Self { play, id: format!("R{case}-0"), chance, delivered: Mutex::default() }
    }

    fn file(&self, number: usize) -> &PlannedFile {
        &self.play.files[number]
    }

    async fn upload(&self, number: usize) -> Value {
        self.play.upload(self.file(number), Totals::Absent, None, self.chance.clone()).await.body
    }

    /// Delivers the bucket's events about a file until this attempt of it has ended.
    async fn ended(&self, number_of_file: usize, attempt: u64) {
        let file = self.file(number_of_file);
        eventually(&format!("attempt {attempt} of {} to end", file.id), async || {
            self.deliver(file).await;
            let row = self.play.world.cloud.status_row(&file.id).await?;
            (has_ended(&row) && number(&row["attempt"]) >= attempt).then_some(())
        })
        .await;
    }

    async fn deliver(&self, file: &PlannedFile) {
        let world = self.play.world;
        let events = world.arrivals.about(&file.id);
        let before = self.delivered.lock().unwrap().insert(file.id.clone(), events.len()).unwrap_or_default();
        for event in &events[before..] {
            world.execute(&world.cloud.stack.state_machine_arn, event).await;
        }
    }

    /// Delivers the events about a file within a moment, if there are any.
    async fn deliver_the_rest(&self, number: usize) {
        for _ in 0..5 {
            tokio::time::sleep(Duration::from_millis(300)).await;
            self.deliver(self.file(number)).await;
        }
    }

    async fn upload_and_complete(&self, number: usize) {
        self.upload(number).await;
        self.ended(number, 1).await;
    }

    async fn rows_are_right(&self) {
        self.rows_are_right_of(&(0..self.play.files.len()).collect::<Vec<_>>()).await;
    }

    async fn rows_are_right_of(&self, numbers: &[usize]) {
        let completed: Vec<_> = numbers.iter().map(|&number| self.file(number)).collect();
        FileOracle { play: &self.play }.rows_are_those_of_the_files(std::slice::from_ref(&self.id), &completed).await;
    }

    async fn read_status(&self, number: usize) -> Value {
        self.play.read_status(self.file(number), self.chance.clone()).await
    }
}

/// A reprocess that was requested and given up has no effect on the next request.
pub(super) async fn an_abandoned_reprocess_has_no_effect(world: &World, case: u64) {
    let known = Known::of(world, case, 2).await;
    known.upload_and_complete(0).await;
    known.upload_and_complete(1).await;
    known.play.create(known.file(0), Some(1), known.chance.clone()).await;
    let has_url = known.play.create(known.file(0), None, known.chance.clone()).await;
    let mut row = Value::Null;
    if has_url {
        known.play.put(known.file(0), known.chance.clone()).await;
        known.ended(0, 2).await;
        row = known.play.bank.transaction(&known.id).await.unwrap();
    }
    world.tally.judge(Promise::LaterFileWins, !has_url, || {
        let is_first = row["file_id"] == known.file(0).id.as_str();
        format!("a plain POST /uploads of a completed file was given a URL; after the PUT its row replaces the later file's: {is_first}")
    });
    known.deliver_the_rest(0).await;
    known.rows_are_right().await;
}

/// A completed file shows its totals, in its status and on its day, although an upload of it is awaited.
pub(super) async fn a_completed_file_stays_visible(world: &World, case: u64) {
    let known = Known::of(world, case, 1).await;
    known.upload_and_complete(0).await;
    let file = known.file(0);
    known.play.create(file, Some(1), known.chance.clone()).await;
    let oracle = FileOracle { play: &known.play };
    known.play.judge_visible(file, &known.read_status(0).await);
    oracle.day_shows(&[file]).await;
}

/// The same of a rejected file: its errors stay visible.
pub(super) async fn a_rejected_file_stays_visible(world: &World, case: u64) {
    let mut chance = world.chance(case, "known");
    let file = loop {
        let file = PlannedFile::of(&format!("known-{case}"), &[format!("R{case}-0")], &mut chance);
        if file.is_bad {
            break file;
        }
    };
    let known = Known::with(world, case, vec![file]).await;
    known.upload(0).await;
    known.play.create(known.file(0), None, known.chance.clone()).await;
    known.play.judge_visible(known.file(0), &known.read_status(0).await);
}

/// A file that was accepted by a fast host is not rejected by a slow one when it is repeated.
pub(super) async fn a_repeat_does_not_reject_an_accepted_file(world: &World, case: u64) {
    world.set_clocks(VALIDATOR, Clocks::Fast(OFFSET_MS_MAX)).await;
    let mut chance = world.chance(case, "known");
    let ahead_ms = OFFSET_MS_MAX.unsigned_abs() - 1_500;
    let file = PlannedFile::at_edge(&format!("known-{case}"), &[format!("R{case}-0")], ahead_ms, &mut chance);
    let known = Known::with(world, case, vec![file]).await;
    known.upload(0).await;
    world.set_clocks(VALIDATOR, Clocks::Fast(-OFFSET_MS_MAX)).await;
    known.upload(0).await;
    world.set_clocks(VALIDATOR, Clocks::Fast(0)).await;
    known.ended(0, 1).await;
    known.play.judge_visible(known.file(0), &known.read_status(0).await);
    known.rows_are_right().await;
}

/// A correction that is sent after the response wins, although the first file's host is fast.
pub(super) async fn a_correction_wins_whatever_the_clocks(world: &World, case: u64) {
    let known = Known::of(world, case, 2).await;
    world.set_clocks(VALIDATOR, Clocks::Fast(FAST_MS)).await;
    known.upload(0).await;
    world.set_clocks(VALIDATOR, Clocks::Fast(0)).await;
    known.upload(1).await;
    known.ended(0, 1).await;
    known.ended(1, 1).await;
    known.rows_are_right().await;
}

/// A correction by a presigned upload within the same second wins.
pub(super) async fn a_correction_wins_across_sources(world: &World, case: u64) {
    for again in 0..TRIES as u64 {
        let known = Known::of(world, case * 100 + again, 2).await;
        while now_ms() % 1000 > EARLY_MS {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        known.upload(0).await;
        known.play.send_presigned(known.file(1), None, known.chance.clone()).await;
        known.ended(0, 1).await;
        known.ended(1, 1).await;
        known.rows_are_right().await;
    }
}

/// Repeating a request to process a file again does not replace a later file.
pub(super) async fn a_repeated_reprocess_does_nothing(world: &World, case: u64) {
    let known = Known::of(world, case, 3).await;
    known.upload_and_complete(0).await;
    known.upload_and_complete(1).await;
    known.play.reprocess(known.file(0), Again::Upload, known.chance.clone()).await;
    known.ended(0, 2).await;
    known.rows_are_right_of(&[0, 1]).await;
    known.upload_and_complete(2).await;
    known.play.repeat_reprocess(known.file(0), known.chance.clone()).await;
    known.deliver_the_rest(0).await;
    known.rows_are_right().await;
}
