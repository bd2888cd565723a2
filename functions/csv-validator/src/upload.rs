//! `POST /upload`: validates a file while its sender waits, stores it, and says what became of it.
//!
//! A valid file goes through three writes: the attempt begins in the table, the object is stored, the attempt is
//! `validated`. A handler that dies between two of them leaves what the next upload of the same file, or the
//! workflow, continues. Nothing is read before the first of them: it takes the file for a new one, and is refused with
//! how the file stands if it is not. A dry run does none of this: it ends with the verdict.

use crate::caller::partner_of;
use crate::envelope::{self, Form};
use crate::inspection::{Findings, Inspection, ReportPass, log_refusal};
use crate::rejection::Rejection;
use crate::{Ports, query};
use adapters::gateway::{Answer, NoAnswer, Refusal};
use adapters::object_store::UploadMetadata;
use adapters::status_table::{Facts, FileRecord, Moved, Transition};
use adapters::{Failure, FailureKind, ObjectStore, Tracer, clock, logging};
use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use bytes::Bytes;
use domain::lifecycle::{Decision, Intent, Sequence, decide_upload};
use domain::limits::{ERRORS_IN_ANSWER_MAX, ERRORS_IN_DRY_RUN_MAX};
use domain::{FileId, FileStatus, Partner, Statement, StatusToken};
use serde_json::json;

/// The attempt of a file that nobody has sent before.
pub(crate) const FIRST_ATTEMPT: u32 = 1;

/// How often a request decides anew because others move the same file at the same time.
const TURNS_MAX: usize = 8;

/// What became of one decision.
enum Turn {
    /// The request is answered.
    Answered(Answer),
    /// Somebody else has moved the file, so that it is to be decided anew.
    Moved(Box<FileRecord>),
}

/// One file that was sent.
struct Sent<'a> {
    ports: &'a Ports,
    tracer: &'a Tracer,
    partner: Partner,
    file_id: FileId,
    bytes: Bytes,
    /// What was stated of it.
    expected: Statement,
    findings: Findings,
    now_ms: u64,
}

pub(crate) async fn upload(
    request: ApiGatewayProxyRequest,
    ports: &Ports,
    tracer: &Tracer,
    now_ms: u64,
) -> Result<Answer, NoAnswer> {
    let partner = partner_of(&request)?;
    let (dry_run, intent) = (query::dry_run(&request)?, query::intent(&request)?);
    let errors_max = if dry_run { ERRORS_IN_DRY_RUN_MAX } else { ERRORS_IN_ANSWER_MAX };
    let Form { file: bytes, expected } = envelope::form_of(request).await?;
    let inspected = async { Ok::<_, Failure>(Inspection::of_file(now_ms, &bytes, &expected, errors_max)) };
    let findings = tracer.step("validate", inspected).await?;
    let file_id = FileId::derive(&partner, &findings.digest);
    logging::set_file_id(file_id.as_str());
    logging::set_partner(partner.as_str());
    let rows = findings.report.rows;
    tracing::info!(bytes = bytes.len(), rows, errors = findings.report.error_count, dry_run, "validated");
    let sent = Sent { ports, tracer, partner, file_id, bytes, expected, findings, now_ms };
    let is_valid = sent.findings.report.is_valid();
    if dry_run {
        return Ok(if is_valid { sent.would_be_accepted() } else { sent.would_be_rejected() });
    }
    if !is_valid {
        log_refusal(&sent.findings.report);
    }
    sent.take(intent).await
}

/// What a file is, when it is held against what is known of it.
enum Verdict {
    /// It is valid, and what its sender expects.
    Valid,
    /// It is valid, and not what its sender expects.
    Misstated,
    /// It has errors of its own.
    Invalid,
}

