//! A round with a file whose rows the table always rejects, and another partner's file after it.

use super::fault::POISON;
use super::file_oracle::FileOracle;
use super::file_plan::upload_alone;
use super::file_round::FileRound;
use super::history;
use super::planned_file::PlannedFile;
use super::promise::Promise;
use super::world::World;
use crate::support::cloud::eventually;
use serde_json::Value;
use std::sync::atomic::AtomicBool;

/// Plays a round and judges it.
pub(super) async fn play(world: &World, round: u64) {
    let mut chance = world.chance(round, "poison");
    let (sick, sound) = (format!("trial-{round}-sick"), format!("trial-{round}-sound"));
    let ids = [format!("R{round}-{POISON}"), format!("H{round}-0")];
    let files = [PlannedFile::of_one(&sick, &ids[0], &mut chance), PlannedFile::of_one(&sound, &ids[1], &mut chance)];
    // Nothing else fails, so that the one file takes as long as the table causes and the other as short as possible.
    world.proxy.calm(files.iter().map(|file| file.id.clone()).chain([ids[1].clone()]));
    let [sick_file, sound_file] = files;
    let sick = FileRound::of(world, round, &sick, vec![sick_file]).await;
    let sound = FileRound::of(world, round, &sound, vec![sound_file]).await;

    let is_sent = AtomicBool::new(true);
    sick.send_all(&upload_alone()).await;
    let other = async {
        eventually("the failing file to be processed", async || is_worked_on(&row(&sick).await).then_some(())).await;
        sound.send_all(&upload_alone()).await;
        let delivered = sound.deliver_events_of(&sound.files[0], &is_sent);
        let completed = async {
            let end = async || Some(row(&sound).await).filter(|row| row["status"] == "completed");
            let sound_row = eventually("the valid file to be completed", end).await;
            (sound_row, row(&sick).await)
        };
        futures::future::join(delivered, completed).await.1
    };
    let (_, (sound_row, sick_row)) =
        futures::future::join(sick.deliver_events_of(&sick.files[0], &is_sent), other).await;

    let is_whole = history::fault(&sound_row["history"], false, 0).is_none();
    // Observed after the other file was completed: no clock of a function matters.
    let overtakes = is_worked_on(&sick_row);
    world.tally.judge(Promise::PoisonDelaysNobody, is_whole && overtakes, || format!("{sound_row} after {sick_row}"));
    world.proxy.cure(&ids[0]);
    FileOracle { play: &sick }.judge(&ids[..1]).await;
}

async fn row(play: &FileRound<'_>) -> Value {
    play.world.cloud.status_row(&play.files[0].id).await.unwrap_or(Value::Null)
}

fn is_worked_on(row: &Value) -> bool {
    row["status"] == "processing"
}
