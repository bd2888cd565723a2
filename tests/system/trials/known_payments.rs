//! Former defects with payments, played step by step without faults.

use super::archive_round::ArchiveRound;
use super::payment_round::Trial;
use super::retired;
use super::world::World;
use crate::support::archiver::days_ago;
use crate::support::cloud::now_ms;
use domain::Timestamp;
use serde_json::json;

const HOUR_MS: u64 = 60 * 60 * 1000;
/// The round whose archival is played.
const DAYS_AGO: u64 = 27;

/// A payment in a currency that was retired since is archived like any other.
pub(super) async fn a_retired_currency_is_archived(world: &World, case: u64) {
    let (provider, day_ms) = (world.cloud.provider(), days_ago(DAYS_AGO));
    let (customer, ids) = (format!("C{case}."), [0, 1].map(|number| format!("A{case}-{number}.")));
    let plain = json!({
        "transaction_id": ids[0], "amount": "12.30", "currency": "EUR", "provider": provider.name, "customer_id": customer,
    });
    provider.put(&plain, day_ms).await;
    let retired = retired::put(&provider, &ids[1], &customer, "7.5", day_ms + 1).await;
    let day = Timestamp::from_unix_milliseconds(day_ms).day().replace('-', "/");
    let play = ArchiveRound { world, provider, payments: vec![plain, retired], day, has_retired: true };
    play.run_without_faults().await;
    play.judge(case).await;
}

/// A payment in a currency that was retired since blocks no assessment of another payment of its customer.
pub(super) async fn a_retired_currency_stops_no_assessment(world: &World, case: u64) {
    let trial = Trial::high(world, case);
    let (id, customer) = (format!("H{case}-0."), format!("C{case}."));
    retired::put(&trial.provider, &id, &customer, "75.30", now_ms() - HOUR_MS).await;
    trial.play_created(false, &mut world.chance(case, "copies")).await;
}

/// A payment whose id was in another event before is accepted, published and assessed.
pub(super) async fn another_event_may_come_first(world: &World, case: u64) {
    let trial = Trial::high(world, case);
    trial.send_other_event(0).await;
    trial.play_created(true, &mut world.chance(case, "copies")).await;
}

/// Later events about a payment are accepted, so that its provider does not send them for days.
pub(super) async fn another_event_may_come_later(world: &World, case: u64) {
    let trial = Trial::high(world, case);
    trial.play_created(false, &mut world.chance(case, "copies")).await;
    trial.send_other_event(0).await;
    trial.send_other_event(1).await;
}
