//! The archive: which payments are archived when and where, and the tombstones by which late retries are recognized.
//!
//! `model` specifies and checks how an archival that may be killed at any point archives each payment once.

mod line;
#[cfg(test)]
mod model;
mod object;
mod record;

use crate::limits::{ARCHIVE_AGE_MILLISECONDS_MIN, ARCHIVE_DAYS_BACK_MIN, TOMBSTONE_MILLISECONDS};
use crate::payments::webhook::EventKey;
use crate::{ContentDigest, Day, Timestamp};
use std::fmt;

pub use line::{ArchiveLineError, ArchivedPayment};
pub use object::{FilledObject, ObjectError, ObjectLines, ObjectWriter};
pub use record::{RecordId, records};

const DAY_MILLISECONDS: u64 = 24 * 60 * 60 * 1000;

/// Payments received before this time, in milliseconds since 1970, are older than 24 hours.
#[must_use]
pub fn due_before_ms(now_ms: u64) -> u64 {
    now_ms.saturating_sub(ARCHIVE_AGE_MILLISECONDS_MIN)
}

/// The days that may have payments older than 24 hours, the oldest first, so that a run that must stop early has
/// archived the oldest ones. The newest day also has payments that are not [due](due_before_ms) yet.
///
/// Everything received before `unfinished_since_ms` is archived. The last days are checked anyway: an empty day costs
/// nearly nothing, and a row may have been restored into the table.
#[must_use]
pub fn days_to_archive(now_ms: u64, unfinished_since_ms: Option<u64>) -> Vec<Day> {
    let newest_ms = due_before_ms(now_ms);
    let always_from_ms = newest_ms.saturating_sub(ARCHIVE_DAYS_BACK_MIN * DAY_MILLISECONDS);
    let oldest = Day::of_milliseconds(unfinished_since_ms.unwrap_or(always_from_ms).min(always_from_ms));
    let newest = Day::of_milliseconds(newest_ms);
    std::iter::successors(Some(oldest), |day| (*day < newest).then(|| day.after())).collect()
}

/// The part that makes the key of an object unique: 128 random bits from the caller.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ArchiveToken([u8; 16]);

impl ArchiveToken {
    /// The token with these bits.
    #[must_use]
    pub fn new(random: [u8; 16]) -> Self {
        Self(random)
    }
}

impl fmt::Display for ArchiveToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&crate::values::digest::hex(&self.0))
    }
}

/// The time of an object that is about to be written: now, but always after that of the `previous` object, whatever the
/// clocks of the hosts show. Objects are therefore ordered as they were written.
#[must_use]
pub fn object_at_ms(now_ms: u64, previous_ms: Option<u64>) -> u64 {
    previous_ms.map_or(now_ms, |previous_ms| now_ms.max(previous_ms.saturating_add(1)))
}

/// The key of an object with payments of `day`: `transactions/2026/01/15/20260116T020000000Z-{token}.ndjson.gz`. The
/// keys of a day are ordered by the [times](object_at_ms) of the objects. No two objects share a key, even if the
/// table, which has the time of the previous object, was restored to an earlier time.
#[must_use]
pub fn object_key(day: Day, object_at_ms: u64, token: ArchiveToken) -> String {
    let at = Timestamp::from_unix_milliseconds(object_at_ms).to_milliseconds_text();
    let at = at.replace(['-', ':', '.'], "");
    format!("transactions/{}/{at}-{token}.ndjson.gz", day.to_string().replace('-', "/"))
}

/// The row that replaces an archived payment in the table, so that a late retry does not become a second payment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tombstone {
    /// The id of the transaction.
    pub transaction_id: String,
    /// The event of the transaction.
    pub event_key: EventKey,
    /// The digest of the content.
    pub digest: ContentDigest,
    /// When it expires, in milliseconds since 1970.
    pub expires_at_ms: u64,
}

impl Tombstone {
    /// The tombstone of a payment archived at `archived_at_ms`. It expires [`TOMBSTONE_MILLISECONDS`] later.
    #[must_use]
    pub fn of(payment: &ArchivedPayment, archived_at_ms: u64) -> Self {
        Self {
            transaction_id: payment.transaction_id.clone(),
            event_key: payment.event_key(),
            digest: payment.digest.clone(),
            expires_at_ms: archived_at_ms.saturating_add(TOMBSTONE_MILLISECONDS),
        }
    }

