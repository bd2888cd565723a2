//! The limit with a simulated table. Times are in microseconds.

use super::*;
use proptest::prelude::*;
use std::collections::VecDeque;

const SECOND: u64 = 1_000_000;

/// A table that accepts a number of writes per second, and throttles some calls at random.
#[derive(Clone, Debug)]
struct Table {
    writes_per_second: u64,
    latency: u64,
    /// The calls throttled at random, per thousand.
    throttled_thousandths: u64,
    /// Unused capacity in microseconds; a tenth of a second at most.
    saved: u64,
    seen: u64,
    chance: fastrand::Rng,
}

impl Table {
    fn new(writes_per_second: u64, latency: u64, throttled_thousandths: u64) -> Self {
        Self {
            writes_per_second,
            latency,
            throttled_thousandths,
            saved: SECOND / 10,
            seen: 0,
            chance: fastrand::Rng::with_seed(1),
        }
    }

    fn accepts(&mut self, now: u64) -> bool {
        self.saved = (self.saved + now - self.seen).min(SECOND / 10);
        self.seen = now;
        let price = SECOND / self.writes_per_second;
        if self.saved < price || self.chance.u64(..1000) < self.throttled_thousandths {
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

    /// Writes for this time. Returns the numbers of accepted and of throttled writes.
    fn write(&mut self, table: &mut Table, microseconds: u64) -> (u64, u64) {
        let (until, mut accepted, mut throttled) = (self.now + microseconds, 0, 0);
        while self.now < until {
            while self.in_flight.len() < self.concurrency.limit() {
                let is_accepted = table.accepts(self.now);
                self.in_flight.push_back((self.now + table.latency, self.concurrency.era(), is_accepted));
            }
            // There is one: the limit is one at least.
            let (at, era, is_accepted) = self.in_flight.pop_front().unwrap();
            self.now = at;
            self.concurrency.note(era, !is_accepted);
            self.limits.push(self.concurrency.limit());
            if is_accepted { accepted += 1 } else { throttled += 1 }
        }
        (accepted, throttled)
    }
}

#[test]
fn reaches_the_maximum_for_an_unlimited_table_within_a_second() {
    let (mut table, mut client) = (Table::new(1_000_000, 6_000, 0), Client::new());
    client.write(&mut table, SECOND);
    assert_eq!(client.concurrency.limit(), CALLS_IN_FLIGHT_MAX);
}

#[test]
fn random_throttling_does_not_slow_it_down() {
    let (mut table, mut client) = (Table::new(1_000_000, 6_000, 50), Client::new());
    client.write(&mut table, SECOND);
    let (accepted, _) = client.write(&mut table, 20 * SECOND);
    let most = 20 * 64 * 1_000_000 / 6_000;
    assert!(accepted * 100 > most * 92, "{accepted} of {most}, of which 95 % could have been accepted");
}

#[test]
fn uses_a_capped_table_up_to_its_cap() {
    for (cap, latency) in [(4_000, 6_000), (4_000, 14_000), (2_000, 6_000), (1_000, 6_000), (500, 6_000), (500, 14_000)]
    {
        let (mut table, mut client) = (Table::new(cap, latency, 0), Client::new());
        client.write(&mut table, 2 * SECOND);
        let (accepted, throttled) = client.write(&mut table, 10 * SECOND);
        assert!(accepted >= 10 * cap * 95 / 100, "{accepted} of {} at {latency} µs", 10 * cap);
        // With four calls in flight or fewer, one more is a quarter more.
        assert!(
            throttled * 100 <= accepted * 30,
            "{throttled} throttled for {accepted} accepted, cap {cap} at {latency} µs"
        );
    }
}

#[test]
fn recovers_when_the_table_does() {
    let mut client = Client::new();
    client.write(&mut Table::new(500, 6_000, 0), 5 * SECOND);
    assert!(client.concurrency.limit() <= 8, "{}", client.concurrency.limit());
    let mut recovered = Table::new(1_000_000, 6_000, 0);
    recovered.seen = client.now;
    client.write(&mut recovered, 5 * SECOND);
    assert_eq!(client.concurrency.limit(), CALLS_IN_FLIGHT_MAX);
}

#[test]
fn calls_of_an_earlier_era_do_not_count() {
    let mut concurrency = Concurrency::default();
    let before = concurrency.era();
    for _ in 0..=CALLS_IN_FLIGHT_START / EXPLORING_TOLERATED {
        concurrency.note(before, true);
    }
    assert_eq!(concurrency.limit(), 8, "half of what it was, although all were throttled");
    for _ in 0..1000 {
        concurrency.note(before, true);
    }
    assert_eq!(concurrency.limit(), 8);
}

proptest! {
    #[test]
    fn stays_within_its_limits_whatever_the_responses(responses in proptest::collection::vec((any::<bool>(), 0_u32..1000), 1..200)) {
        let mut concurrency = Concurrency::default();
        for (was_throttled, times) in responses {
            for _ in 0..times {
                concurrency.note(concurrency.era(), was_throttled);
                prop_assert!((1..=CALLS_IN_FLIGHT_MAX).contains(&concurrency.limit()));
            }
        }
    }

    #[test]
    fn comes_near_any_cap_that_it_can_reach(cap in 300_u64..4_000, latency in 3_000_u64..14_000, throttled_thousandths in 0_u64..50) {
        // One call in flight may exceed a slower cap, and all of them may not reach a higher one.
        prop_assume!(cap * latency > 2 * SECOND && cap * latency < 50 * SECOND);
        let (mut table, mut client) = (Table::new(cap, latency, throttled_thousandths), Client::new());
        client.write(&mut table, 5 * SECOND);
        let (accepted, _) = client.write(&mut table, 20 * SECOND);
        prop_assert!(accepted * 100 >= 20 * cap * 90, "{} of {}", accepted, 20 * cap);
        prop_assert!(client.limits.iter().all(|limit| (1..=CALLS_IN_FLIGHT_MAX).contains(limit)));
    }
}
