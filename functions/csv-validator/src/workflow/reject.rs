//! Rejects a file that has errors.

use super::step::{ReadFile, Step};
use super::{done, rejected};
use crate::inspection::{ReportPass, log_rejection};
use adapters::status_table::{Facts, FileRecord, Transition};
use adapters::{Failure, ObjectStore};
use domain::csv::{RowError, ValidationReport};
use domain::files::lifecycle::ObjectSource;
use domain::files::task::{RejectedFile, RejectionReason, Validation};
use domain::{ControlTotals, FileId, FileStatus};

impl Step<'_> {
    /// Records that the file is rejected, with the report of its errors. The report is stored before the status that links
    /// to it. Nothing if the second reading finds no error: two different ids only looked like one.
    pub(super) async fn reject(
        &self,
        file_id: &FileId,
        known: Option<&FileRecord>,
        source: ObjectSource,
        file: &ReadFile,
        expected: &ControlTotals,
        facts: Facts,
    ) -> Result<Option<Validation>, Failure> {
        let Some((attempt, _)) = self.decide(known, source)? else {
            return Ok(Some(match known {
                Some(record) => self.nothing_to_do(record).await?,
                None => done("nobody has asked for the file"),
            }));
        };
        let rejected_before = known.filter(|record| record.is_rejected());
        let attempt = rejected_before.map_or(attempt, |record| record.attempt);
        let report_key = ObjectStore::report_key(file_id, attempt);
        if rejected_before.is_none() {
            // The upload stays pending until the rejection is recorded, and the version stays unknown: whoever tries again
            // after a failure in between has the same control totals and the same sequence.
            let begun = Facts {
                partner: facts.partner.clone(),
                key: facts.key.clone(),
                sha256: facts.sha256.clone(),
                received_at_ms: Some(file.written_at_ms),
                ..Facts::default()
            };
            self.begin(file_id, attempt, &begun, false).await?;
        }
        let (report, first_errors) =
            self.tracer.step("write report", self.write_report(file, expected, report_key.clone())).await?;
        if report.is_valid() {
            return Ok(None);
        }
        log_rejection(&report);
        let errors = report.error_count;
        let facts = Facts {
            error_count: Some(errors),
            report_key: Some(report_key.clone()),
            rejected_totals: file.findings.differs_from_totals.then(|| expected.clone()),
            ranges: None,
            totals: None,
            ..facts
        };
        let moved = match rejected_before {
            Some(record) => {
                let again = self.ports.status.reject_again(record, &facts, self.used_upload(known).is_some());
                self.tracer.step("reject again", again).await?
            }
            None => {
                let message = format!("rejected, errors: {errors}");
                let failed = Transition {
                    uses_upload: self.used_upload(known).is_some(),
                    ..Transition::now(attempt, FileStatus::ValidationFailed, message, facts)
                };
                self.ports.status.advance(self.tracer, file_id, &failed).await?
            }
        };
        let record = moved.into_record();
        if record.attempt == attempt && record.status == FileStatus::Validating && record.was_valid() {
            // Another request has taken the attempt over with the same bytes as valid, and may have died since.
            return self.proceed_as_known(file_id, record, source).await.map(Some);
        }
        if record.attempt != attempt || !record.is_rejected() {
            return Ok(Some(done("another execution was faster")));
        }
        let first = first_errors
            .first()
            .map_or(String::new(), |error| format!("; the first is {} on line {}", error.code.as_str(), error.line));
        let cause = format!("file {file_id}, errors: {errors}{first}; the report is {report_key}");
        let mut validation = rejected(RejectionReason::InvalidCsv, cause);
        validation.rejected = Some(RejectedFile { file_id: file_id.clone(), attempt });
        Ok(Some(validation))
    }

    /// Reads the version again and writes every error to the report under `key`.
    async fn write_report(
        &self,
        file: &ReadFile,
        expected: &ControlTotals,
        key: String,
    ) -> Result<(ValidationReport, Vec<RowError>), Failure> {
        let mut object = self.open().await?;
        let mut pass = ReportPass::new(file.written_at_ms, &file.findings.report, expected, &self.ports.objects, key);
        while let Some(bytes) = object.next().await? {
            pass.push(&bytes).await?;
        }
        pass.finish().await
    }
}
