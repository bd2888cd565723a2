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
use domain::lifecycle::{Decision, decide_upload};
use domain::limits::{ERRORS_IN_ANSWER_MAX, ERRORS_IN_DRY_RUN_MAX};
use domain::{FileId, FileStatus, Partner, Statement, StatusToken};
use serde_json::json;

/// The attempt of a file that nobody has sent before.
const FIRST_ATTEMPT: u32 = 1;

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
    let (dry_run, reprocess) = (query::dry_run(&request)?, query::reprocess(&request)?);
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
    if sent.findings.is_misstated
        && let Some(known) = tracer.step("read status", ports.status.read(&sent.file_id)).await?
    {
        // To begin an attempt would take it from an announcement that waits for its bytes.
        return sent.reject_known(known).await;
    }
    match sent.begin(FIRST_ATTEMPT, now_ms).await? {
        Moved::Taken(begun) if is_valid => sent.accept(&begun).await,
        Moved::Taken(begun) => sent.reject(&begun).await,
        Moved::Refused(known) if is_valid => sent.accept_known(*known, reprocess).await,
        Moved::Refused(known) => sent.reject_known(*known).await,
    }
}

impl Sent<'_> {
    /// Takes a valid file whose attempt has begun.
    async fn accept(&self, begun: &FileRecord) -> Result<Answer, NoAnswer> {
        let record = self.store(begun).await?;
        Ok(self.accepted(&record, false))
    }

    /// Takes a valid file again, or answers how it stands.
    async fn accept_known(&self, known: FileRecord, reprocess: bool) -> Result<Answer, NoAnswer> {
        match decide_upload(Some(known.known()), reprocess, self.now_ms) {
            Decision::Work { attempt } => {
                // A retry keeps its file's place in the order of arrival, so that it cannot win over a file that came
                // in between. A new place goes to a file that was refused before, and to one that its sender asks to
                // be processed again.
                let keeps_its_place = !reprocess && known.facts.error_count.is_none();
                let first_received = known.facts.received_at_ms.filter(|_| keeps_its_place);
                let begun = self.begin(attempt, first_received.unwrap_or(self.now_ms)).await?.into_record();
                if begun.status == FileStatus::Validating && begun.attempt == attempt {
                    return self.accept(&begun).await;
                }
                // Another upload of the same file was faster.
                Ok(self.accepted(&begun, true))
            }
            Decision::Answer => Ok(self.accepted(&known, true)),
            Decision::Exhausted => Err(exhausted().into()),
        }
    }

    /// Begins an attempt, or learns how the file stands.
    async fn begin(&self, attempt: u32, received_at_ms: u64) -> Result<Moved, Failure> {
        let facts = Facts {
            partner: Some(self.partner.as_str().to_owned()),
            received_at_ms: Some(received_at_ms),
            sha256: Some(self.findings.digest.as_str().to_owned()),
            token: Some(new_token()?),
            ..Facts::default()
        };
        self.advance(attempt, FileStatus::Validating, "received by the API", facts).await
    }

    /// Stores the object of an attempt that has begun, which starts the workflow.
    async fn store(&self, begun: &FileRecord) -> Result<FileRecord, Failure> {
        let key = ObjectStore::validated_key(&self.file_id);
        let version_id = self.put(&key, begun).await?;
        let report = &self.findings.report;
        let facts = Facts {
            key: Some(key),
            version_id,
            rows: Some(report.rows),
            totals: Some(report.totals.to_texts()),
            columns: Some(report.columns.clone()),
            ranges: Some(report.ranges.clone()),
            ..Facts::default()
        };
        let message = format!("every record is valid: {}", report.rows);
        // The workflow may have come further by now; then its word stands.
        let moved = self.advance(begun.attempt, FileStatus::Validated, message, facts).await?;
        if matches!(moved, Moved::Taken(_)) {
            tracing::info!(rows = report.rows, "accepted");
        }
        Ok(moved.into_record())
    }

    /// Refuses a file whose attempt has begun.
    async fn reject(&self, begun: &FileRecord) -> Result<Answer, NoAnswer> {
        let record = self.keep_rejected(FIRST_ATTEMPT, begun).await?;
        Ok(self.rejected(&record))
    }

    /// Refuses a file that came before.
    async fn reject_known(&self, known: FileRecord) -> Result<Answer, NoAnswer> {
        let was_refused = known.status == FileStatus::ValidationFailed && known.facts.error_count.is_some();
        let same_refusal = was_refused
            && known.facts.error_count == Some(self.findings.report.error_count)
            && known.facts.refused_statement == self.refused_statement();
        // The sender of the same gets the same answer, and the history does not grow. And a wrong statement undoes nothing:
        // neither what is done, nor what another upload is about to do, nor what an announcement waits for.
        if same_refusal || (self.findings.is_misstated && !was_refused) {
            return Ok(self.rejected(&known));
        }
        let attempt = match decide_upload(Some(known.known()), true, self.now_ms) {
            Decision::Work { attempt } => attempt,
            // The refusal is then told but not recorded, since the file stands further on.
            Decision::Answer | Decision::Exhausted => known.attempt,
        };
        let begun = self.begin(attempt, self.now_ms).await?.into_record();
        let record = self.keep_rejected(attempt, &begun).await?;
        Ok(self.rejected(&record))
    }

    /// Keeps a refused file and its report, and records the refusal.
    async fn keep_rejected(&self, attempt: u32, begun: &FileRecord) -> Result<FileRecord, Failure> {
        let key = ObjectStore::rejected_key(&self.file_id);
        let report_key = ObjectStore::report_key(&self.file_id, attempt);
        // Neither knows of the other, and the status that speaks of both comes after both.
        let (version_id, ()) = tokio::try_join!(self.put(&key, begun), self.write_report(report_key.clone()))?;
        let report = &self.findings.report;
        let facts = Facts {
            key: Some(key),
            version_id,
            rows: Some(report.rows),
            error_count: Some(report.error_count),
            report_key: Some(report_key),
            refused_statement: self.refused_statement(),
            ..Facts::default()
        };
        let message = format!("refused, errors: {}", report.error_count);
        Ok(self.advance(attempt, FileStatus::ValidationFailed, message, facts).await?.into_record())
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

    async fn put(&self, key: &str, begun: &FileRecord) -> Result<Option<String>, Failure> {
        let metadata = UploadMetadata {
            partner: self.partner.as_str().to_owned(),
            attempt: begun.attempt,
            received_at_ms: begun.facts.received_at_ms.unwrap_or(self.now_ms),
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
                 it again, so that its rows replace the later ones, send it to /upload?reprocess=true."
            }
            (true, FileStatus::Completed, true) => {
                "This file was processed before; nothing was done again. To process it again, send it to /upload?reprocess=true."
            }
            (true, _, true) => "This file is being processed already; follow it at status_path.",
        };
        let report = &self.findings.report;
        let body = json!({
            "message": message,
            "file_id": self.file_id,
            "s3_key": record.facts.key.clone().unwrap_or_else(|| ObjectStore::validated_key(&self.file_id)),
            "row_count": report.rows,
            "status": record.status,
            "status_path": status_path(record),
            "totals": report.totals.to_texts(),
            "superseded_by": record.superseded_by,
            "duplicate": duplicate,
            "dry_run": false,
        });
        Answer::json(200, &body)
    }

    fn rejected(&self, record: &FileRecord) -> Answer {
        let listed = self.findings.first_errors.len();
        let count = self.findings.report.error_count;
        let message = if record.status != FileStatus::ValidationFailed && self.findings.is_misstated {
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
