//! How long the import of a file takes, by the measured rate of one function and the documented limits of AWS.
//!
//! A file is split into ranges, by the limits of the domain, with a function for each. Together they write at `ranges × rate`,
//! or at the capacity of the table if that is less. A row of up to 1 KB is one write unit of the table and one of its index.
//! Both have partitions with a capacity of 1,000 writes a second each. IDs are distributed evenly over the partitions of the
//! table. The index has few keys for a day, and each is on a random partition: the partition with most keys is the last to
//! finish, unless DynamoDB splits it.

use domain::limits::{FILE_RANGES_MAX, RANGE_ROWS_MIN, TIMESTAMP_SHARDS};

/// The capacity of a partition (DynamoDB developer guide, "Partitions and data distribution").
const PARTITION_WRITES_PER_SECOND: u64 = 1_000;

/// The number of random placements of the keys.
const PLACEMENTS: usize = 1_001;

/// The time of the workflow for the ranges of a large file, without the reserve of a function to report a failure.
pub(crate) const SECONDS_MAX: u64 = 125;

/// The capacity of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Capacity {
    /// Its description.
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

/// The time for all ranges of a file, in tenths of a second.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Prediction {
    /// If the keys of the index are distributed evenly over its partitions.
    pub(crate) even: u64,
    /// If they are distributed at random, in the median.
    pub(crate) random: u64,
}

/// The prediction for a file of one day.
pub(crate) fn predict(rows: u64, function_rows_per_second: u64, capacity: Capacity) -> Prediction {
    let ranges = rows.div_ceil(RANGE_ROWS_MIN.into()).min(FILE_RANGES_MAX as u64);
    let rate = (ranges * function_rows_per_second).min(capacity.writes_per_second).max(1);
    let even = (rows * 10).div_ceil(rate);
    let fullest = keys_on_the_fullest(capacity.writes_per_second / PARTITION_WRITES_PER_SECOND, TIMESTAMP_SHARDS);
    let random = (rows * fullest * 10).div_ceil(TIMESTAMP_SHARDS * PARTITION_WRITES_PER_SECOND);
    Prediction { even, random: random.max(even) }
}

/// The number of keys on the partition with most of them, in the median of many random placements.
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
    fn predicts_by_the_slowest_part() {
        let table = |writes_per_second| Capacity { name: "", writes_per_second };
        let ranges = FILE_RANGES_MAX as u64;
        let all = predict(ranges * 50_000, 1_000, table(1_000_000)).even;
        assert_eq!(all, 500, "the maximum of functions with 1,000 rows a second");
        assert_eq!(predict(3_000, 1_000, table(1_000_000)).even, 10, "three ranges");
        assert_eq!(predict(5_000_000, 9_000, table(40_000)).even, 1_250, "the table");
    }

    #[test]
    fn more_keys_are_distributed_more_evenly() {
        assert_eq!(keys_on_the_fullest(1, 128), 128);
        let shares = [16, 128, 1_024].map(|keys| keys_on_the_fullest(40, keys) * 40 * 100 / keys);
        assert!(shares.is_sorted_by(|more, less| more > less) && shares[2] > 110, "{shares:?} % of an even share");
    }
}
