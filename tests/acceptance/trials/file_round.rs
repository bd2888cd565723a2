//! A round of files: a partner sends some, several of them more than once, by either road, while everything fails around
//! it; and when the storm is over, what has become of them is judged.

use super::chance::Chance;
use super::file_oracle::FileOracle;
use super::forgery::{self, Victim};
use super::planned_file::PlannedFile;
use super::sender::{Answered, send};
use super::world::World;
use crate::cloud::now_ms;
use crate::files::digest;
use crate::upload::Uploader;
use futures::future::select;
use futures::stream::{FuturesUnordered, StreamExt};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(100);
/// What was done late is told of a moment after it was done: nothing more comes when nothing came for so many looks.
const QUIET_LOOKS: u32 = 4;

/// By which road a file is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Road {
    Upload,
    Announced,
}

/// What its sender knows of a file.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    /// When it was first sent, and when that was first answered, in milliseconds since 1970.
    pub(super) first_ms: (u64, u64),
    /// In which wave it was first sent. The waves of a round come one after the other.
    pub(super) wave: usize,
    /// Whether every time it came by the API.
    pub(super) only_uploaded: bool,
    pub(super) status_path: Option<String>,
}

/// What one partner does in a round.
pub(super) struct FileRound<'w> {
    pub(super) world: &'w World,
    pub(super) round: u64,
    pub(super) bank: Uploader<'w>,
    pub(super) files: Vec<PlannedFile>,
    /// The files of which the bucket must tell.
    told: Mutex<BTreeSet<String>>,
}

/// Plays a round and judges it. In some rounds two partners use the same transaction ids at the same time.
pub(super) async fn play(world: &World, round: u64) {
    let mut chance = world.chance(round, "files");
    let ids: Vec<String> = (0..chance.between(2, 7)).map(|number| format!("{}{number}", row_prefix(round))).collect();
    let partners = if chance.percent(25) { 2 } else { 1 };
    let each = (0..partners).map(|number| play_partner(world, round, format!("trial-{round}-{number}"), &ids));
    let banks = futures::future::join_all(each).await;
    forgery::try_all(world, &banks[0], world.chance(round, "forgery")).await;
}

/// With what the ids of a round's transactions begin.
fn row_prefix(round: u64) -> String {
    format!("R{round}-")
}

async fn play_partner(world: &World, round: u64, partner: String, ids: &[String]) -> Victim {
    let mut chance = world.chance(round, &partner);
    let files = (0..chance.between(1, 4)).map(|_| PlannedFile::of(&partner, ids, &mut chance)).collect();
    let play = FileRound::of(world, round, &partner, files).await;
    let sent = play.play_storm(&mut chance).await;
    FileOracle { play: &play, sent: &sent }.judge(ids).await;
    let file = &play.files[0];
    Victim { partner, file_id: file.id.clone(), status_path: sent[&file.id].status_path.clone() }
}

impl<'w> FileRound<'w> {
    /// What a partner of this name, who gets a key, does with these files.
    pub(super) async fn of(world: &'w World, round: u64, partner: &str, files: Vec<PlannedFile>) -> Self {
        let bank = world.cloud.partner_named(partner, &world.cloud.stack.usage_plan_id).await;
        let play = Self { world, round, bank, files, told: Mutex::default() };
        world.round_is_about(round, play.words());
        play
    }

    /// What calls of this round are about.
    pub(super) fn words(&self) -> Vec<String> {
        [row_prefix(self.round)].into_iter().chain(self.files.iter().map(|file| file.id.clone())).collect()
    }

    /// Sends the files, and delivers what the bucket tells of them, both at the same time.
    async fn play_storm(&self, chance: &mut Chance) -> BTreeMap<String, Sent> {
        let is_sent = AtomicBool::new(false);
        let sending = async {
            let sent = self.send_all(chance).await;
            is_sent.store(true, Ordering::Relaxed);
            sent
        };
        // Two files of a round may have come out the same.
        let distinct: BTreeMap<&str, &PlannedFile> = self.files.iter().map(|file| (file.id.as_str(), file)).collect();
        let deliveries = distinct.into_values().map(|file| self.deliver_events_of(file, &is_sent));
        futures::future::join(sending, futures::future::join_all(deliveries)).await.0
    }

