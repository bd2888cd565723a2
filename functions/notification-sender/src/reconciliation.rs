//! The hourly check: reports the accepted files that are not in a final status after 1 hour, so that a lost event,
//! execution or message is noticed.
//!
//! Each of them has a message every hour, whose `notification_id` is the same as long as its attempt lasts, and a log
//! line; an alarm counts them. Nothing is repaired here: this function has no permission to start anything.

use crate::Ports;
use crate::notification::publish_all;
use adapters::status_table::UnfinishedPage;
use adapters::{Failure, ObjectStore, Tracer, clock};
use domain::files::unfinished::{Proof, UnfinishedFile, reported_before_ms, shards, upload_shards};
use domain::limits::UNFINISHED_REPORTED_MAX;
use domain::{FileStatus, Timestamp};
use futures::stream::{self, StreamExt};
use serde::Serialize;

/// How many files are looked up in the bucket at a time.
const LOOKUPS_IN_FLIGHT: usize = 16;

/// How many files are checked before the clock is read again.
const FILES_AT_A_TIME: usize = 100;

/// How long files are checked. The function has 30 seconds, and then publishes what was found.
const CHECK_MILLISECONDS_MAX: u64 = 15_000;

/// The result of the check.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Reconciled {
    /// The number of unfinished files.
    pub unfinished: usize,
    /// The number of uploads whose bytes never arrived, which are removed from the list.
    pub given_up: usize,
    /// Whether time ran out before all accepted files were checked.
    pub more: bool,
    /// Whether time ran out before all presigned uploads were checked. The next check continues with the oldest.
    pub more_uploads: bool,
}

/// The message about an unfinished file, as JSON.
#[derive(Clone, Debug, Serialize)]
pub struct FileUnfinished {
    /// The same for every repeat of this message, so that a subscriber can recognize one.
    pub notification_id: String,
    /// The file.
    pub file_id: String,
    /// Who sent it.
    pub partner: String,
    /// The unfinished attempt.
    pub attempt: u32,
    /// The status of this message.
    pub status: &'static str,
    /// The status of the file.
    pub file_status: FileStatus,
    /// Since when it is unfinished, RFC 3339.
    pub since: String,
    /// When this was found, RFC 3339.
    pub timestamp: String,
    /// The environment of the stack.
    pub environment: String,
}

/// The status of an unfinished file.
pub const FILE_UNFINISHED: &str = "file_unfinished";

/// Checks every file that is unfinished for more than 1 hour, and reports the accepted ones.
///
/// # Errors
/// The table, the bucket or the topic rejected a call or did not respond, or an item is malformed. Everything that
/// could be checked has been reported by then.
pub async fn reconcile(ports: &Ports, tracer: &Tracer, now_ms: u64) -> Result<Reconciled, Failure> {
    let stop_at_ms = clock::now_ms() + CHECK_MILLISECONDS_MAX;
    let mut check =
        Check { ports, now_ms, stop_at_ms, reports: Vec::new(), found: Reconciled::default(), failed: None };
    let checking = async {
        check.all().await;
        Ok::<_, Failure>(())
    };
    tracer.step("check unfinished files", checking).await?;
    let Check { reports, found, failed, .. } = check;
    for FileUnfinished { notification_id, file_id, partner, attempt, file_status, since, .. } in &reports {
        let file_status = file_status.as_str();
        tracing::error!(
            event = FILE_UNFINISHED,
            file_id,
            partner,
            attempt,
            file_status,
            since,
            notification_id,
            "a file is not in a final status after 1 hour"
        );
    }
    let Reconciled { unfinished, given_up, more, more_uploads } = found;
    if unfinished > 0 || more {
        // Files that were not reached may be unfinished as well, so the alarm counts at least one.
        let unfinished = unfinished.max(1);
        tracing::error!(event = "files_unfinished", unfinished, more, "files are not in a final status after 1 hour");
    }
    let attributes = |file: &FileUnfinished| {
        [
            ("notification_id", file.notification_id.clone()),
            ("status", FILE_UNFINISHED.to_owned()),
            ("partner", file.partner.clone()),
            ("environment", file.environment.clone()),
        ]
    };
    tracer.step("publish", publish_all(&reports, attributes, &ports.topic)).await?;
    failed.map_or(Ok(()), Err)?;
    tracing::info!(event = "reconciled", unfinished, given_up, more, more_uploads, "reconciled");
    Ok(found)
}

/// A check of the list of unfinished files, with its results so far.
struct Check<'a> {
    ports: &'a Ports,
    now_ms: u64,
    stop_at_ms: u64,
    reports: Vec<FileUnfinished>,
    found: Reconciled,
    /// The first failure. It does not stop the check.
    failed: Option<Failure>,
}

/// The state of a listed file.
enum State {
    /// Its sender expects it to be processed.
    Accepted,
    /// Its bytes are still expected.
    Awaited,
    /// Its bytes never arrived, and it was removed from the list.
    GivenUp,
}

