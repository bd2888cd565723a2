//! Tells of the files that were taken in and have had no end for an hour: whatever was lost on their way, an event, an
//! execution or a message, is noticed by that.
//!
//! Every hour each of them has a message, whose `notification_id` is the same for as long as its attempt lasts, and a line in
//! the log; an alarm is made of their number. Nothing is repaired here: this function has no right to start anything.

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
const LOOKS_IN_FLIGHT: usize = 16;

/// How many files are looked at between two looks at the clock.
const FILES_AT_A_TIME: usize = 100;

/// After how long no further files are looked at. The function has 30 seconds, and what was found is yet to be told.
const LOOKING_MILLISECONDS_MAX: u64 = 15_000;

/// What the step found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Reconciled {
    /// How many files were taken in and have no end.
    pub unfinished: usize,
    /// How many were created, or begun, whose bytes never came; they are looked at no more.
    pub given_up: usize,
    /// Whether the time was up before all that were taken in were looked at.
    pub more: bool,
    /// Whether the time was up before all presigned uploads were looked at. The next hour goes on with the oldest.
    pub more_uploads: bool,
}

/// What a subscriber gets of an unfinished file, as JSON.
#[derive(Clone, Debug, Serialize)]
pub struct FileUnfinished {
    /// The same for every repeat of this message, so that a subscriber can recognise one.
    pub notification_id: String,
    /// The file.
    pub file_id: String,
    /// Who sent it.
    pub partner: String,
    /// The attempt that has no end.
    pub attempt: u32,
    /// What this message tells, beside the statuses in which files end.
    pub status: &'static str,
    /// Where the file stands.
    pub file_status: FileStatus,
    /// Since when it is unfinished, RFC 3339.
    pub since: String,
    /// When this was found out, RFC 3339.
    pub timestamp: String,
    /// The environment of the stack.
    pub environment: String,
}

/// The status of a file that was taken in and has no end.
pub const FILE_UNFINISHED: &str = "file_unfinished";

/// Looks at every file that is unfinished for more than an hour, and tells of those that were taken in.
///
/// # Errors
/// The table, the bucket or the topic refused a call or did not answer, or a row is not one of ours. What could be looked at
/// all the same has been, and was told.
pub async fn reconcile(ports: &Ports, tracer: &Tracer, now_ms: u64) -> Result<Reconciled, Failure> {
    let stop_at_ms = clock::now_ms() + LOOKING_MILLISECONDS_MAX;
    let mut look = Look { ports, now_ms, stop_at_ms, told: Vec::new(), found: Reconciled::default(), failed: None };
    let looking = async {
        look.at_all().await;
        Ok::<_, Failure>(())
    };
    tracer.step("look at unfinished files", looking).await?;
    let Look { told, found, failed, .. } = look;
    for FileUnfinished { notification_id, file_id, partner, attempt, file_status, since, .. } in &told {
        let file_status = file_status.as_str();
        tracing::error!(
            event = FILE_UNFINISHED,
            file_id,
            partner,
            attempt,
            file_status,
            since,
            notification_id,
            "a file has no end"
        );
    }
    let Reconciled { unfinished, given_up, more, more_uploads } = found;
    if unfinished > 0 || more {
        // What was not reached may have no end either, and nobody would hear of it.
        let unfinished = unfinished.max(1);
        tracing::error!(event = "files_unfinished", unfinished, more, "files have had no end for an hour");
    }
    let attributes = |file: &FileUnfinished| {
        [
            ("notification_id", file.notification_id.clone()),
            ("status", FILE_UNFINISHED.to_owned()),
            ("partner", file.partner.clone()),
            ("environment", file.environment.clone()),
        ]
    };
    tracer.step("publish", publish_all(&told, attributes, &ports.topic)).await?;
    failed.map_or(Ok(()), Err)?;
    tracing::info!(event = "reconciled", unfinished, given_up, more, more_uploads, "reconciled");
    Ok(found)
}

/// A look at the list of unfinished files, and what it has found so far.
struct Look<'a> {
    ports: &'a Ports,
    now_ms: u64,
    stop_at_ms: u64,
    told: Vec<FileUnfinished>,
    found: Reconciled,
    /// The first thing that could not be looked at. It hides nothing but itself.
    failed: Option<Failure>,
}