    /// Sends each file once, and some again, in waves of which each waits for the one before it.
    pub(super) async fn send_all(&self, chance: &mut Chance) -> BTreeMap<String, Sent> {
        let mut order: Vec<usize> = (0..self.files.len()).collect();
        for _ in 0..chance.between(0, 3) {
            order.push(chance.index(self.files.len()));
        }
        let mut sent = BTreeMap::new();
        let mut wave_number = 0;
        while !order.is_empty() {
            let size = if chance.percent(40) { order.len().min(3) } else { 1 };
            let wave: Vec<usize> = order.drain(..size).collect();
            let sends = wave.into_iter().enumerate().map(|(place, index)| {
                let road = if chance.percent(70) { Road::Upload } else { Road::Announced };
                let chance = self.world.chance(self.round, &format!("send {wave_number} {place}"));
                self.send(&self.files[index], road, chance)
            });
            for (id, road, times, answer) in futures::future::join_all(sends.collect::<Vec<_>>()).await {
                let path = answer.body["status_path"].as_str().map(str::to_owned);
                let known = sent.entry(id).or_insert(Sent {
                    first_ms: times,
                    wave: wave_number,
                    only_uploaded: true,
                    status_path: path.clone(),
                });
                known.only_uploaded &= road == Road::Upload;
                known.first_ms = (known.first_ms.0.min(times.0), known.first_ms.1.min(times.1));
            }
            wave_number += 1;
        }
        sent
    }

    async fn send(&self, file: &PlannedFile, road: Road, chance: Chance) -> (String, Road, (u64, u64), Answered) {
        let began = now_ms();
        let answer = match road {
            Road::Upload => self.upload(file, chance).await,
            Road::Announced => self.announce(file, chance).await,
        };
        (file.id.clone(), road, (began, now_ms()), answer)
    }

    async fn upload(&self, file: &PlannedFile, chance: Chance) -> Answered {
        let url = format!("{}/upload", self.world.cloud.stack.api_url);
        let answer = send(chance, || {
            let part = Part::bytes(file.bytes.clone()).file_name("day.csv").mime_str("text/csv").unwrap();
            let request = self.world.cloud.http.post(&url).header("x-api-key", &self.bank.key);
            request.multipart(Form::new().part("file", part))
        })
        .await;
        let expected = if file.is_bad { (400, json!("invalid_csv")) } else { (200, Value::Null) };
        assert_eq!((answer.status, answer.body["error"].clone()), expected, "{}", answer.body);
        if !file.is_bad {
            self.told.lock().unwrap().insert(file.id.clone());
        }
        answer
    }

    /// Announces a file and puts it into the bucket, as often as it takes.
    async fn announce(&self, file: &PlannedFile, chance: Chance) -> Answered {
        let url = format!("{}/uploads", self.world.cloud.stack.api_url);
        let body = json!({"size": file.bytes.len(), "sha256": digest(&file.bytes).as_str()}).to_string();
        let announce = || {
            let request = self.world.cloud.http.post(&url).header("x-api-key", &self.bank.key);
            request.header("content-type", "application/json").body(body.clone())
        };
        let answer = send(chance.clone(), announce).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let Some(put_url) = answer.body["upload"]["url"].as_str() else { return answer };
        let checksum = answer.body["upload"]["headers"]["x-amz-checksum-sha256"].as_str().unwrap();
        let put = || {
            let request = self.world.cloud.http.put(put_url).body(file.bytes.clone());
            request.header("x-amz-checksum-sha256", checksum)
        };
        let stored = send(chance, put).await;
        assert_eq!(stored.status, 200, "{}", stored.body);
        self.told.lock().unwrap().insert(file.id.clone());
        answer
    }

    /// Delivers every event about a file, as it comes, until all has been sent and nothing more can come.
    pub(super) async fn deliver_events_of(&self, file: &PlannedFile, is_sent: &AtomicBool) {
        let world = self.world;
        let mut delivered = 0;
        let mut quiet_looks = 0;
        let mut under_way = FuturesUnordered::new();
        while quiet_looks < QUIET_LOOKS {
            let is_over = is_sent.load(Ordering::Relaxed) && world.proxy.is_settled(&self.words());
            for (number, event) in world.arrivals.about(&file.id).into_iter().enumerate().skip(delivered) {
                delivered += 1;
                let chance = world.chance(self.round, &format!("deliver {} {number}", file.id));
                under_way
                    .push(async move { world.deliver(&world.cloud.stack.state_machine_arn, &event, chance).await });
            }
            let is_told = delivered > 0 || !self.told.lock().unwrap().contains(&file.id);
            quiet_looks = if under_way.is_empty() && is_over && is_told { quiet_looks + 1 } else { 0 };
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
