//! What is archived when, where it goes, and what remains so that a late retry is recognised.
//!
//! How an archival that may be killed anywhere comes to archive each payment once is written, and proven, in `model`.

mod line;
#[cfg(test)]
mod model;
mod object;
mod record;

use crate::limits::{ARCHIVE_AGE_MILLISECONDS_MIN, ARCHIVE_DAYS_BACK_MIN, TOMBSTONE_MILLISECONDS};
use crate::payments::webhook::EventKey;
use crate::{ContentDigest, Timestamp};
use std::fmt;

pub use line::{ArchiveLineError, ArchivedPayment};
pub use object::{FilledObject, ObjectError, ObjectLines, ObjectWriter};
pub use record::{RecordId, records};

const DAY_MILLISECONDS: u64 = 24 * 60 * 60 * 1000;

/// A day in UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Day {
    days_since_1970: u64,
}

impl Day {
    /// The day of an instant, given in milliseconds since 1970.
    #[must_use]
    pub fn of(unix_milliseconds: u64) -> Self {
        Self { days_since_1970: unix_milliseconds / DAY_MILLISECONDS }
    }

    /// Its first instant, in milliseconds since 1970.
    #[must_use]
    pub fn start_ms(self) -> u64 {
        self.days_since_1970 * DAY_MILLISECONDS
    }
}

/// As `2026-01-15`.
impl fmt::Display for Day {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&Timestamp::from_unix_milliseconds(self.start_ms()).day())
    }
}

/// A payment that arrived before this, in milliseconds since 1970, is older than 24 hours.
#[must_use]
pub fn due_before_ms(now_ms: u64) -> u64 {
    now_ms.saturating_sub(ARCHIVE_AGE_MILLISECONDS_MIN)
}

/// The days that may hold payments older than 24 hours, the oldest first: a run that must stop before it is done has then
/// worked on what waits for longest. The newest day also holds payments that are not [due](due_before_ms) yet.
///
/// Everything that arrived before `unfinished_since_ms` is known to be archived. The last days are looked at even so: a
/// look at a day that holds nothing costs next to nothing, and a row may have come into the table by another way.
#[must_use]
pub fn days_to_archive(now_ms: u64, unfinished_since_ms: Option<u64>) -> Vec<Day> {
    let newest_ms = due_before_ms(now_ms);
    let always_from_ms = newest_ms.saturating_sub(ARCHIVE_DAYS_BACK_MIN * DAY_MILLISECONDS);
    let oldest = Day::of(unfinished_since_ms.unwrap_or(always_from_ms).min(always_from_ms));
    (oldest.days_since_1970..=Day::of(newest_ms).days_since_1970)
        .map(|days_since_1970| Day { days_since_1970 })
        .collect()
}

/// What makes the name of an object its own: 128 random bits, given by whoever has a source of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ArchiveToken([u8; 16]);

impl ArchiveToken {
    /// The token of these bits.
    #[must_use]
    pub fn new(random: [u8; 16]) -> Self {
        Self(random)
    }
}

impl fmt::Display for ArchiveToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&crate::files::identity::hex(&self.0))
    }
}

/// The place in time of an object that is about to be written: now, but always after that of the `previous` object, whatever
/// the clock of this machine or that one says. Objects are therefore in the order in which they were written.
#[must_use]
pub fn object_at_ms(now_ms: u64, previous_ms: Option<u64>) -> u64 {
    previous_ms.map_or(now_ms, |previous_ms| now_ms.max(previous_ms.saturating_add(1)))
}

/// The key of an object with payments of `day`: `transactions/2026/01/15/20260116T020000000Z-{token}.ndjson.gz`. Keys of a
/// day are in the order of the objects' [places in time](object_at_ms). No two objects share a key, even if the table, and
/// with it what is known of the previous object, was set back to an earlier time.
#[must_use]
pub fn object_key(day: Day, object_at_ms: u64, token: ArchiveToken) -> String {
    let at = Timestamp::from_unix_milliseconds(object_at_ms).to_milliseconds_text();
    let at = at.replace(['-', ':', '.'], "");
    format!("transactions/{}/{at}-{token}.ndjson.gz", day.to_string().replace('-', "/"))
}

