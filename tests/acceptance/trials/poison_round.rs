//! A round with a file that the table refuses for good, and another partner's file that comes after it.

use super::fault::POISON;
use super::file_oracle::FileOracle;
use super::file_round::FileRound;
use super::history;
use super::planned_file::PlannedFile;
use super::promise::Promise;
use super::world::World;
use crate::cloud::eventually;
use serde_json::Value;
use std::sync::atomic::AtomicBool;

/// Plays a round and judges it.
pub(super) async fn play(world: &World, round: u64) {
    let mut chance = world.chance(round, "poison");
    let (sick, sound) = (format!("trial-{round}-sick"), format!("trial-{round}-sound"));
    let ids = [format!("R{round}-{POISON}"), format!("H{round}-0")];
    let files = [PlannedFile::of_one(&sick, &ids[0], &mut chance), PlannedFile::of_one(&sound, &ids[1], &mut chance)];
    // All else is calm, so that the one file's way is as long as the table makes it and the other's as short as can be.
    world.proxy.calm(files.iter().map(|file| file.id.clone()).chain([ids[1].clone()]));
    let [sick_file, sound_file] = files;
    let sick = FileRound::of(world, round, &sick, vec![sick_file]).await;
    let sound = FileRound::of(world, round, &sound, vec![sound_file]).await;

    let is_sent = AtomicBool::new(true);
    let sent = sick.send_all(&mut world.chance(round, "sick")).await;
    let other = async {
        eventually("the sick file to be worked on", async || is_worked_on(&row(&sick).await).then_some(())).await;
        sound.send_all(&mut world.chance(round, "sound")).await;
        sound.deliver_events_of(&sound.files[0], &is_sent).await;
    };
    futures::future::join(sick.deliver_events_of(&sick.files[0], &is_sent), other).await;

    let (sick_row, sound_row) = (row(&sick).await, row(&sound).await);
    let is_whole = history::fault(&sound_row["history"], false).is_none();
    let (sound_at, sick_at) = (at_of(&sound_row, "completed"), at_of(&sick_row, "processing_failed"));
    let overtakes = sound_at.zip(sick_at).is_some_and(|(sound, sick)| sound < sick);
    world.tally.judge(Promise::PoisonDelaysNobody, is_whole && overtakes, || format!("{sound_row} after {sick_row}"));
    world.proxy.cure(&ids[0]);
    FileOracle { play: &sick, sent: &sent }.judge(&ids[..1]).await;
}

async fn row(play: &FileRound<'_>) -> Value {
    play.world.cloud.status_row(&play.files[0].id).await.unwrap_or(Value::Null)
}

fn is_worked_on(row: &Value) -> bool {
    row["status"] == "processing"
}

/// When a file first had this status, as a text that is ordered as time is.
fn at_of(row: &Value, status: &str) -> Option<String> {
    let mut entries = row["history"].as_array().into_iter().flatten();
    Some(entries.find(|entry| entry["status"] == status)?["at"].to_string())
}
