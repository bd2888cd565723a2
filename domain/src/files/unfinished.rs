//! The lists of unfinished files and payments, and which of their entries are reported.
//!
//! A sparse index of each table lists only what is unfinished. Every transition of a file or a payment updates its
//! entry in the same write, so that the list is correct however many events are lost, and the hourly check reads
//! nothing else.

use crate::limits::{UNFINISHED_AFTER_MILLISECONDS, UNFINISHED_SHARDS, UPLOAD_CHECKED_MILLISECONDS};
use crate::{FileId, FileStatus, PendingUpload};
use serde::Deserialize;
use siphasher::sip::SipHasher13;
use std::hash::Hasher;

const HOUR_MILLISECONDS: u64 = 60 * 60 * 1000;

/// The partition of the list for `id`. It is always the same.
#[must_use]
pub fn shard_of(id: &str) -> String {
    let mut hasher = SipHasher13::new();
    hasher.write(id.as_bytes());
    shard(hasher.finish() % UNFINISHED_SHARDS)
}

/// The partition of the list for the presigned upload of the file `id`. Uploads have their own partitions: any number
/// of them may never be used, and they must not hide accepted files.
#[must_use]
pub fn upload_shard_of(id: &str) -> String {
    format!("{UPLOAD_PREFIX}{}", shard_of(id))
}

/// Every partition of the list. A reader queries them all. Each hour begins with another one, so that the last one is
/// not always the same if time runs out.
pub fn shards(now_ms: u64) -> impl Iterator<Item = String> {
    let first = now_ms / HOUR_MILLISECONDS;
    (first..first + UNFINISHED_SHARDS).map(|number| shard(number % UNFINISHED_SHARDS))
}

/// Every partition of the list for presigned uploads.
pub fn upload_shards(now_ms: u64) -> impl Iterator<Item = String> {
    shards(now_ms).map(|shard| format!("{UPLOAD_PREFIX}{shard}"))
}

const UPLOAD_PREFIX: &str = "upload-";

fn shard(number: u64) -> String {
    format!("{number:02}")
}

/// What is unfinished since before this time, in milliseconds since 1970, is reported.
#[must_use]
pub fn reported_before_ms(now_ms: u64) -> u64 {
    now_ms.saturating_sub(UNFINISHED_AFTER_MILLISECONDS)
}

/// What a write does to the entry of a file in the list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entry {
    /// The file is unfinished since this time, in milliseconds since 1970. Replaces an earlier entry.
    Since(u64),
    /// The file is still unfinished. Keeps an earlier entry, or adds one with this time.
    Kept(u64),
    /// The file awaits a presigned upload whose URL expires at this time, in milliseconds since 1970.
    Upload(u64),
    /// The file is finished.
    Removed,
}

impl Entry {
    /// The entry of a file that reached `status` at `at_ms`. A pending upload is not late before its URL has expired.
    #[must_use]
    pub fn after(status: FileStatus, at_ms: u64, upload_expires_at_ms: Option<u64>) -> Self {
        match status {
            FileStatus::AwaitingUpload => Self::Upload(upload_expires_at_ms.unwrap_or(at_ms)),
            FileStatus::Validating => Self::Since(at_ms),
            status if status.is_final() => Self::Removed,
            _ => Self::Kept(at_ms),
        }
    }

    /// The entry of a file with `status` when an upload of it is created. An attempt without a final status keeps its
    /// entry.
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
    /// The status of that attempt.
    pub status: FileStatus,
    /// When it reached that status, in milliseconds since 1970.
    pub updated_at_ms: u64,
    /// Since when it is unfinished, in milliseconds since 1970; none if it is no longer listed.
    #[serde(default)]
    pub unfinished_since_ms: Option<u64>,
    /// The key of its object, if it is known.
    #[serde(default)]
    pub key: Option<String>,
    /// The key of its presigned upload, if one was created.
    #[serde(default)]
    pub upload_key: Option<String>,
    /// The upload that its sender has not used, if any.
    #[serde(default)]
    pub upload: Option<PendingUpload>,
}

/// What proves that an unfinished file was accepted, so that its sender expects it to be processed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Proof {
    /// Its status, which is written only after its bytes are in the bucket.
    Status,
    /// Its bytes, under any of its keys. Without them, it is an upload that was not stored and got no response.
    Bytes,
    /// Bytes under the key of its presigned upload, written at this time in milliseconds since 1970 or later. Older
    /// bytes belong to an earlier attempt.
    BytesFrom(u64),
}

impl UnfinishedFile {
    /// Since when it is unfinished, if that is long enough to report it.
    #[must_use]
    pub fn reported_since_ms(&self, now_ms: u64) -> Option<u64> {
        let is_waiting = !self.status.is_final() || self.upload.is_some();
        self.unfinished_since_ms.filter(|since_ms| *since_ms < reported_before_ms(now_ms) && is_waiting)
    }

    /// Whether it awaits only a presigned upload.
    #[must_use]
    pub fn is_upload(&self) -> bool {
        self.status == FileStatus::AwaitingUpload || self.status.is_final()
    }

