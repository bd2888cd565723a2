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
    let (failing, valid) = (format!("trial-{round}-sick"), format!("trial-{round}-sound"));
    let ids = [format!("R{round}-{POISON}"), format!("H{round}-0")];
    let files =
        [PlannedFile::of_one(&failing, &ids[0], &mut chance), PlannedFile::of_one(&valid, &ids[1], &mut chance)];
    // Nothing else fails, so that the one file takes as long as the table causes and the other as short as possible.
    world.proxy.stop_faults(files.iter().map(|file| file.id.clone()).chain([ids[1].clone()]));
    let [failing_file, valid_file] = files;
    let failing = FileRound::of(world, round, &failing, vec![failing_file]).await;
    let valid = FileRound::of(world, round, &valid, vec![valid_file]).await;

    let is_sent = AtomicBool::new(true);
    failing.send_all(&upload_alone()).await;
    let other = async {
        eventually("the failing file to be processed", async || is_in_progress(&row(&failing).await).then_some(()))
            .await;
        valid.send_all(&upload_alone()).await;
        let delivered = valid.deliver_events_of(&valid.files[0], &is_sent);
        let completed = async {
            let end = async || Some(row(&valid).await).filter(|row| row["status"] == "completed");
            let valid_row = eventually("the valid file to be completed", end).await;
            (valid_row, row(&failing).await)
        };
        futures::future::join(delivered, completed).await.1
    };
    let (_, (valid_row, failing_row)) =
        futures::future::join(failing.deliver_events_of(&failing.files[0], &is_sent), other).await;

    let is_whole = history::fault(&valid_row["history"], false, 0).is_none();
    // Observed after the other file was completed: no clock of a function matters.
    let is_unaffected = is_in_progress(&failing_row);
    world
        .tally
        .judge(Promise::PoisonDelaysNobody, is_whole && is_unaffected, || format!("{valid_row} after {failing_row}"));
    world.proxy.accept_row(&ids[0]);
    FileOracle { play: &failing }.judge(&ids[..1]).await;
}

async fn row(play: &FileRound<'_>) -> Value {
    play.world.cloud.status_row(&play.files[0].id).await.unwrap_or(Value::Null)
}

fn is_in_progress(row: &Value) -> bool {
    row["status"] == "processing"
}
