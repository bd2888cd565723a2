//! What was taken in and has not come to its end: what is listed as such, and what somebody must be told of.
//!
//! An index of each table holds what is unfinished and nothing else. Whatever moves a file or a payment keeps its place in
//! that list, in the same write, so that the list is right however many events are lost; and whoever looks for what was
//! lost reads no more than that.

use crate::limits::{UNFINISHED_AFTER_MILLISECONDS, UNFINISHED_SHARDS, UPLOAD_CHECKED_MILLISECONDS};
use crate::{FileId, FileStatus, PendingUpload};
use serde::Deserialize;
use siphasher::sip::SipHasher13;
use std::hash::Hasher;

const HOUR_MILLISECONDS: u64 = 60 * 60 * 1000;

/// The partition of the list that has what is named `id`. A name has the same one always.
#[must_use]
pub fn shard_of(id: &str) -> String {
    let mut hasher = SipHasher13::new();
    hasher.write(id.as_bytes());
    shard(hasher.finish() % UNFINISHED_SHARDS)
}

/// The partition of the list that has the presigned upload of the file `id`. Uploads lie apart: there may be any number of
/// them that are never used, and they must not hide what was taken in.
#[must_use]
pub fn upload_shard_of(id: &str) -> String {
    format!("{UPLOAD_PREFIX}{}", shard_of(id))
}

/// Every partition of the list: a reader asks them all. Each hour begins with another, so that none is always the one for
/// which there was no time.
pub fn shards(now_ms: u64) -> impl Iterator<Item = String> {
    let first = now_ms / HOUR_MILLISECONDS;
    (first..first + UNFINISHED_SHARDS).map(|number| shard(number % UNFINISHED_SHARDS))
}

/// Every partition of the list that has presigned uploads.
pub fn upload_shards(now_ms: u64) -> impl Iterator<Item = String> {
    shards(now_ms).map(|shard| format!("{UPLOAD_PREFIX}{shard}"))
}

const UPLOAD_PREFIX: &str = "upload-";

fn shard(number: u64) -> String {
    format!("{number:02}")
}

/// What is unfinished since before this, in milliseconds since 1970, is told.
#[must_use]
pub fn reported_before_ms(now_ms: u64) -> u64 {
    now_ms.saturating_sub(UNFINISHED_AFTER_MILLISECONDS)
}

/// What a write makes of a file's entry in the list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entry {
    /// It is unfinished since this time, in milliseconds since 1970, whatever was before.
    Since(u64),
    /// It stays unfinished for as long as it is; if it was not, since this time.
    Kept(u64),
    /// It waits for the bytes of a presigned upload whose URL ends at this time, in milliseconds since 1970.
    Upload(u64),
    /// It is finished.
    Removed,
}

impl Entry {
    /// The entry of a file that reached `status` at `at_ms`. One whose upload is created is not late before the URL that its
    /// sender was given has ended.
    #[must_use]
    pub fn after(status: FileStatus, at_ms: u64, upload_expires_at_ms: Option<u64>) -> Self {
        match status {
            FileStatus::AwaitingUpload => Self::Upload(upload_expires_at_ms.unwrap_or(at_ms)),
            FileStatus::Validating => Self::Since(at_ms),
            status if status.is_final() => Self::Removed,
            _ => Self::Kept(at_ms),
        }
    }

    /// The entry of a file that is at `status` when an upload of it is created beside that. An attempt that has no final
    /// status keeps its entry.
    #[must_use]
    pub fn beside(status: FileStatus, upload_expires_at_ms: u64) -> Option<Self> {
        let is_free = status.is_final() || status == FileStatus::AwaitingUpload;
        is_free.then_some(Self::Upload(upload_expires_at_ms))
    }
}

/// A file of the list, as the status table has it.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct UnfinishedFile {
    /// The file.
    pub file_id: FileId,
    /// Who sent it.
    #[serde(default)]
    pub partner: String,
    /// Its latest attempt, from 1.
    pub attempt: u32,
    /// Where that attempt stands.
    pub status: FileStatus,
    /// When it came to stand there, in milliseconds since 1970.
    pub updated_at_ms: u64,
    /// Since when it is unfinished, in milliseconds since 1970; nothing if it was finished since it was listed.
    #[serde(default)]
    pub unfinished_since_ms: Option<u64>,
    /// Where its bytes lie, as far as that is known.
    #[serde(default)]
    pub key: Option<String>,
    /// Where its sender may put its bytes, if an upload of it was created.
    #[serde(default)]
    pub upload_key: Option<String>,
    /// The upload that its sender has not used, if there is one.
    #[serde(default)]
    pub upload: Option<PendingUpload>,
}

