//! How the rows of a day are distributed over the partitions of an index.

use crate::Timestamp;
use crate::limits::{PAYMENT_SHARDS, TIMESTAMP_SHARDS};
use siphasher::sip::SipHasher13;
use std::hash::Hasher;

/// The shards of a day in one index. The partition of a row is its UTC day and its shard, as `2026-01-15#0007`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DayShards {
    count: u64,
    digits: usize,
}

impl DayShards {
    /// The shards of `timestamp-index`, for the transactions of files.
    pub const TRANSACTIONS: Self = Self { count: TIMESTAMP_SHARDS, digits: 4 };
    /// The shards of `day-index`, for payments.
    pub const PAYMENTS: Self = Self { count: PAYMENT_SHARDS, digits: 2 };

    /// The partition of the row `id` of a day. The shard depends only on the id, so that a repeat has the same one.
    #[must_use]
    pub fn of(self, at: Timestamp, id: &str) -> String {
        let mut hasher = SipHasher13::new();
        hasher.write(id.as_bytes());
        self.name(&at.day(), hasher.finish() % self.count)
    }

    /// Every partition with rows of `day` (`2026-01-15`). A reader queries them all.
    pub fn all(self, day: &str) -> impl Iterator<Item = String> + '_ {
        (0..self.count).map(move |shard| self.name(day, shard))
    }

    fn name(self, day: &str, shard: u64) -> String {
        format!("{day}#{shard:0digits$}", digits = self.digits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distributes_a_day_evenly_over_its_shards() {
        let at = Timestamp::parse(b"2026-01-15T23:59:59-01:00").unwrap();
        for shards in [DayShards::TRANSACTIONS, DayShards::PAYMENTS] {
            let mut counts = std::collections::BTreeMap::new();
            for number in 0..shards.count * 200 {
                *counts.entry(shards.of(at, &format!("T{number}"))).or_insert(0) += 1;
            }
            let expected: Vec<String> = shards.all("2026-01-16").collect();
            assert_eq!(counts.keys().cloned().collect::<Vec<_>>(), expected);
            assert!(counts.values().all(|count| (130..270).contains(count)), "{counts:?}");
        }
    }

    #[test]
    fn a_partition_is_named_by_its_day_and_its_shard() {
        assert_eq!(DayShards::TRANSACTIONS.all("2026-01-15").nth(7).as_deref(), Some("2026-01-15#0007"));
        assert_eq!(DayShards::PAYMENTS.all("2026-01-15").nth(7).as_deref(), Some("2026-01-15#07"));
    }
}