/// What remains in the table of an archived payment, so that a late retry does not become a second payment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tombstone {
    /// Which transaction it was about.
    pub transaction_id: String,
    /// Which event of it.
    pub event_key: EventKey,
    /// What its content was.
    pub digest: ContentDigest,
    /// When it ends, in milliseconds since 1970.
    pub expires_at_ms: u64,
}

impl Tombstone {
    /// The tombstone of a payment that is archived now. It ends [`TOMBSTONE_MILLISECONDS`] later.
    #[must_use]
    pub fn of(payment: &ArchivedPayment, archived_at_ms: u64) -> Self {
        Self {
            transaction_id: payment.transaction_id.clone(),
            event_key: payment.event_key(),
            digest: payment.digest.clone(),
            expires_at_ms: archived_at_ms.saturating_add(TOMBSTONE_MILLISECONDS),
        }
    }

    /// Whether it has ended. Tables remove what has expired days late or early by a clock of their own, so a reader asks
    /// this.
    #[must_use]
    pub fn is_expired(&self, now_ms: u64) -> bool {
        now_ms >= self.expires_at_ms
    }

    /// The second from which a table may remove it, which is never before its end.
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
    fn days_are_those_with_payments_older_than_a_day() {
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
        assert_eq!(days_to_archive(0, None), [Day::of(0)]);
    }

    #[test]
    fn what_was_not_finished_is_looked_at_however_old_it_is() {
        let now = at("2026-01-15T02:00:00Z");
        let days = |since: &str| days_to_archive(now, Some(at(since)));
        assert_eq!(days("2025-11-30T23:00:00Z")[0].to_string(), "2025-11-30");
        assert_eq!(days("2025-11-30T23:00:00Z").len(), 46);
        assert_eq!(days("2026-01-14T00:00:00Z"), days_to_archive(now, None), "the last days are looked at anyway");
        assert_eq!(days("2026-03-01T00:00:00Z"), days_to_archive(now, None), "a clock that went back");
    }

    #[test]
    fn a_payment_is_due_after_a_day() {
        let now = at("2026-01-15T02:00:00Z");
        let day_ago = at("2026-01-14T02:00:00Z");
        assert_eq!(due_before_ms(now), day_ago, "one of that very instant is a day old, and not older");
        assert_eq!(due_before_ms(5), 0);
    }

    #[test]
    fn keys_are_partitioned_by_day_and_never_shared() {
        let (day, now) = (Day::of(at("2026-01-15T23:59:59Z")), at("2026-01-17T02:00:00Z") + 7);
        let key = object_key(day, now, ArchiveToken::new([0xab; 16]));
        assert_eq!(key, format!("transactions/2026/01/15/20260117T020000007Z-{}.ndjson.gz", "ab".repeat(16)));
        assert_ne!(key, object_key(day, now, ArchiveToken::new([0xac; 16])));
        assert!(key < object_key(day, now + 1, ArchiveToken::new([0; 16])));
    }

    #[test]
    fn an_object_comes_after_the_one_before_it_though_a_clock_may_not() {
        for (now, previous, expected) in
            [(7, None, 7), (7, Some(3), 7), (7, Some(6), 7), (7, Some(7), 8), (7, Some(9), 10)]
        {
            assert_eq!(object_at_ms(now, previous), expected, "{now} {previous:?}");
        }
    }

    #[test]
    fn a_tombstone_lasts_for_thirty_days() {
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
        fn every_payment_that_is_due_and_not_too_old_lies_on_a_listed_day(now in 40 * DAY_MILLISECONDS..4_000_000_000_000, age in 0..30 * DAY_MILLISECONDS) {
            let received_at = now - ARCHIVE_AGE_MILLISECONDS_MIN - age;
            prop_assert!(days_to_archive(now, None).contains(&Day::of(received_at)));
        }
    }
}