    /// What proves that it was accepted.
    #[must_use]
    pub fn proof(&self) -> Proof {
        if self.is_upload() {
            let created_at_ms = self.upload.as_ref().map_or(self.updated_at_ms, |upload| upload.created_at_ms);
            // S3 has times in whole seconds.
            return Proof::BytesFrom(created_at_ms / 1000 * 1000);
        }
        if self.status == FileStatus::Validating { Proof::Bytes } else { Proof::Status }
    }

    /// Whether its bytes, if they have not arrived, are not expected any more, so that it is removed from the list.
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
    fn a_file_is_reported_after_one_hour() {
        for status in FileStatus::ALL {
            let late = Some(NOW - HOUR - 1);
            let reported = file(status, late).reported_since_ms(NOW);
            assert_eq!(reported, if status.is_final() { None } else { late }, "{status:?}");
            assert_eq!(
                file(status, Some(NOW - HOUR)).reported_since_ms(NOW),
                None,
                "{status:?}, after exactly an hour"
            );
            assert_eq!(file(status, Some(NOW + HOUR)).reported_since_ms(NOW), None, "{status:?}, of a clock ahead");
            assert_eq!(file(status, None).reported_since_ms(NOW), None, "{status:?}, no longer listed");
        }
    }

    #[test]
    fn a_status_before_the_bytes_are_stored_is_no_proof() {
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
    fn the_bytes_of_an_upload_are_expected_for_four_hours() {
        let given_up = |since_ms| file(FileStatus::AwaitingUpload, since_ms).is_given_up(NOW);
        assert!(!given_up(None) && !given_up(Some(NOW - 4 * HOUR)) && given_up(Some(NOW - 4 * HOUR - 1)));
    }

    #[test]
    fn a_pending_upload_of_a_finished_file_is_expected_too() {
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
    fn each_hour_begins_with_another_shard() {
        let first = |hour: u64| shards(hour * HOUR_MILLISECONDS + 7).next().unwrap();
        let all = shards(0).collect::<Vec<_>>();
        let hours = (100..100 + all.len() as u64).map(first).collect::<std::collections::BTreeSet<_>>();
        assert_eq!(hours.len(), all.len());
        let mut shards: Vec<_> = shards(101 * HOUR_MILLISECONDS).collect();
        shards.sort_unstable();
        assert_eq!(shards, all);
    }

    #[test]
    fn distributes_the_list_evenly_over_its_shards() {
        let mut counts = BTreeMap::new();
        for number in 0..UNFINISHED_SHARDS * 200 {
            *counts.entry(shard_of(&format!("T{number}"))).or_insert(0) += 1;
        }
        assert_eq!(counts.keys().cloned().collect::<Vec<_>>(), shards(0).collect::<Vec<_>>());
        assert!(counts.values().all(|count| (130..270).contains(count)), "{counts:?}");
    }

    /// The entry in the table after these writes, one after another.
    fn listed(entries: impl Iterator<Item = Entry>) -> Option<u64> {
        entries.fold(None, |before, entry| match entry {
            Entry::Since(at_ms) | Entry::Upload(at_ms) => Some(at_ms),
            Entry::Kept(at_ms) => Some(before.unwrap_or(at_ms)),
            Entry::Removed => None,
        })
    }

    /// Every status that is stored.
    fn stored() -> Vec<FileStatus> {
        FileStatus::ALL.into_iter().filter(|status| *status != FileStatus::UploadExpired).collect()
    }

    /// Transitions that the table may contain: several attempts, with increasing ranks in each.
    fn transitions() -> impl Strategy<Value = Vec<FileStatus>> {
        let attempt = prop::sample::subsequence(stored(), 1..6).prop_map(|statuses| {
            let mut applied: Vec<FileStatus> = Vec::new();
            for status in statuses {
                let is_applied = applied.last().is_none_or(|last| last.rank() < status.rank() && !last.is_failed());
                if is_applied {
                    applied.push(status);
                }
            }
            applied
        });
        prop::collection::vec(attempt, 1..4).prop_map(|attempts| attempts.concat())
    }

    proptest! {
        #[test]
        fn a_file_is_listed_exactly_while_it_is_unfinished(statuses in transitions()) {
            for length in 1..=statuses.len() {
                let entries = statuses[..length].iter().zip(0..).map(|(status, at_ms)| Entry::after(*status, at_ms, None));
                prop_assert_eq!(listed(entries).is_some(), !statuses[length - 1].is_final());
            }
        }

        #[test]
        fn a_transition_keeps_the_time_of_the_entry(statuses in transitions()) {
            let begins = |status: &FileStatus| matches!(status, FileStatus::AwaitingUpload | FileStatus::Validating);
            let entries = statuses.iter().zip(0..).map(|(status, at_ms)| Entry::after(*status, at_ms, None));
            let since = listed(entries);
            let last_end = statuses.iter().rposition(|status| status.is_final()).map_or(0, |end| end + 1);
            let begun = statuses.iter().rposition(begins).unwrap_or(0).max(last_end);
            if since.is_some() {
                prop_assert_eq!(since, Some(begun as u64));
            }
        }
    }
}
