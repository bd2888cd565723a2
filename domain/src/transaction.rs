//! One transaction of a file: a payment that a partner reports.

use crate::limits::TIMESTAMP_SHARDS;
use crate::{Currency, Money, Timestamp};
use siphasher::sip::SipHasher13;
use std::hash::Hasher;

/// The state of a payment, as its partner reports it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TransactionStatus {
    /// The money has moved.
    Completed,
    /// The money has yet to move.
    Pending,
    /// The money will not move.
    Failed,
}

impl TransactionStatus {
    /// Reads exactly `completed`, `pending` or `failed`.
    #[must_use]
    #[inline]
    pub fn parse(text: &[u8]) -> Option<Self> {
        match text {
            b"completed" => Some(Self::Completed),
            b"pending" => Some(Self::Pending),
            b"failed" => Some(Self::Failed),
            _ => None,
        }
    }

    /// The text in files and tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Pending => "pending",
            Self::Failed => "failed",
        }
    }
}

/// A valid record of a file. It borrows its texts from the file's bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transaction<'a> {
    /// Printable ASCII, at most 128 characters, unique within a file and a partner.
    pub transaction_id: &'a str,
    /// Exact, and no more decimals than the currency has. Negative for a refund.
    pub amount: Money,
    /// The currency of the amount.
    pub currency: Currency,
    /// When the payment was made.
    pub timestamp: Timestamp,
    /// Free text of at most 4 KiB, unchanged.
    pub merchant: &'a str,
    /// How the payment ended.
    pub status: TransactionStatus,
}

/// The partition of `timestamp-index` that holds a transaction: its UTC day and one of sixteen shards, as
/// `2026-01-15#07`. The shard depends on the id alone, so that a repeat finds the same one.
#[must_use]
pub fn day_shard(timestamp: Timestamp, transaction_id: &str) -> String {
    let mut hasher = SipHasher13::new();
    hasher.write(transaction_id.as_bytes());
    format!("{}#{:02}", timestamp.day(), hasher.finish() % TIMESTAMP_SHARDS)
}

/// Every partition that holds transactions of `day` (`2026-01-15`): a reader queries them all.
pub fn day_shards(day: &str) -> impl Iterator<Item = String> + '_ {
    (0..TIMESTAMP_SHARDS).map(move |shard| format!("{day}#{shard:02}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_spread_evenly_over_its_shards() {
        let at = Timestamp::parse(b"2026-01-15T23:59:59-01:00").unwrap();
        let mut counts = std::collections::BTreeMap::new();
        for number in 0..16_000 {
            *counts.entry(day_shard(at, &format!("T{number}"))).or_insert(0) += 1;
        }
        let expected: Vec<String> = day_shards("2026-01-16").collect();
        assert_eq!(counts.keys().cloned().collect::<Vec<_>>(), expected);
        assert!(counts.values().all(|count| (800..1200).contains(count)), "{counts:?}");
    }
}
