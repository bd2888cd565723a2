//! `POST /upload`: validates a file while its sender waits, stores it, and responds with the outcome.
//!
//! A valid file takes four writes: its sequence in the arrival order is drawn, the attempt begins in the table, the object is
//! stored, the attempt is `validated`. A handler that dies between two of them leaves what the next upload of the same file, or
//! the workflow, continues. A dry run does none of this: it ends with the verdict.

mod reject;
mod responses;

pub(crate) use responses::{attempt_unknown, exhausted, path_to_status, status_path};

use crate::Ports;
use crate::api::caller::partner_of;
use crate::api::envelope::{self, Form};
use crate::api::query;
use crate::contention::{ATTEMPTS_MAX, contended, new_token};
use crate::inspection::{Findings, Inspection, log_rejection};
use adapters::object_store::UploadMetadata;
use adapters::status_table::{Facts, FileRecord, StatusUpdate, Transition};
use adapters::{Failure, FailureKind, ObjectStore, Tracer, logging};
use api::{ApiError, Response};
use bytes::Bytes;
use domain::files::lifecycle::{Decision, Intent, Sequence, decide_upload};
use domain::limits::{ERRORS_IN_DRY_RUN_MAX, ERRORS_IN_RESPONSE_MAX};
use domain::{ControlTotals, FileId, FileStatus, Partner};
use lambda_http::Request;

/// The attempt of a file that nobody has sent before.
pub(crate) const FIRST_ATTEMPT: u32 = 1;

/// The outcome of one decision, where it is no rejection.
enum Turn {
    /// The file is accepted.
    Accepted(Response),
    /// Another request has changed the status of the file, so that it is to be decided anew.
    Moved(Box<FileRecord>),
}

/// One file that was sent.
struct Sent<'a> {
    ports: &'a Ports,
    tracer: &'a Tracer,
    partner: Partner,
    file_id: FileId,
    bytes: Bytes,
    /// The control totals that were sent with it.
    expected: ControlTotals,
    findings: Findings,
    now_ms: u64,
}

pub(crate) async fn upload(
    request: Request,
    ports: &Ports,
    tracer: &Tracer,
    now_ms: u64,
) -> Result<Response, ApiError> {
    let partner = partner_of(&request)?;
    let (dry_run, intent) = (query::dry_run(&request)?, query::intent(&request)?);
    let errors_max = if dry_run { ERRORS_IN_DRY_RUN_MAX } else { ERRORS_IN_RESPONSE_MAX };
    let Form { file: bytes, expected } = envelope::form_of(request).await?;
    let inspected = async { Ok::<_, Failure>(Inspection::of_file(now_ms, &bytes, &expected, errors_max)) };
    let findings = tracer.step("validate", inspected).await?;
    let file_id = FileId::derive(&partner, &findings.digest);
    logging::set_file_id(file_id.as_str());
    logging::set_partner(partner.as_str());
    let rows = findings.report.rows;
    tracing::info!(
        event = "file_validated",
        bytes = bytes.len(),
        rows,
        errors = findings.report.error_count,
        dry_run,
        "validated"
    );
    let sent = Sent { ports, tracer, partner, file_id, bytes, expected, findings, now_ms };
    let is_valid = sent.findings.report.is_valid();
    if dry_run {
        return if is_valid { Ok(sent.would_be_accepted()) } else { Err(sent.would_be_rejected().into()) };
    }
    if !is_valid {
        log_rejection(&sent.findings.report);
    }
    sent.take(intent).await
}

/// What a file is, compared with what is known of it.
enum Verdict {
    /// It is valid, and what its sender expects.
    Valid,
    /// It is valid, and not what its sender expects.
    TotalsDiffer,
    /// It has errors of its own.
    Invalid,
}

