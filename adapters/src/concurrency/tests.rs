//! The limit against a simulated table, whose clock counts microseconds.

use super::*;
use proptest::prelude::*;
use std::collections::VecDeque;

const SECOND: u64 = 1_000_000;

/// A table that takes so many writes a second, and refuses one in so many for no reason.
#[derive(Clone, Debug)]
struct Table {
    writes_per_second: u64,
    latency: u64,
    /// Of a thousand calls, those refused for no error of ours.
    refused_thousandths: u64,
    /// Microseconds of capacity that are left over; a tenth of a second at most.
    saved: u64,
    seen: u64,
    chance: fastrand::Rng,
}

impl Table {
    fn new(writes_per_second: u64, latency: u64, refused_thousandths: u64) -> Self {
        Self {
            writes_per_second,
            latency,
            refused_thousandths,
            saved: SECOND / 10,
            seen: 0,
            chance: fastrand::Rng::with_seed(1),
        }
    }

    fn takes(&mut self, now: u64) -> bool {
        self.saved = (self.saved + now - self.seen).min(SECOND / 10);
        self.seen = now;
        let price = SECOND / self.writes_per_second;
        if self.saved < price || self.chance.u64(..1000) < self.refused_thousandths {
            return false;
        }
        self.saved -= price;
        true
    }
}

/// A client that always has rows to write, as many at a time as the limit allows.
struct Client {
    concurrency: Concurrency,
    now: u64,
    in_flight: VecDeque<(u64, Era, bool)>,
    limits: Vec<usize>,
}

impl Client {
    fn new() -> Self {
        Self { concurrency: Concurrency::default(), now: 0, in_flight: VecDeque::new(), limits: Vec::new() }
    }

    /// Writes for so long. Returns how many rows were taken and how many refused.
    fn write(&mut self, table: &mut Table, microseconds: u64) -> (u64, u64) {
        let (until, mut taken, mut refused) = (self.now + microseconds, 0, 0);
        while self.now < until {
            while self.in_flight.len() < self.concurrency.limit() {
                let answer = table.takes(self.now);
                self.in_flight.push_back((self.now + table.latency, self.concurrency.era(), answer));
            }
            // There is one: the limit is one at least.
            let (at, era, answer) = self.in_flight.pop_front().unwrap();
            self.now = at;
            self.concurrency.note(era, !answer);
            self.limits.push(self.concurrency.limit());
            if answer { taken += 1 } else { refused += 1 }
        }
        (taken, refused)
    }
}

#[test]
fn a_table_without_bounds_gets_all_it_can_within_a_second() {
    let (mut table, mut client) = (Table::new(1_000_000, 6_000, 0), Client::new());
    client.write(&mut table, SECOND);
    assert_eq!(client.concurrency.limit(), CALLS_IN_FLIGHT_MAX);
}

#[test]
fn refusals_by_chance_do_not_slow_it_down() {
    let (mut table, mut client) = (Table::new(1_000_000, 6_000, 50), Client::new());
    client.write(&mut table, SECOND);
    let (taken, _) = client.write(&mut table, 20 * SECOND);
    let most = 20 * 64 * 1_000_000 / 6_000;
    assert!(taken * 100 > most * 92, "{taken} of {most}, of which 95 % could have been taken");
}

#[test]
fn a_capped_table_is_used_to_its_cap_and_not_stormed() {
    for (cap, latency) in [(4_000, 6_000), (4_000, 14_000), (2_000, 6_000), (1_000, 6_000), (500, 6_000), (500, 14_000)]
    {
        let (mut table, mut client) = (Table::new(cap, latency, 0), Client::new());
        client.write(&mut table, 2 * SECOND);
        let (taken, refused) = client.write(&mut table, 10 * SECOND);
        assert!(taken >= 10 * cap * 95 / 100, "{taken} of {} at {latency} µs", 10 * cap);
        // With four calls in flight or fewer, one more is a quarter more.
        assert!(refused * 100 <= taken * 30, "{refused} refused for {taken} taken, cap {cap} at {latency} µs");
    }
}

#[test]
fn it_recovers_when_the_table_does() {
    let mut client = Client::new();
    client.write(&mut Table::new(500, 6_000, 0), 5 * SECOND);
    assert!(client.concurrency.limit() <= 8, "{}", client.concurrency.limit());
    let mut sound = Table::new(1_000_000, 6_000, 0);
    sound.seen = client.now;
    client.write(&mut sound, 5 * SECOND);
    assert_eq!(client.concurrency.limit(), CALLS_IN_FLIGHT_MAX);
}

#[test]
fn calls_made_before_a_decision_count_for_no_other() {
    let mut concurrency = Concurrency::default();
    let before = concurrency.era();
    for _ in 0..=CALLS_IN_FLIGHT_START / EXPLORING_TOLERATED {
        concurrency.note(before, true);
    }
    assert_eq!(concurrency.limit(), 8, "half of what it was, although all were refused");
    for _ in 0..1000 {
        concurrency.note(before, true);
    }
    assert_eq!(concurrency.limit(), 8);
}

proptest! {
    #[test]
    fn whatever_is_answered_it_stays_within_its_bounds(answers in proptest::collection::vec((any::<bool>(), 0_u32..1000), 1..200)) {
        let mut concurrency = Concurrency::default();
        for (was_refused, times) in answers {
            for _ in 0..times {
                concurrency.note(concurrency.era(), was_refused);
                prop_assert!((1..=CALLS_IN_FLIGHT_MAX).contains(&concurrency.limit()));
            }
        }
    }

    #[test]
    fn it_comes_near_any_cap_that_it_can_reach(cap in 300_u64..4_000, latency in 3_000_u64..14_000, refused_thousandths in 0_u64..50) {
        // With one call in flight it may be faster than such a table, and with all of them slower.
        prop_assume!(cap * latency > 2 * SECOND && cap * latency < 50 * SECOND);
        let (mut table, mut client) = (Table::new(cap, latency, refused_thousandths), Client::new());
        client.write(&mut table, 5 * SECOND);
        let (taken, _) = client.write(&mut table, 20 * SECOND);
        prop_assert!(taken * 100 >= 20 * cap * 90, "{} of {}", taken, 20 * cap);
        prop_assert!(client.limits.iter().all(|limit| (1..=CALLS_IN_FLIGHT_MAX).contains(limit)));
    }
}