/// What shows that an unfinished file was taken in, so that its sender believes that it will be processed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Proof {
    /// Its status: its bytes were in the bucket before that was written.
    Status,
    /// Its bytes, wherever it may have them. It may be the rest of an upload that was not stored, and was not answered.
    Bytes,
    /// Bytes that were put where its sender was let put them, at this time in milliseconds since 1970 or later: what lies
    /// there from before is of an earlier attempt.
    BytesFrom(u64),
}

impl UnfinishedFile {
    /// Since when it has waited, if that is for so long that it must be reported.
    #[must_use]
    pub fn reported_since_ms(&self, now_ms: u64) -> Option<u64> {
        let is_waiting = !self.status.is_final() || self.upload.is_some();
        self.unfinished_since_ms.filter(|since_ms| *since_ms < reported_before_ms(now_ms) && is_waiting)
    }

    /// Whether nothing but a presigned upload is waited for.
    #[must_use]
    pub fn is_upload(&self) -> bool {
        self.status == FileStatus::AwaitingUpload || self.status.is_final()
    }

    /// What shows that it was taken in.
    #[must_use]
    pub fn proof(&self) -> Proof {
        if self.is_upload() {
            let created_at_ms = self.upload.as_ref().map_or(self.updated_at_ms, |upload| upload.created_at_ms);
            // S3 has times in whole seconds.
            return Proof::BytesFrom(created_at_ms / 1000 * 1000);
        }
        if self.status == FileStatus::Validating { Proof::Bytes } else { Proof::Status }
    }