impl Sent<'_> {
    /// Decides once, from what is known of the file, and does that. Where another request has changed its status meanwhile,
    /// that is known now, and decided on anew.
    async fn take(mut self, intent: Intent) -> Result<Response, ApiError> {
        // A valid file is treated as a new one, which saves a read for most; of one that is not new the write returns the record.
        let may_be_new = intent == Intent::Process && matches!(self.verdict(None), Verdict::Valid);
        let mut known = if may_be_new {
            None
        } else {
            self.tracer.step("read status", self.ports.status.read(&self.file_id)).await?
        };
        for _ in 0..ATTEMPTS_MAX {
            let turn = match self.verdict(known.as_ref()) {
                Verdict::Valid => self.accept(known.as_ref(), intent).await?,
                Verdict::TotalsDiffer => self.reject(known.as_ref(), true).await?,
                Verdict::Invalid => self.reject(known.as_ref(), false).await?,
            };
            match turn {
                Turn::Accepted(response) => return Ok(response),
                Turn::Moved(record) => known = Some(*record),
            }
        }
        Err(contended().into())
    }

    /// What was valid in any attempt is valid for ever, whatever today's rules or this host's clock say of it; the control
    /// totals are then compared with what was found then.
    fn verdict(&mut self, known: Option<&FileRecord>) -> Verdict {
        if let Some(record) = known.filter(|record| record.was_valid()) {
            let errors = record.errors_against(&self.expected);
            if errors.is_empty() {
                return Verdict::Valid;
            }
            self.findings.replace_errors(errors);
            return Verdict::TotalsDiffer;
        }
        match &self.findings {
            findings if findings.only_totals_differ => Verdict::TotalsDiffer,
            findings if findings.report.is_valid() => Verdict::Valid,
            _ => Verdict::Invalid,
        }
    }

    /// Accepts a valid file, or responds with its status.
    async fn accept(&self, known: Option<&FileRecord>, intent: Intent) -> Result<Turn, ApiError> {
        let (attempt, sequence) = match decide_upload(known.map(FileRecord::known), intent, self.now_ms) {
            Decision::Work { attempt, sequence } => (attempt, sequence),
            Decision::Exhausted => return Err(exhausted().into()),
            Decision::AttemptUnknown => return Err(attempt_unknown().into()),
            Decision::Existing => {
                // Only of a known file there is nothing to do.
                let known =
                    known.ok_or_else(|| Failure::new(FailureKind::InvalidInput, "nothing is known of the file"))?;
                return Ok(Turn::Accepted(self.accepted(known, true)));
            }
        };
        let arrival = self.arrival(known, sequence).await?;
        let validated = self.validated_facts(known);
        match self.begin(attempt, arrival.clone(), validated.clone()).await? {
            StatusUpdate::Applied(_) => {}
            StatusUpdate::Conflict(begun) if begun.status == FileStatus::Validating && begun.attempt == attempt => {
                // Another request, or the workflow, has begun the attempt. What began with a rejection is taken over.
                if !begun.was_valid() {
                    let valid = Facts {
                        sequence: arrival.sequence,
                        received_at_ms: arrival.received_at_ms,
                        ..validated.clone()
                    };
                    let taken = self.ports.status.take_over(&begun, &valid);
                    if let StatusUpdate::Conflict(record) = self.tracer.step("take over", taken).await? {
                        return Ok(Turn::Moved(record));
                    }
                }
            }
            StatusUpdate::Conflict(current) => return Ok(Turn::Moved(current)),
        }
        let record = self.store(attempt, validated).await?;
        if record.is_rejected() {
            // Another upload of the same file had other control totals, which hinders nobody.
            return Ok(Turn::Moved(Box::new(record)));
        }
        Ok(Turn::Accepted(self.accepted(&record, false)))
    }

    /// When the attempt's bytes were received, and its sequence in the arrival order.
    async fn arrival(&self, known: Option<&FileRecord>, sequence: Sequence) -> Result<Facts, Failure> {
        let before = known.filter(|_| sequence == Sequence::Kept);
        let sequence = match before.and_then(FileRecord::kept_sequence) {
            Some(sequence) => sequence,
            None => {
                let drawing = self.ports.status.next_sequence(&self.partner, self.now_ms);
                self.tracer.step("draw sequence", drawing).await?
            }
        };
        let received_at_ms = before.and_then(|record| record.facts.received_at_ms).unwrap_or(self.now_ms);
        Ok(Facts { received_at_ms: Some(received_at_ms), sequence: Some(sequence), ..Facts::default() })
    }

    /// What is true of the bytes: what was found when they were valid first, or now.
    fn validated_facts(&self, known: Option<&FileRecord>) -> Facts {
        let before = known.filter(|record| record.was_valid()).map(|record| &record.facts);
        let report = &self.findings.report;
        let Some(Facts { rows, totals, columns: columns @ Some(_), ranges: ranges @ Some(_), .. }) = before.cloned()
        else {
            return Facts {
                rows: Some(report.rows),
                totals: Some(report.totals.to_texts()),
                columns: Some(report.columns.clone()),
                ranges: Some(report.ranges.clone()),
                ..Facts::default()
            };
        };
        Facts { rows, totals, columns, ranges, ..Facts::default() }
    }

    /// Begins an attempt, or returns the status of the file. What the workflow needs to know of a valid file is in the table
    /// before the object is in the bucket, because nothing is believed of the object itself.
    async fn begin(&self, attempt: u32, arrival: Facts, validated: Facts) -> Result<StatusUpdate, Failure> {
        let facts = Facts {
            partner: Some(self.partner.as_str().to_owned()),
            received_at_ms: arrival.received_at_ms,
            sequence: arrival.sequence,
            sha256: Some(self.findings.digest.as_str().to_owned()),
            token: Some(new_token()?),
            ..validated
        };
        self.advance(attempt, FileStatus::Validating, "received by the API", facts).await
    }

    /// Stores the object of an attempt that has begun, which starts the workflow.
    async fn store(&self, attempt: u32, validated: Facts) -> Result<FileRecord, Failure> {
        let key = ObjectStore::validated_key(&self.file_id);
        let version_id = self.put(&key, attempt).await?;
        let rows = validated.rows.unwrap_or_default();
        let facts = Facts { key: Some(key), version_id, ..validated };
        let message = format!("every record is valid: {rows}");
        // The workflow may be further by now; then its status stays.
        let moved = self.advance(attempt, FileStatus::Validated, message, facts).await?;
        if matches!(moved, StatusUpdate::Applied(_)) {
            tracing::info!(event = "file_accepted", rows, "the file is accepted");
        }
        Ok(moved.into_record())
    }

    async fn put(&self, key: &str, attempt: u32) -> Result<Option<String>, Failure> {
        let metadata = UploadMetadata {
            partner: self.partner.as_str().to_owned(),
            attempt,
            received_at_ms: self.now_ms,
            sha256: self.findings.digest.as_str().to_owned(),
        };
        self.tracer.step("store file", self.ports.objects.put(key, self.bytes.clone(), &metadata)).await
    }

    async fn advance(
        &self,
        attempt: u32,
        status: FileStatus,
        message: impl Into<String>,
        facts: Facts,
    ) -> Result<StatusUpdate, Failure> {
        let transition = Transition::now(attempt, status, message, facts);
        self.ports.status.advance(self.tracer, &self.file_id, &transition).await
    }
}
