//! How `POST /upload` rejects a file: it is stored with a report of its errors, and its status says so, unless something
//! better is known of it.

use super::responses::exhausted;
use super::{FIRST_ATTEMPT, Sent, Turn};
use crate::inspection::ReportPass;
use adapters::status_table::{Facts, FileRecord, StatusUpdate};
use adapters::{Failure, ObjectStore};
use api::ApiError;
use domain::files::lifecycle::{Decision, Intent, decide_upload};
use domain::{ControlTotals, FileStatus};

impl Sent<'_> {
    /// Rejects this upload, and records that where nothing better is known of the file than an earlier rejection.
    pub(super) async fn reject(&self, known: Option<&FileRecord>, only_totals_differ: bool) -> Result<Turn, ApiError> {
        let Some(known) = known else { return self.reject_attempt(FIRST_ATTEMPT).await };
        if known.is_rejected() {
            return self.reject_again(known).await;
        }
        // Control totals undo nothing: neither what is done, nor what another request is about to do. A file that is valid is
        // known as one from its first status on, so that here a rejection has begun whose handler may have died.
        let was_begun = known.status == FileStatus::Validating && !known.was_valid();
        if only_totals_differ && !was_begun {
            return Err(self.rejected(known).into());
        }
        match decide_upload(Some(known.known()), Intent::Process, self.now_ms) {
            Decision::Work { attempt, .. } => self.reject_attempt(attempt).await,
            Decision::Exhausted => Err(exhausted().into()),
            Decision::Existing | Decision::AttemptUnknown => Err(self.rejected(known).into()),
        }
    }

    /// Rejects a file under an attempt that begins with that.
    async fn reject_attempt(&self, attempt: u32) -> Result<Turn, ApiError> {
        let arrival = Facts { received_at_ms: Some(self.now_ms), ..Facts::default() };
        match self.begin(attempt, arrival, Facts::default()).await? {
            StatusUpdate::Applied(_) => {}
            // Another request has begun to reject it. One that has found it valid is right.
            StatusUpdate::Conflict(begun)
                if begun.status == FileStatus::Validating && begun.attempt == attempt && !begun.was_valid() => {}
            StatusUpdate::Conflict(current) => return Ok(Turn::Moved(current)),
        }
        let facts = self.keep_rejected(attempt).await?;
        let message = format!("rejected, errors: {}", self.findings.report.error_count);
        match self.advance(attempt, FileStatus::ValidationFailed, message, facts).await? {
            StatusUpdate::Applied(record) => Err(self.rejected(&record).into()),
            StatusUpdate::Conflict(record) => Ok(Turn::Moved(record)),
        }
    }

    /// Rejects a file whose status is a rejection. The same errors change nothing; others replace those that are recorded.
    async fn reject_again(&self, known: &FileRecord) -> Result<Turn, ApiError> {
        let facts = &known.facts;
        let is_same = facts.error_count == Some(self.findings.report.error_count)
            && facts.rejected_totals == self.rejected_totals();
        if is_same {
            return Err(self.rejected(known).into());
        }
        let facts = self.keep_rejected(known.attempt).await?;
        let again = self.ports.status.reject_again(known, &facts, false);
        match self.tracer.step("reject again", again).await? {
            StatusUpdate::Applied(record) => Err(self.rejected(&record).into()),
            StatusUpdate::Conflict(current) => Ok(Turn::Moved(current)),
        }
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
            rejected_totals: self.rejected_totals(),
            ..Facts::default()
        })
    }

    /// The control totals, if the file is rejected for them.
    fn rejected_totals(&self) -> Option<ControlTotals> {
        self.findings.differs_from_totals.then(|| self.expected.clone())
    }

    async fn write_report(&self, key: String) -> Result<(), Failure> {
        let findings = &self.findings.report;
        let mut pass = ReportPass::new(self.now_ms, findings, &self.expected, &self.ports.objects, key);
        pass.push(&self.bytes).await?;
        pass.finish().await.map(|_| ())
    }
}
