//! What once went wrong with payments, played step by step while nothing fails.

use super::archive_round::ArchiveRound;
use super::payment_round::Trial;
use super::retired;
use super::world::World;
use crate::support::archiver::days_ago;
use crate::support::cloud::now_ms;
use domain::Timestamp;
use serde_json::json;

const HOUR_MS: u64 = 60 * 60 * 1000;
/// Whose archival is played.
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

/// What a customer paid in a currency that was retired since stops no assessment of another payment.
pub(super) async fn a_retired_currency_stops_no_assessment(world: &World, case: u64) {
    let trial = Trial::high(world, case);
    let (id, customer) = (format!("H{case}-0."), format!("C{case}."));
    retired::put(&trial.provider, &id, &customer, "75.30", now_ms() - HOUR_MS).await;
    trial.play_created(false, &mut world.chance(case, "copies")).await;
}

/// A payment whose id another event has named before is taken, published and assessed.
pub(super) async fn another_event_may_come_first(world: &World, case: u64) {
    let trial = Trial::high(world, case);
    trial.send_other_event(0).await;
    trial.play_created(true, &mut world.chance(case, "copies")).await;
}

/// What is told of a payment later is taken, so that its provider does not send it for days.
pub(super) async fn another_event_may_come_later(world: &World, case: u64) {
    let trial = Trial::high(world, case);
    trial.play_created(false, &mut world.chance(case, "copies")).await;
    trial.send_other_event(0).await;
    trial.send_other_event(1).await;
}