impl Check<'_> {
    async fn all(&mut self) {
        for shard in shards(self.now_ms) {
            if let Err(failure) = self.shard(&shard).await {
                self.failed.get_or_insert(failure);
            }
        }
        self.found.more = self.is_time_up();
        // After the accepted files: unused uploads, however many, must not hide them and raise no alarm.
        for shard in upload_shards(self.now_ms) {
            if let Err(failure) = self.shard(&shard).await {
                self.failed.get_or_insert(failure);
            }
        }
        self.found.more_uploads = self.is_time_up();
    }

    async fn shard(&mut self, shard: &str) -> Result<(), Failure> {
        let mut after = None;
        loop {
            if self.is_time_up() {
                return Ok(());
            }
            let page = self.ports.status.unfinished(shard, reported_before_ms(self.now_ms), after).await?;
            let UnfinishedPage { files, next } = page;
            for some in files.chunks(FILES_AT_A_TIME) {
                if self.is_time_up() {
                    return Ok(());
                }
                self.files(some).await;
            }
            if next.is_none() {
                return Ok(());
            }
            after = next;
        }
    }

    fn is_time_up(&self) -> bool {
        clock::now_ms() >= self.stop_at_ms
    }

    async fn files(&mut self, files: &[UnfinishedFile]) {
        let (ports, now_ms) = (self.ports, self.now_ms);
        let late = files.iter().filter_map(|file| Some((file.reported_since_ms(now_ms)?, file)));
        let checks = late.map(async |(since_ms, file)| (state_of(file, ports, now_ms).await, since_ms, file));
        let checks: Vec<_> = stream::iter(checks).buffered(LOOKUPS_IN_FLIGHT).collect().await;
        for (state, since_ms, file) in checks {
            match state {
                Ok(State::Accepted) => self.report(since_ms, file.clone()),
                Ok(State::GivenUp) => self.found.given_up += 1,
                Ok(State::Awaited) => {}
                Err(failure) => {
                    self.failed.get_or_insert(failure);
                }
            }
        }
    }

    fn report(&mut self, since_ms: u64, file: UnfinishedFile) {
        self.found.unfinished += 1;
        if self.reports.len() >= UNFINISHED_REPORTED_MAX {
            return;
        }
        let time = |ms| Timestamp::from_unix_milliseconds(ms).to_milliseconds_text();
        self.reports.push(FileUnfinished {
            notification_id: format!("{}-{}-{FILE_UNFINISHED}", file.file_id, file.attempt),
            file_id: file.file_id.into(),
            partner: file.partner,
            attempt: file.attempt,
            status: FILE_UNFINISHED,
            file_status: file.status,
            since: time(since_ms),
            timestamp: time(self.now_ms),
            environment: self.ports.environment.clone(),
        });
    }
}

/// Checks one file, and removes it from the list if its bytes are no longer expected.
async fn state_of(file: &UnfinishedFile, ports: &Ports, now_ms: u64) -> Result<State, Failure> {
    if is_accepted(file, &ports.objects).await? {
        return Ok(State::Accepted);
    }
    if !file.is_given_up(now_ms) {
        return Ok(State::Awaited);
    }
    ports.status.give_up(file).await?;
    Ok(State::GivenUp)
}

/// Whether the sender of a file expects it to be processed: its bytes are in the bucket.
async fn is_accepted(file: &UnfinishedFile, objects: &ObjectStore) -> Result<bool, Failure> {
    let from_ms = match file.proof() {
        Proof::Status => return Ok(true),
        Proof::Bytes => 0,
        Proof::BytesFrom(from_ms) => from_ms,
    };
    for key in keys_of(file) {
        if objects.written_at_ms(&key).await?.is_some_and(|written_at_ms| written_at_ms >= from_ms) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The keys under which the bytes of a file start its workflow. An awaited upload has only one.
fn keys_of(file: &UnfinishedFile) -> Vec<String> {
    if file.is_upload() {
        return file.upload_key.iter().cloned().collect();
    }
    let mut keys = vec![ObjectStore::validated_key(&file.file_id)];
    // Its key in an earlier attempt may be that of a rejected file.
    let known = file.key.iter().chain(&file.upload_key).filter(|key| ObjectStore::starts_workflow(key));
    keys.extend(known.cloned());
    keys.sort_unstable();
    keys.dedup();
    keys
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::FileId;

    #[test]
    fn looks_for_bytes_only_where_they_start_a_workflow() {
        let file = |status, key: &str, upload_key: Option<&str>| UnfinishedFile {
            file_id: FileId::parse("0123456789abcdef0123456789abcdef").unwrap(),
            partner: "acme".to_owned(),
            attempt: 2,
            status,
            updated_at_ms: 1,
            unfinished_since_ms: Some(1),
            key: Some(key.to_owned()),
            upload_key: upload_key.map(str::to_owned),
            upload: None,
        };
        let validated = "validated/0123456789abcdef0123456789abcdef.csv";
        let presigned = "incoming/acme/0123456789abcdef0123456789abcdef.csv";
        for (file, expected) in [
            (file(FileStatus::AwaitingUpload, validated, Some(presigned)), vec![presigned]),
            (file(FileStatus::AwaitingUpload, validated, None), vec![]),
            (file(FileStatus::Validating, validated, None), vec![validated]),
            (file(FileStatus::Validating, "rejected/x.csv", Some(presigned)), vec![presigned, validated]),
            (
                file(FileStatus::Validating, "incoming/acme/of-today.csv", None),
                vec!["incoming/acme/of-today.csv", validated],
            ),
            (file(FileStatus::Validating, presigned, Some(presigned)), vec![presigned, validated]),
        ] {
            assert_eq!(keys_of(&file), expected, "{file:?}");
        }
    }
}