    /// Whether its bytes, if there are none, are not expected any more: it leaves the list.
    #[must_use]
    pub fn is_given_up(&self, now_ms: u64) -> bool {
        let before_ms = now_ms.saturating_sub(UPLOAD_CHECKED_MILLISECONDS);
        self.unfinished_since_ms.is_some_and(|since_ms| since_ms < before_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const NOW: u64 = 1_768_471_200_500;
    const HOUR: u64 = 60 * 60 * 1000;

    fn file(status: FileStatus, since_ms: Option<u64>) -> UnfinishedFile {
        UnfinishedFile {
            file_id: FileId::parse("0123456789abcdef0123456789abcdef").unwrap(),
            partner: "acme".to_owned(),
            attempt: 1,
            status,
            updated_at_ms: NOW,
            unfinished_since_ms: since_ms,
            key: None,
            upload_key: None,
            upload: None,
        }
    }

    #[test]
    fn a_file_is_told_after_an_hour_without_an_end_and_not_before() {
        for status in FileStatus::ALL {
            let late = Some(NOW - HOUR - 1);
            let told = file(status, late).reported_since_ms(NOW);
            assert_eq!(told, if status.is_final() { None } else { late }, "{status:?}");
            assert_eq!(
                file(status, Some(NOW - HOUR)).reported_since_ms(NOW),
                None,
                "{status:?}, after exactly an hour"
            );
            assert_eq!(file(status, Some(NOW + HOUR)).reported_since_ms(NOW), None, "{status:?}, of a clock ahead");
            assert_eq!(file(status, None).reported_since_ms(NOW), None, "{status:?}, listed no more");
        }
    }

    #[test]
    fn a_status_that_is_written_before_the_bytes_proves_nothing() {
        for status in FileStatus::ALL {
            let expected = match status {
                status if status == FileStatus::AwaitingUpload || status.is_final() => {
                    Proof::BytesFrom(1_768_471_200_000)
                }
                FileStatus::Validating => Proof::Bytes,
                _ => Proof::Status,
            };
            assert_eq!(file(status, None).proof(), expected);
        }
    }

    #[test]
    fn the_bytes_of_an_upload_are_looked_for_four_hours() {
        let given_up = |since_ms| file(FileStatus::AwaitingUpload, since_ms).is_given_up(NOW);
        assert!(!given_up(None) && !given_up(Some(NOW - 4 * HOUR)) && given_up(Some(NOW - 4 * HOUR - 1)));
    }

    #[test]
    fn an_upload_beside_a_finished_file_is_looked_for_too() {
        let upload = PendingUpload {
            sequence: 1,
            created_at_ms: NOW - 3 * HOUR,
            expires_at_ms: NOW - 2 * HOUR,
            bytes: 1,
            expected: crate::ControlTotals::default(),
            reprocess_attempt: Some(1),
        };
        let since = Some(NOW - 2 * HOUR);
        let completed = UnfinishedFile { upload: Some(upload), ..file(FileStatus::Completed, since) };
        assert_eq!(completed.reported_since_ms(NOW), since);
        assert_eq!(completed.proof(), Proof::BytesFrom((NOW - 3 * HOUR) / 1000 * 1000));
        assert_eq!(Entry::beside(FileStatus::Completed, 7), Some(Entry::Upload(7)));
        assert_eq!(Entry::beside(FileStatus::Processing, 7), None);
    }

    #[test]
    fn each_hour_begins_with_another_shard_and_looks_at_all() {
        let first = |hour: u64| shards(hour * HOUR_MILLISECONDS + 7).next().unwrap();
        let all = shards(0).collect::<Vec<_>>();
        let hours = (100..100 + all.len() as u64).map(first).collect::<std::collections::BTreeSet<_>>();
        assert_eq!(hours.len(), all.len());
        let mut shards: Vec<_> = shards(101 * HOUR_MILLISECONDS).collect();
        shards.sort_unstable();
        assert_eq!(shards, all);
    }

    #[test]
    fn the_list_is_spread_evenly_over_its_shards() {
        let mut counts = BTreeMap::new();
        for number in 0..UNFINISHED_SHARDS * 200 {
            *counts.entry(shard_of(&format!("T{number}"))).or_insert(0) += 1;
        }
        assert_eq!(counts.keys().cloned().collect::<Vec<_>>(), shards(0).collect::<Vec<_>>());
        assert!(counts.values().all(|count| (130..270).contains(count)), "{counts:?}");
    }

    /// What the table makes of the places of transitions, one after another.
    fn listed(places: impl Iterator<Item = Entry>) -> Option<u64> {
        places.fold(None, |before, place| match place {
            Entry::Since(at_ms) | Entry::Upload(at_ms) => Some(at_ms),
            Entry::Kept(at_ms) => Some(before.unwrap_or(at_ms)),
            Entry::Removed => None,
        })
    }

    /// Every status that is stored.
    fn stored() -> Vec<FileStatus> {
        FileStatus::ALL.into_iter().filter(|status| *status != FileStatus::UploadExpired).collect()
    }

    /// Transitions that the table may have taken: some attempts one after another, the rank growing within each.
    fn transitions() -> impl Strategy<Value = Vec<FileStatus>> {
        let attempt = prop::sample::subsequence(stored(), 1..6).prop_map(|statuses| {
            let mut taken: Vec<FileStatus> = Vec::new();
            for status in statuses {
                let is_taken = taken.last().is_none_or(|last| last.rank() < status.rank() && !last.is_failed());
                if is_taken {
                    taken.push(status);
                }
            }
            taken
        });
        prop::collection::vec(attempt, 1..4).prop_map(|attempts| attempts.concat())
    }

    proptest! {
        #[test]
        fn a_file_is_listed_exactly_as_long_as_it_has_no_end(statuses in transitions()) {
            for length in 1..=statuses.len() {
                let places = statuses[..length].iter().zip(0..).map(|(status, at_ms)| Entry::after(*status, at_ms, None));
                prop_assert_eq!(listed(places).is_some(), !statuses[length - 1].is_final());
            }
        }

        #[test]
        fn what_goes_on_does_not_begin_anew(statuses in transitions()) {
            let begins = |status: &FileStatus| matches!(status, FileStatus::AwaitingUpload | FileStatus::Validating);
            let places = statuses.iter().zip(0..).map(|(status, at_ms)| Entry::after(*status, at_ms, None));
            let since = listed(places);
            let last_end = statuses.iter().rposition(|status| status.is_final()).map_or(0, |end| end + 1);
            let begun = statuses.iter().rposition(begins).unwrap_or(0).max(last_end);
            if since.is_some() {
                prop_assert_eq!(since, Some(begun as u64));
            }
        }
    }
}