impl Sent<'_> {
    /// Decides once, from what is known of the file, and does that. Where somebody else has moved the file meanwhile, that is
    /// known now, and decided on anew.
    async fn take(mut self, intent: Intent) -> Result<Answer, NoAnswer> {
        let mut known = self.tracer.step("read status", self.ports.status.read(&self.file_id)).await?;
        for _ in 0..TURNS_MAX {
            let turn = match self.verdict(known.as_ref()) {
                Verdict::Valid => self.accept(known.as_ref(), intent).await?,
                Verdict::Misstated => self.reject(known.as_ref(), true).await?,
                Verdict::Invalid => self.reject(known.as_ref(), false).await?,
            };
            match turn {
                Turn::Answered(answer) => return Ok(answer),
                Turn::Moved(record) => known = Some(*record),
            }
        }
        Err(Failure::new(FailureKind::StoreUnavailable, "the file is being moved by many requests at once").into())
    }

    /// What was valid in any attempt is valid for ever, whatever today's rules or this host's clock say of it; the control
    /// totals are then compared with what was found then.
    fn verdict(&mut self, known: Option<&FileRecord>) -> Verdict {
        if let Some(record) = known.filter(|record| record.was_valid()) {
            let (rows, totals) =
                (record.facts.rows.unwrap_or_default(), record.facts.totals.clone().unwrap_or_default());
            let faults = self.expected.faults_of_known(rows, &totals);
            if faults.is_empty() {
                return Verdict::Valid;
            }
            self.findings.replace_errors(faults);
            return Verdict::Misstated;
        }
        match &self.findings {
            findings if findings.is_misstated => Verdict::Misstated,
            findings if findings.report.is_valid() => Verdict::Valid,
            _ => Verdict::Invalid,
        }
    }

    /// Takes a valid file, or answers how it stands.
    async fn accept(&self, known: Option<&FileRecord>, intent: Intent) -> Result<Turn, NoAnswer> {
        let (attempt, sequence) = match decide_upload(known.map(FileRecord::known), intent, self.now_ms) {
            Decision::Work { attempt, sequence } => (attempt, sequence),
            Decision::Exhausted => return Err(exhausted().into()),
            Decision::AttemptUnknown => return Err(attempt_unknown().into()),
            Decision::Answer => {
                // Only a file that is known has an answer.
                let known =
                    known.ok_or_else(|| Failure::new(FailureKind::InvalidInput, "nothing is known of the file"))?;
                return Ok(Turn::Answered(self.accepted(known, true)));
            }
        };
        let validated = self.validated_facts(known);
        match self.begin(attempt, self.placed(known, sequence).await?, validated.clone()).await? {
            Moved::Taken(_) => {}
            // Another upload of the same file, or its workflow, has begun the attempt.
            Moved::Refused(begun) if begun.status == FileStatus::Validating && begun.attempt == attempt => {}
            Moved::Refused(standing) => return Ok(Turn::Moved(standing)),
        }
        let record = self.store(attempt, validated).await?;
        Ok(Turn::Answered(self.accepted(&record, false)))
    }

    /// When the attempt's bytes came, and its place in the arrival order.
    async fn placed(&self, known: Option<&FileRecord>, sequence: Sequence) -> Result<Facts, Failure> {
        let before = known.filter(|_| sequence == Sequence::Kept).map(|record| &record.facts);
        let place = match before.and_then(Facts::place) {
            Some(place) => place,
            None => {
                let drawing = self.ports.status.next_sequence(&self.partner, self.now_ms);
                self.tracer.step("draw sequence", drawing).await?
            }
        };
        let received_at_ms = before.and_then(|facts| facts.received_at_ms).unwrap_or(self.now_ms);
        Ok(Facts { received_at_ms: Some(received_at_ms), sequence: Some(place), ..Facts::default() })
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

    /// Begins an attempt, or learns how the file stands. What the workflow needs to know of a valid file is in the table
    /// before the object is in the bucket, because nothing is believed of the object itself.
    async fn begin(&self, attempt: u32, placed: Facts, validated: Facts) -> Result<Moved, Failure> {
        let facts = Facts {
            partner: Some(self.partner.as_str().to_owned()),
            received_at_ms: placed.received_at_ms,
            sequence: placed.sequence,
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
        // The workflow may have come further by now; then its word stands.
        let moved = self.advance(attempt, FileStatus::Validated, message, facts).await?;
        if matches!(moved, Moved::Taken(_)) {
            tracing::info!(rows, "accepted");
        }
        Ok(moved.into_record())
    }

    /// Rejects this upload, and records that where nothing better is known of the file than an earlier rejection.
    async fn reject(&self, known: Option<&FileRecord>, is_misstated: bool) -> Result<Turn, NoAnswer> {
        let Some(known) = known else { return self.reject_attempt(FIRST_ATTEMPT).await };
        if known.is_rejected() {
            return self.reject_again(known).await;
        }
        // Control totals undo nothing: neither what is done, nor what another request is about to do. A file that is valid is
        // known as one from its first status on, so that here a rejection has begun whose handler may have died.
        let was_begun = known.status == FileStatus::Validating && !known.was_valid();
        if is_misstated && !was_begun {
            return Ok(Turn::Answered(self.rejected(known)));
        }
        match decide_upload(Some(known.known()), Intent::Process, self.now_ms) {
            Decision::Work { attempt, .. } => self.reject_attempt(attempt).await,
            Decision::Exhausted => Err(exhausted().into()),
            Decision::Answer | Decision::AttemptUnknown => Ok(Turn::Answered(self.rejected(known))),
        }
    }

    /// Rejects a file under an attempt that begins with that.
    async fn reject_attempt(&self, attempt: u32) -> Result<Turn, NoAnswer> {
        let placed = Facts { received_at_ms: Some(self.now_ms), ..Facts::default() };
        match self.begin(attempt, placed, Facts::default()).await? {
            Moved::Taken(_) => {}
            Moved::Refused(begun) if begun.status == FileStatus::Validating && begun.attempt == attempt => {}
            Moved::Refused(standing) => return Ok(Turn::Moved(standing)),
        }
        let facts = self.keep_rejected(attempt).await?;
        let message = format!("refused, errors: {}", self.findings.report.error_count);
        let record = self.advance(attempt, FileStatus::ValidationFailed, message, facts).await?.into_record();
        Ok(Turn::Answered(self.rejected(&record)))
    }

    /// Rejects a file that stands rejected. The same errors change nothing; others replace those that are recorded.
    async fn reject_again(&self, known: &FileRecord) -> Result<Turn, NoAnswer> {
        let facts = &known.facts;
        let is_same = facts.error_count == Some(self.findings.report.error_count)
            && facts.refused_statement == self.refused_statement();
        if is_same {
            return Ok(Turn::Answered(self.rejected(known)));
        }
        let facts = self.keep_rejected(known.attempt).await?;
        let again = self.ports.status.reject_again(known, &facts, false);
        Ok(match self.tracer.step("reject again", again).await? {
            Moved::Taken(record) => Turn::Answered(self.rejected(&record)),
            Moved::Refused(standing) => Turn::Moved(standing),
        })
    }

    /// Stores a rejected file and its report. The status that names both is written after both.
    async fn keep_rejected(&self, attempt: u32) -> Result<Facts, Failure> {
        let key = ObjectStore::rejected_key(&self.file_id);
        let report_key = ObjectStore::report_key(&self.file_id, attempt);
        let (version_id, ()) = tokio::try_join!(self.put(&key, attempt), self.write_report(report_key.clone()))?;
        let report = &self.findings.report;
        Ok(Facts {
            key: Some(key),
            version_id,
            rows: Some(report.rows),
            error_count: Some(report.error_count),
            report_key: Some(report_key),
            refused_statement: self.refused_statement(),
            ..Facts::default()
        })
    }

    /// What was stated, if the file is refused for it.
    fn refused_statement(&self) -> Option<Statement> {
        self.findings.differs_from_statement.then(|| self.expected.clone())
    }

    async fn write_report(&self, key: String) -> Result<(), Failure> {
        let findings = &self.findings.report;
        let mut pass = ReportPass::new(self.now_ms, findings, &self.expected, &self.ports.objects, key);
        pass.push(&self.bytes).await?;
        pass.finish().await.map(|_| ())
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
    ) -> Result<Moved, Failure> {
        let transition = Transition::now(attempt, status, message, facts);
        self.ports.status.advance(self.tracer, &self.file_id, &transition).await
    }

    fn accepted(&self, record: &FileRecord, duplicate: bool) -> Answer {
        let message = match (duplicate, record.status, record.superseded_by.is_empty()) {
            (_, status, _) if status.is_failed() => {
                "The file is valid, but it could not be processed yet; send it again in a moment, it is never processed twice."
            }
            (false, _, _) => "The file is valid and is being processed; follow it at status_path.",
            (true, _, false) => {
                "This file was processed before, and a later file has replaced rows of it; nothing was done again. To process \
                 it again, so that its rows replace the later ones, send it to /upload?reprocess_attempt=, with the number that is the member attempt of this answer."
            }
            (true, FileStatus::Completed, true) => {
                "This file was processed before; nothing was done again. To process it again, send it to \
                 /upload?reprocess_attempt=, with the number that is the member attempt of this answer."
            }
            (true, _, true) => "This file is being processed already; follow it at status_path.",
        };
        let facts = &record.facts;
        let body = json!({
            "message": message,
            "file_id": self.file_id,
            "s3_key": record.facts.key.clone().unwrap_or_else(|| ObjectStore::validated_key(&self.file_id)),
            "row_count": facts.rows,
            "status": record.status,
            "attempt": record.attempt,
            "status_path": status_path(record),
            "totals": facts.totals.clone().unwrap_or_default(),
            "superseded_by": record.superseded_by,
            "duplicate": duplicate,
            "dry_run": false,
        });
        Answer::json(200, &body)
    }

    fn rejected(&self, record: &FileRecord) -> Answer {
        let listed = self.findings.first_errors.len();
        let count = self.findings.report.error_count;
        let message = if !record.is_rejected() {
            "The file is not what you stated of it, and this upload was refused. The very same file came before, and stands as \
             status_path tells; nothing of that has changed. Send it again with the right numbers, or send the right file."
                .to_owned()
        } else {
            format!(
                "The file was refused, and nothing of it was stored as transactions. Errors: {count}, of which {listed} are \
                 listed here; status_path links to a report of all. Correct them and send the whole file again."
            )
        };
        self.rejection(message, Some(status_path(record)), false).answer()
    }

    /// The answer of a dry run of a valid file. What would be stored where is not said, since nothing is.
    fn would_be_accepted(&self) -> Answer {
        let report = &self.findings.report;
        let body = json!({
            "message": "The file is valid. This was a dry run: nothing was stored. To have the file processed, send it without dry_run.",
            "file_id": self.file_id,
            "s3_key": null,
            "row_count": report.rows,
            "status": "valid",
            "attempt": null,
            "status_path": null,
            "totals": report.totals.to_texts(),
            "superseded_by": [],
            "duplicate": false,
            "dry_run": true,
        });
        Answer::json(200, &body)
    }

    fn would_be_rejected(&self) -> Answer {
        let listed = self.findings.first_errors.len();
        let message = format!(
            "The file would be refused. Errors: {}, of which {listed} are listed here. This was a dry run: nothing was stored. \
             Correct them and send the whole file again.",
            self.findings.report.error_count
        );
        self.rejection(message, None, true).answer()
    }

    fn rejection(&self, message: String, status_path: Option<String>, dry_run: bool) -> Rejection<'_> {
        let Findings { report, first_errors, .. } = &self.findings;
        Rejection {
            file_id: &self.file_id,
            status_path,
            rows: report.rows,
            error_count: report.error_count,
            errors_by_code: report.errors_by_code.iter().map(|(code, count)| (code.as_str(), *count)).collect(),
            errors: first_errors,
            dry_run,
            message,
        }
    }
}

pub(crate) fn status_path(record: &FileRecord) -> String {
    path_to_status(&record.file_id, record.facts.token.as_ref())
}

/// The link to the status of a file, for those alone whose file it is.
pub(crate) fn path_to_status(file_id: &FileId, token: Option<&StatusToken>) -> String {
    format!("/files/{file_id}?token={}", token.map(StatusToken::reveal).unwrap_or_default())
}

pub(crate) fn attempt_unknown() -> Refusal {
    Refusal::new(
        409,
        "attempt_unknown",
        "Nothing was done: the file has no such attempt. Name the one that you have seen, the member attempt of the file's \
         status; a file that was never sent is sent without reprocess_attempt.",
    )
}

pub(crate) fn exhausted() -> Refusal {
    Refusal::new(
        409,
        "attempts_exhausted",
        "This file was tried too often without success. Ask the operator to look into it.",
    )
}

/// What opens a file's status page.
pub(crate) fn new_token() -> Result<StatusToken, Failure> {
    clock::random_hex::<16>()
        .map(StatusToken::new)
        .map_err(|error| Failure::new(FailureKind::StoreUnavailable, format!("randomness: {error}")))
}
