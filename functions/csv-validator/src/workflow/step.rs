//! What is done about an object, by where it came from.

use super::process::validated_facts;
use super::{NOBODYS_KEY, Object, done, rejected};
use crate::Ports;
use crate::inspection::{Findings, Inspection};
use adapters::object_store::OpenObject;
use adapters::status_table::{Facts, FileRecord};
use adapters::{Failure, FailureKind, Tracer, logging};
use domain::files::lifecycle::ObjectSource;
use domain::files::task::{RejectionReason, Validation};
use domain::limits::ERRORS_IN_RESPONSE_MAX;
use domain::{ControlTotals, FileId, FileStatus, Partner, PendingUpload};

/// A file whose bytes have been read.
pub(super) struct ReadFile {
    pub(super) written_at_ms: u64,
    pub(super) findings: Findings,
}

/// One object that the step is about.
pub(super) struct Step<'a> {
    pub(super) ports: &'a Ports,
    pub(super) tracer: &'a Tracer,
    pub(super) object: &'a Object,
    pub(super) redrive: bool,
    pub(super) now_ms: u64,
}

impl Step<'_> {
    /// A file that the API stored. Everything that is believed of it is in the status table; of the object no more than that
    /// its bytes are the file's.
    pub(super) async fn of_the_api(&self, file_id: FileId) -> Result<Validation, Failure> {
        logging::set_file_id(file_id.as_str());
        let stored = |record: &FileRecord| record.status != FileStatus::AwaitingUpload && !record.is_rejected();
        let Some(record) = self.read_status(&file_id).await?.filter(stored) else {
            return Err(invalid_input("an object under validated/ that the API did not store"));
        };
        let source = ObjectSource::Api;
        if self.decide(Some(&record), source)?.is_none() {
            return Ok(done("the event is a repeat, or a later attempt has begun"));
        }
        if record.facts.version_id.as_deref() == Some(&self.object.version_id)
            && validated_facts(&record.facts).is_some()
        {
            tracing::info!("recognized: the API validated this version");
            return self.proceed_as_known(&file_id, record, source).await;
        }
        let file = self.read_file().await?;
        let partner = record.facts.partner.as_deref().and_then(Partner::named);
        if partner.is_none_or(|partner| FileId::derive(&partner, &file.findings.digest) != file_id) {
            return Err(invalid_input("the object under validated/ is not the file that its key names"));
        }
        if !record.was_valid() {
            return Err(invalid_input("an object under validated/ that the API did not find valid"));
        }
        self.proceed_as_known(&file_id, record, source).await
    }

    /// A file that was put straight into the bucket. Its name is known only when it has been read.
    pub(super) async fn of_the_bucket(&self, partner: Partner) -> Result<Validation, Failure> {
        let file = self.read_file().await?;
        let file_id = FileId::derive(&partner, &file.findings.digest);
        logging::set_file_id(file_id.as_str());
        let known = self.read_status(&file_id).await?;
        let bucket = ObjectSource::Bucket { is_known_version: false };
        let source = known.as_ref().map_or(bucket, |record| self.source_of(record, bucket));
        self.judge(&file_id, &partner, known, source, file).await
    }

    /// A file whose sender created an upload for it by the API, and was let put it there.
    pub(super) async fn of_a_presigned_upload(&self, partner: Partner, file_id: FileId) -> Result<Validation, Failure> {
        logging::set_file_id(file_id.as_str());
        let known = self.read_status(&file_id).await?;
        let Some(record) = known.filter(|record| self.is_upload_of(record)) else {
            return Ok(rejected(RejectionReason::UnknownPartner, NOBODYS_KEY));
        };
        if self.decide(Some(&record), self.presigned(&record))?.is_none() {
            // Found out before a gigabyte is read for nothing.
            return self.nothing_to_do(&record).await;
        }
        if record.was_valid() && record.has_worked_on(&self.object.version_id) {
            tracing::info!("recognized: this version was validated before");
            let source = self.presigned(&record);
            return self.proceed_as_known(&file_id, record, source).await;
        }
        let file = self.read_file().await?;
        if FileId::derive(&partner, &file.findings.digest) != file_id {
            let cause = "the object is not the file that its upload was created for";
            return Ok(rejected(RejectionReason::ContentDiffers, cause));
        }
        // While a large file was read, another execution may have come further.
        let known = self.read_status(&file_id).await?;
        let source = known
            .as_ref()
            .map_or(ObjectSource::Presigned { open: None, is_known_version: false }, |record| self.presigned(record));
        self.judge(&file_id, &partner, known, source, file).await
    }

    /// The source of this object by what is known of its file now, where it was `before`.
    pub(super) fn source_of(&self, record: &FileRecord, before: ObjectSource) -> ObjectSource {
        match before {
            ObjectSource::Api => before,
            ObjectSource::Presigned { .. } => self.presigned(record),
            // A partner with rights in the bucket may have asked the API for an upload as well.
            ObjectSource::Bucket { .. } if self.used_upload(Some(record)).is_some() => self.presigned(record),
            ObjectSource::Bucket { .. } => {
                ObjectSource::Bucket { is_known_version: record.has_worked_on(&self.object.version_id) }
            }
        }
    }

    /// The source of an object that was put by a presigned upload.
    fn presigned(&self, record: &FileRecord) -> ObjectSource {
        ObjectSource::Presigned {
            open: record.facts.upload.as_ref().map(PendingUpload::intent),
            is_known_version: record.has_worked_on(&self.object.version_id),
        }
    }

    /// Ends without work. A pending upload that these bytes were put by is removed if it requires nothing more.
    pub(super) async fn nothing_to_do(&self, record: &FileRecord) -> Result<Validation, Failure> {
        if let Some(upload) = self.used_upload(Some(record)) {
            let closing = self.ports.status.close_upload(&record.file_id, upload);
            self.tracer.step("close upload", closing).await?;
        }
        Ok(done("the event is a repeat, or a later attempt has begun"))
    }

    /// Whether this object has the key of a presigned upload of the file.
    fn is_upload_of(&self, record: &FileRecord) -> bool {
        record.facts.upload_key.as_deref() == Some(&self.object.key)
    }

    /// The pending upload that this object was put by.
    pub(super) fn used_upload<'r>(&self, known: Option<&'r FileRecord>) -> Option<&'r PendingUpload> {
        let by_upload =
            known.filter(|record| self.is_upload_of(record) && !record.has_worked_on(&self.object.version_id));
        by_upload.and_then(|record| record.facts.upload.as_ref())
    }

    /// The control totals of this object. They belong to the request for the upload that put it. Bytes that are put by the
    /// same URL once more, after they were rejected for control totals, are rejected for the same.
    fn expected(&self, known: Option<&FileRecord>) -> ControlTotals {
        if let Some(upload) = self.used_upload(known) {
            return upload.expected.clone();
        }
        known
            .filter(|record| self.is_upload_of(record) && record.is_rejected())
            .and_then(|record| record.facts.rejected_totals.clone())
            .unwrap_or_default()
    }

    /// Decides about a file that was read here.
    async fn judge(
        &self,
        file_id: &FileId,
        partner: &Partner,
        known: Option<FileRecord>,
        source: ObjectSource,
        mut file: ReadFile,
    ) -> Result<Validation, Failure> {
        let expected = self.expected(known.as_ref());
        logging::set_partner(partner.as_str());
        if let Some(record) = known.clone().filter(FileRecord::was_valid) {
            if record.errors_against(&expected).is_empty() {
                return self.proceed_as_known(file_id, record, source).await;
            }
            // The response to the request for the upload said so, unless the file was received by another request in between.
            return self.nothing_to_do(&record).await;
        }
        file.findings.check(&expected, ERRORS_IN_RESPONSE_MAX);
        let report = &file.findings.report;
        tracing::info!(event = "file_validated", rows = report.rows, errors = report.error_count, "validated");
        let facts = Facts {
            partner: Some(partner.as_str().to_owned()),
            key: Some(self.object.key.clone()),
            version_id: Some(self.object.version_id.clone()),
            sha256: Some(file.findings.digest.as_str().to_owned()),
            rows: Some(report.rows),
            totals: Some(report.totals.to_texts()),
            columns: Some(report.columns.clone()),
            ranges: Some(report.ranges.clone()),
            ..Facts::default()
        };
        let written_at_ms = file.written_at_ms;
        if !report.is_valid()
            && let Some(rejected) =
                self.reject(file_id, known.as_ref(), source, &file, &expected, facts.clone()).await?
        {
            return Ok(rejected);
        }
        self.proceed(file_id, known.as_ref(), source, facts, written_at_ms).await
    }

    async fn read_status(&self, file_id: &FileId) -> Result<Option<FileRecord>, Failure> {
        self.tracer.step("read status", self.ports.status.read(file_id)).await
    }

    /// Reads the version that the event named, from its first byte to its last.
    async fn read_file(&self) -> Result<ReadFile, Failure> {
        let reading = async {
            let mut object = self.open().await?;
            let written_at_ms = object.written_at_ms;
            let mut inspection = Inspection::new(written_at_ms);
            while let Some(bytes) = object.next().await? {
                inspection.push(&bytes);
            }
            Ok(ReadFile { written_at_ms, findings: inspection.finish() })
        };
        self.tracer.step("validate", reading).await
    }

    pub(super) async fn open(&self) -> Result<OpenObject, Failure> {
        self.ports.objects.open(&self.object.key, &self.object.version_id, None).await
    }
}

pub(super) fn invalid_input(detail: &str) -> Failure {
    Failure::new(FailureKind::InvalidInput, detail)
}