/// What a file turns out to be.
enum Seen {
    TakenIn,
    Awaited,
    GivenUp,
}

impl Look<'_> {
    async fn at_all(&mut self) {
        for shard in shards(self.now_ms) {
            if let Err(failure) = self.at_shard(&shard).await {
                self.failed.get_or_insert(failure);
            }
        }
        self.found.more = self.is_time_up();
        // After all that was taken in. However many uploads are never used, they hide nothing and raise no alarm.
        for shard in upload_shards(self.now_ms) {
            if let Err(failure) = self.at_shard(&shard).await {
                self.failed.get_or_insert(failure);
            }
        }
        self.found.more_uploads = self.is_time_up();
    }

    async fn at_shard(&mut self, shard: &str) -> Result<(), Failure> {
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
                self.at(some).await;
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

    async fn at(&mut self, files: &[UnfinishedFile]) {
        let (ports, now_ms) = (self.ports, self.now_ms);
        let late = files.iter().filter_map(|file| Some((file.reported_since_ms(now_ms)?, file)));
        let looks = late.map(async |(since_ms, file)| (look_at(file, ports, now_ms).await, since_ms, file));
        let looks: Vec<_> = stream::iter(looks).buffered(LOOKS_IN_FLIGHT).collect().await;
        for (seen, since_ms, file) in looks {
            match seen {
                Ok(Seen::TakenIn) => self.tell(since_ms, file.clone()),
                Ok(Seen::GivenUp) => self.found.given_up += 1,
                Ok(Seen::Awaited) => {}
                Err(failure) => {
                    self.failed.get_or_insert(failure);
                }
            }
        }
    }

    fn tell(&mut self, since_ms: u64, file: UnfinishedFile) {
        self.found.unfinished += 1;
        if self.told.len() >= UNFINISHED_REPORTED_MAX {
            return;
        }
        let time = |ms| Timestamp::from_unix_milliseconds(ms).to_milliseconds_text();
        self.told.push(FileUnfinished {
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

/// Looks at one file, and takes it off the list where its bytes are not going to come.
async fn look_at(file: &UnfinishedFile, ports: &Ports, now_ms: u64) -> Result<Seen, Failure> {
    if is_taken_in(file, &ports.objects).await? {
        return Ok(Seen::TakenIn);
    }
    if !file.is_given_up(now_ms) {
        return Ok(Seen::Awaited);
    }
    ports.status.give_up(file).await?;
    Ok(Seen::GivenUp)
}

/// Whether a file's sender believes that it will be processed: its bytes are in the bucket.
async fn is_taken_in(file: &UnfinishedFile, objects: &ObjectStore) -> Result<bool, Failure> {
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

/// Where the bytes of a file may lie that start its workflow. One that awaits its upload is awaited in one place alone.
fn keys_of(file: &UnfinishedFile) -> Vec<String> {
    if file.is_upload() {
        return file.upload_key.iter().cloned().collect();
    }
    let mut keys = vec![ObjectStore::validated_key(&file.file_id)];
    // What it was called in an attempt before may be where refused files are kept.
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
    fn bytes_are_looked_for_where_they_start_a_workflow() {
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
        let announced = "incoming/acme/0123456789abcdef0123456789abcdef.csv";
        for (file, expected) in [
            (file(FileStatus::AwaitingUpload, validated, Some(announced)), vec![announced]),
            (file(FileStatus::AwaitingUpload, validated, None), vec![]),
            (file(FileStatus::Validating, validated, None), vec![validated]),
            (file(FileStatus::Validating, "rejected/x.csv", Some(announced)), vec![announced, validated]),
            (
                file(FileStatus::Validating, "incoming/acme/of-today.csv", None),
                vec!["incoming/acme/of-today.csv", validated],
            ),
            (file(FileStatus::Validating, announced, Some(announced)), vec![announced, validated]),
        ] {
            assert_eq!(keys_of(&file), expected, "{file:?}");
        }
    }
}
