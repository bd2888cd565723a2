//! How long a file of some size takes, from what one function was measured to write and from what AWS states.
//!
//! A file is split into ranges, as `domain/src/limits.rs` says, each with a function of its own. All of them write at
//! `ranges × rate`, or at what the table takes if that is less. A row of up to 1 KB is one write unit of the table and
//! one of its index. Both are made of partitions that take 1,000 writes a second each. Ids spread evenly over those of the
//! table. The index has few keys for a day, and each falls on a partition by chance: the partition that got most of them is
//! the last to be done, if DynamoDB does not split it meanwhile.

use domain::limits::{FILE_RANGES_MAX, RANGE_ROWS_MIN, TIMESTAMP_SHARDS};

/// What one partition takes (DynamoDB developer guide, "Partitions and data distribution").
const PARTITION_WRITES_PER_SECOND: u64 = 1_000;

/// How many ways of placing the keys are tried.
const PLACEMENTS: usize = 1_001;

/// How long the workflow gives the ranges of a large file, less what a function keeps to tell what went wrong.
pub(crate) const SECONDS_MAX: u64 = 125;

/// A table, as far as it matters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Capacity {
    /// In words.
    pub(crate) name: &'static str,
    /// What it takes at once, its index alike.
    pub(crate) writes_per_second: u64,
}

/// A new table, one that was warmed up to the default quota of an account, and one whose quota was raised.
pub(crate) const CAPACITIES: [Capacity; 3] = [
    Capacity { name: "new, 4,000 writes/s", writes_per_second: 4_000 },
    Capacity { name: "warm to the default quota, 40,000 writes/s", writes_per_second: 40_000 },
    Capacity { name: "quota raised, warm to 100,000 writes/s", writes_per_second: 100_000 },
];

/// The sizes of files.
pub(crate) const FILES: [u64; 4] = [15_000, 150_000, 1_000_000, 5_000_000];

/// How long the ranges of a file take together, in tenths of a second.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Prediction {
    /// If the keys of the index are spread evenly over its partitions.
    pub(crate) even: u64,
    /// If they fall as chance has it in the median.
    pub(crate) by_chance: u64,
}

/// The prediction for a file of one day.
pub(crate) fn predict(rows: u64, function_rows_per_second: u64, capacity: Capacity) -> Prediction {
    let ranges = rows.div_ceil(RANGE_ROWS_MIN.into()).min(FILE_RANGES_MAX as u64);
    let rate = (ranges * function_rows_per_second).min(capacity.writes_per_second).max(1);
    let even = (rows * 10).div_ceil(rate);
    let fullest = keys_on_the_fullest(capacity.writes_per_second / PARTITION_WRITES_PER_SECOND, TIMESTAMP_SHARDS);
    let by_chance = (rows * fullest * 10).div_ceil(TIMESTAMP_SHARDS * PARTITION_WRITES_PER_SECOND);
    Prediction { even, by_chance: by_chance.max(even) }
}

/// How many of the keys are on the partition with most of them, in the median of many placements by chance.
pub(crate) fn keys_on_the_fullest(partitions: u64, keys: u64) -> u64 {
    let mut chance = fastrand::Rng::with_seed(1);
    let mut fullest: Vec<u64> = (0..PLACEMENTS)
        .map(|_| {
            let mut counts = std::collections::HashMap::new();
            for _ in 0..keys {
                *counts.entry(chance.u64(..partitions.max(1))).or_insert(0) += 1;
            }
            counts.into_values().max().unwrap_or_default()
        })
        .collect();
    fullest.sort_unstable();
    fullest[PLACEMENTS / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_part_decides() {
        let table = |writes_per_second| Capacity { name: "", writes_per_second };
        let ranges = FILE_RANGES_MAX as u64;
        let all = predict(ranges * 50_000, 1_000, table(1_000_000)).even;
        assert_eq!(all, 500, "as many functions of 1,000 rows a second as there may be");
        assert_eq!(predict(3_000, 1_000, table(1_000_000)).even, 10, "three ranges");
        assert_eq!(predict(5_000_000, 9_000, table(40_000)).even, 1_250, "the table");
    }

    #[test]
    fn keys_by_chance_are_uneven_and_less_so_the_more_there_are() {
        assert_eq!(keys_on_the_fullest(1, 128), 128);
        let shares = [16, 128, 1_024].map(|keys| keys_on_the_fullest(40, keys) * 40 * 100 / keys);
        assert!(shares.is_sorted_by(|more, less| more > less) && shares[2] > 110, "{shares:?} % of an even share");
    }
}