    /// Whether it has expired. DynamoDB may delete an expired item days later, so a reader checks this.
    #[must_use]
    pub fn is_expired(&self, now_ms: u64) -> bool {
        now_ms >= self.expires_at_ms
    }

    /// The second from which DynamoDB may delete it, never before it expires.
    #[must_use]
    pub fn removable_from_seconds(&self) -> u64 {
        self.expires_at_ms.div_ceil(1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> u64 {
        u64::try_from(Timestamp::parse(text.as_bytes()).unwrap().unix_seconds()).unwrap() * 1000
    }

    #[test]
    fn lists_the_days_with_payments_older_than_24_hours() {
        for (now, newest, oldest) in [
            ("2026-01-15T02:00:00Z", "2026-01-14", "2025-12-15"),
            ("2026-01-15T00:00:00Z", "2026-01-14", "2025-12-15"),
            ("2026-01-14T23:59:59Z", "2026-01-13", "2025-12-14"),
            ("2024-03-01T12:00:00Z", "2024-02-29", "2024-01-30"),
        ] {
            let days = days_to_archive(at(now), None);
            assert_eq!((days[0].to_string(), days[30].to_string(), days.len()), (oldest.into(), newest.into(), 31));
            assert!(days.is_sorted());
        }
        assert_eq!(days_to_archive(0, None), [Day::of_milliseconds(0)]);
    }

    #[test]
    fn lists_unfinished_days_however_old() {
        let now = at("2026-01-15T02:00:00Z");
        let days = |since: &str| days_to_archive(now, Some(at(since)));
        assert_eq!(days("2025-11-30T23:00:00Z")[0].to_string(), "2025-11-30");
        assert_eq!(days("2025-11-30T23:00:00Z").len(), 46);
        assert_eq!(days("2026-01-14T00:00:00Z"), days_to_archive(now, None), "the last days are listed anyway");
        assert_eq!(days("2026-03-01T00:00:00Z"), days_to_archive(now, None), "a clock that was set back");
    }

    #[test]
    fn a_payment_is_due_after_24_hours() {
        let now = at("2026-01-15T02:00:00Z");
        let day_ago = at("2026-01-14T02:00:00Z");
        assert_eq!(due_before_ms(now), day_ago, "a payment of that instant is exactly 24 hours old");
        assert_eq!(due_before_ms(5), 0);
    }

    #[test]
    fn keys_have_their_day_and_are_unique() {
        let (day, now) = (Day::of_milliseconds(at("2026-01-15T23:59:59Z")), at("2026-01-17T02:00:00Z") + 7);
        let key = object_key(day, now, ArchiveToken::new([0xab; 16]));
        assert_eq!(key, format!("transactions/2026/01/15/20260117T020000007Z-{}.ndjson.gz", "ab".repeat(16)));
        assert_ne!(key, object_key(day, now, ArchiveToken::new([0xac; 16])));
        assert!(key < object_key(day, now + 1, ArchiveToken::new([0; 16])));
    }

    #[test]
    fn an_object_is_later_than_the_previous_one() {
        for (now, previous, expected) in
            [(7, None, 7), (7, Some(3), 7), (7, Some(6), 7), (7, Some(7), 8), (7, Some(9), 10)]
        {
            assert_eq!(object_at_ms(now, previous), expected, "{now} {previous:?}");
        }
    }

    #[test]
    fn a_tombstone_expires_after_30_days() {
        let tombstone = Tombstone::of(&line::tests::archived("1", None, None, false), 1_001);
        assert_eq!(tombstone.event_key.as_str(), "acme#transaction.created");
        let end = 1_001 + 30 * DAY_MILLISECONDS;
        assert!(!tombstone.is_expired(1_001) && !tombstone.is_expired(end - 1));
        assert!(tombstone.is_expired(end));
        assert_eq!(tombstone.removable_from_seconds(), end / 1000 + 1);
        assert!(end - 1_001 >= 7 * DAY_MILLISECONDS);
    }

    proptest! {
        #[test]
        fn every_due_payment_is_on_a_listed_day(now in 40 * DAY_MILLISECONDS..4_000_000_000_000, age in 0..30 * DAY_MILLISECONDS) {
            let received_at = now - ARCHIVE_AGE_MILLISECONDS_MIN - age;
            prop_assert!(days_to_archive(now, None).contains(&Day::of_milliseconds(received_at)));
        }
    }
}
