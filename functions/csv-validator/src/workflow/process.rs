//! Goes on to process a valid file.

use super::done;
use super::step::{Step, invalid_input};
use crate::contention::{ATTEMPTS_MAX, contended, new_token};
use adapters::status_table::{Facts, FileRecord, StatusUpdate, Transition};
use adapters::{Failure, FailureKind};
use domain::files::lifecycle::{Decision, ObjectSource, Sequence, decide_event};
use domain::files::task::{FileTask, Validation};
use domain::{FileId, FileStatus, Partner};

impl Step<'_> {
    /// Goes on with a file whose bytes were found valid before.
    pub(super) async fn proceed_as_known(
        &self,
        file_id: &FileId,
        record: FileRecord,
        source: ObjectSource,
    ) -> Result<Validation, Failure> {
        let facts =
            validated_facts(&record.facts).ok_or_else(|| invalid_input("the status item lacks what was validated"))?;
        let facts =
            Facts { key: Some(self.object.key.clone()), version_id: Some(self.object.version_id.clone()), ..facts };
        self.proceed(file_id, Some(&record), source, facts, self.now_ms).await
    }

    /// The attempt to work under and its sequence in the arrival order, or none if nothing is left to do.
    pub(super) fn decide(
        &self,
        known: Option<&FileRecord>,
        source: ObjectSource,
    ) -> Result<Option<(u32, Sequence)>, Failure> {
        match decide_event(known.map(FileRecord::known), source, self.redrive, self.now_ms) {
            Decision::Work { attempt, sequence } => Ok(Some((attempt, sequence))),
            Decision::Existing | Decision::AttemptUnknown => Ok(None),
            Decision::Exhausted => Err(Failure::new(FailureKind::AttemptsExhausted, "the file was tried too often")),
        }
    }

    /// When the bytes of an attempt were received, and its sequence in the arrival order: that of the attempt before, that of the request
    /// which created the upload, or the bucket's own time of an object that a partner has put there itself.
    async fn arrival(
        &self,
        known: Option<&FileRecord>,
        source: ObjectSource,
        sequence: Sequence,
        facts: &Facts,
        written_at_ms: u64,
    ) -> Result<(u64, u64), Failure> {
        let before = known.filter(|_| sequence == Sequence::Kept);
        if let Some(arrival) = before.and_then(|record| Some((record.kept_sequence()?, record.facts.received_at_ms?))) {
            return Ok(arrival);
        }
        let upload = known.and_then(|record| record.facts.upload.as_ref());
        let sequence = match (source, upload) {
            (ObjectSource::Bucket { .. }, _) => written_at_ms,
            (_, Some(upload)) => upload.sequence,
            (_, None) => {
                let partner = facts.partner.as_deref().and_then(Partner::named);
                let partner = partner.ok_or_else(|| invalid_input("the status item names no partner"))?;
                let drawing = self.ports.status.next_sequence(&partner, self.now_ms);
                self.tracer.step("draw sequence", drawing).await?
            }
        };
        Ok((sequence, written_at_ms))
    }

    /// Goes on to process a valid file. Where an upload of the same file with other control totals is rejected meanwhile, that
    /// hinders nobody: the file is decided on anew, by its status then.
    pub(super) async fn proceed(
        &self,
        file_id: &FileId,
        known: Option<&FileRecord>,
        source: ObjectSource,
        mut facts: Facts,
        written_at_ms: u64,
    ) -> Result<Validation, Failure> {
        let (mut known, mut source) = (known.cloned(), source);
        for _ in 0..ATTEMPTS_MAX {
            let Some((attempt, sequence)) = self.decide(known.as_ref(), source)? else {
                return match known {
                    Some(record) => self.nothing_to_do(&record).await,
                    None => Ok(done("nobody has asked for the file")),
                };
            };
            let has_come_as_far = known
                .clone()
                .filter(|record| record.attempt == attempt && record.status.rank() >= FileStatus::Validated.rank());
            // An attempt has one sequence in the arrival order, that of whoever began it, however many versions arrive at once.
            let current = if let Some(record) = has_come_as_far {
                record
            } else {
                let arrival = self.arrival(known.as_ref(), source, sequence, &facts, written_at_ms).await?;
                facts = Facts { sequence: Some(arrival.0), received_at_ms: Some(arrival.1), ..facts };
                self.record_valid(file_id, attempt, known.as_ref(), &facts).await?
            };
            if current.attempt == attempt && current.is_rejected() {
                source = self.source_of(&current, source);
                known = Some(current);
                continue;
            }
            if current.attempt != attempt || current.status.is_final() {
                return Ok(done("another execution was faster"));
            }
            facts = Facts { sequence: current.facts.sequence, received_at_ms: current.facts.received_at_ms, ..facts };
            let file = file_task(file_id, attempt, &facts)?;
            return Ok(Validation::process(file, facts.ranges.unwrap_or_default()));
        }
        Err(contended())
    }

    /// Records that every record of the file is valid, unless another execution is faster. Returns the file as it is known
    /// now.
    async fn record_valid(
        &self,
        file_id: &FileId,
        attempt: u32,
        known: Option<&FileRecord>,
        facts: &Facts,
    ) -> Result<FileRecord, Failure> {
        let uses_upload = self.used_upload(known).is_some();
        let begun = self.begin(file_id, attempt, facts, uses_upload).await?;
        if begun.attempt != attempt || begun.status.is_final() {
            return Ok(begun);
        }
        let rows = facts.rows.unwrap_or_default();
        // The sequence and the time are those of whoever began, unless that was a rejection, which has no sequence.
        let (sequence, received_at_ms) =
            if begun.facts.sequence.is_none() { (facts.sequence, facts.received_at_ms) } else { (None, None) };
        let found = Facts { sequence, received_at_ms, ..facts.clone() };
        let validated = Transition {
            // Where a rejection has begun the attempt, the upload is pending still.
            uses_upload,
            ..Transition::now(attempt, FileStatus::Validated, format!("every record is valid: {rows}"), found)
        };
        let moved = self.ports.status.advance(self.tracer, file_id, &validated).await?;
        if matches!(moved, StatusUpdate::Applied(_)) {
            tracing::info!(event = "file_accepted", rows, "the file is accepted");
        }
        Ok(moved.into_record())
    }

    /// Begins an attempt, or learns that it has begun. `uses_upload` removes the pending upload. Returns the file as it is known now.
    pub(super) async fn begin(
        &self,
        file_id: &FileId,
        attempt: u32,
        facts: &Facts,
        uses_upload: bool,
    ) -> Result<FileRecord, Failure> {
        let facts = Facts {
            partner: facts.partner.clone(),
            received_at_ms: facts.received_at_ms,
            sequence: facts.sequence,
            // If the attempt gets no further, this says where its bytes are.
            key: facts.key.clone(),
            version_id: facts.version_id.clone(),
            sha256: facts.sha256.clone(),
            token: Some(new_token()?),
            // Of a valid file, so that it is known as one from its first status on.
            rows: facts.rows,
            totals: facts.totals.clone(),
            columns: facts.columns.clone(),
            ranges: facts.ranges.clone(),
            ..Facts::default()
        };
        let message = format!("found in the bucket as {}", self.object.key);
        let begun = Transition { uses_upload, ..Transition::now(attempt, FileStatus::Validating, message, facts) };
        self.ports.status.advance(self.tracer, file_id, &begun).await.map(StatusUpdate::into_record)
    }
}

/// What the API found out about a version, if it is complete. What an attempt found out later is its own.
pub(super) fn validated_facts(facts: &Facts) -> Option<Facts> {
    let Facts { partner, sha256, rows, totals, columns, ranges, .. } = facts.clone();
    let complete = rows.is_some() && totals.is_some() && columns.is_some() && ranges.is_some();
    let validated = Facts { partner, sha256, rows, totals, columns, ranges, ..Facts::default() };
    complete.then_some(validated)
}

fn file_task(file_id: &FileId, attempt: u32, facts: &Facts) -> Result<FileTask, Failure> {
    let missing = || invalid_input("the status item lacks what validation found out");
    Ok(FileTask {
        file_id: file_id.clone(),
        attempt,
        partner: facts.partner.clone().ok_or_else(missing)?,
        key: facts.key.clone().ok_or_else(missing)?,
        version_id: facts.version_id.clone().ok_or_else(missing)?,
        received_at_ms: facts.received_at_ms.ok_or_else(missing)?,
        sequence: facts.effective_sequence(),
        columns: facts.columns.clone().ok_or_else(missing)?,
        rows: facts.rows.ok_or_else(missing)?,
        totals: facts.totals.clone().ok_or_else(missing)?,
    })
}
