//! The workflow's validation step: answers for whatever lies in the bucket, since that is the trust boundary.
//!
//! A file that the API has just validated is recognised by its version and not parsed again. Every other one is read
//! and checked in full. Nothing here writes where the workflow's rule listens.

use crate::Ports;
use crate::inspection::{Findings, Inspection, ReportPass, log_refusal};
use crate::upload::new_token;
use adapters::object_store::{INCOMING_PREFIX, OpenObject, VALIDATED_PREFIX};
use adapters::status_table::{Facts, FileRecord, Moved, Transition};
use adapters::{Failure, FailureKind, ObjectStore, Tracer, logging};
use domain::csv::{RowError, ValidationReport};
use domain::lifecycle::{Decision, ObjectSource, Sequence, decide_event};
use domain::limits::{BUCKET_FILE_BYTES_MAX, ERRORS_IN_ANSWER_MAX};
use domain::task::{FileTask, RefusalName, RejectedFile, Validation};
use domain::{FileId, FileStatus, Partner, PendingUpload, Statement};
use serde::Deserialize;

/// The input of the step.
#[derive(Clone, Debug, Deserialize)]
pub struct ValidateTask {
    /// The event that started the workflow.
    pub event: ObjectCreated,
}

/// EventBridge's "Object Created" of S3, as far as it matters here. Keys are plain text in it, not URL-encoded.
#[derive(Clone, Debug, Deserialize)]
pub struct ObjectCreated {
    /// What was created.
    pub detail: Detail,
    /// Set by an operator who starts the workflow again after a failure.
    #[serde(default)]
    pub redrive: bool,
}

/// The event's detail.
#[derive(Clone, Debug, Deserialize)]
pub struct Detail {
    /// The object.
    pub object: Object,
}

/// The object that an event names.
#[derive(Clone, Debug, Deserialize)]
pub struct Object {
    /// Its key.
    pub key: String,
    /// Its size in bytes, where the event says it.
    #[serde(default)]
    pub size: Option<u64>,
    /// Its version.
    #[serde(rename = "version-id")]
    pub version_id: String,
}

/// Finds out what to do about the object of an event.
///
/// # Errors
/// The object cannot be looked at. That it is refused is no error but an outcome.
pub async fn validate(task: ValidateTask, ports: &Ports, tracer: &Tracer, now_ms: u64) -> Result<Validation, Failure> {
    let ObjectCreated { detail: Detail { object }, redrive } = task.event;
    if is_no_file(&object) {
        return Ok(done("the object is no file: a folder, or an empty marker"));
    }
    if let Some(bytes) = object.size.filter(|bytes| *bytes > BUCKET_FILE_BYTES_MAX) {
        let cause = format!("the object has {bytes} bytes; at most {BUCKET_FILE_BYTES_MAX} are taken. Split the file.");
        return Ok(refused(RefusalName::FileTooLarge, cause));
    }
    let step = Step { ports, tracer, object: &object, redrive, now_ms };
    match owner_of(&object.key, &ports.bucket_partners) {
        Owner::Api(file_id) => step.of_the_api(file_id).await,
        Owner::Bucket(partner) => step.of_the_bucket(partner).await,
        Owner::Presigned(partner, file_id) => step.of_a_presigned_upload(partner, file_id).await,
        Owner::Unknown(cause) => Ok(refused(RefusalName::UnknownPartner, cause)),
    }
}

/// Whether an object is none that anybody sends as a file: a folder, or an empty object beside a file that says that it is
/// complete, such as `day.csv.done`.
fn is_no_file(object: &Object) -> bool {
    object.key.ends_with('/') || (object.size == Some(0) && !object.key.to_ascii_lowercase().ends_with(".csv"))
}

/// The file, or the object, is rejected, and the log says why. It is its sender's mistake, and so no warning.
fn refused(error: RefusalName, cause: impl Into<String>) -> Validation {
    let cause = cause.into();
    tracing::info!(code = "object_rejected", reason = error.as_str(), cause, "rejected");
    Validation::refused(error, cause)
}

/// Nothing is left to do, and the log says why.
fn done(reason: &str) -> Validation {
    tracing::info!(reason, "nothing to do");
    Validation::done()
}

/// What an object's key says about where it came from.
enum Owner {
    Api(FileId),
    Bucket(Partner),
    /// Its sender created an upload for it by the API, if the status table says so.
    Presigned(Partner, FileId),
    /// Nobody whom we know puts files there. The text says why.
    Unknown(&'static str),
}

fn owner_of(key: &str, bucket_partners: &[Partner]) -> Owner {
    if let Some(name) = key.strip_prefix(VALIDATED_PREFIX) {
        let file_id = name.strip_suffix(".csv").and_then(FileId::parse);
        return file_id.map_or(Owner::Unknown("the key under validated/ is not one that the API makes"), Owner::Api);
    }
    let named = key.strip_prefix(INCOMING_PREFIX).and_then(|rest| rest.split_once('/'));
    let Some((partner, name)) = named.and_then(|(partner, name)| Some((Partner::named(partner)?, name))) else {
        return Owner::Unknown(NOBODYS_KEY);
    };
    if bucket_partners.contains(&partner) {
        return Owner::Bucket(partner);
    }
    let file_id = name.strip_suffix(".csv").and_then(FileId::parse);
    file_id.map_or(Owner::Unknown(NOBODYS_KEY), |file_id| Owner::Presigned(partner, file_id))
}

const NOBODYS_KEY: &str = "the key is of no partner who may put files into the bucket (see the parameter BucketPartners), \
                           and of no upload that was created by the API";

/// A file whose bytes have been read.
struct ReadFile {
    written_at_ms: u64,
    findings: Findings,
}

struct Step<'a> {
    ports: &'a Ports,
    tracer: &'a Tracer,
    object: &'a Object,
    redrive: bool,
    now_ms: u64,
}

impl Step<'_> {
    /// A file that the API stored. Everything that is believed of it is in the status table; of the object no more than that
    /// its bytes are the file's.
    async fn of_the_api(&self, file_id: FileId) -> Result<Validation, Failure> {
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
    async fn of_the_bucket(&self, partner: Partner) -> Result<Validation, Failure> {
        let file = self.read_file().await?;
        let file_id = FileId::derive(&partner, &file.findings.digest);
        logging::set_file_id(file_id.as_str());
        let known = self.read_status(&file_id).await?;
        let is_known_version = known.as_ref().is_some_and(|record| record.has_worked_on(&self.object.version_id));
        self.judge(&file_id, &partner, known, ObjectSource::Bucket { is_known_version }, file).await
    }

    /// A file whose sender created an upload for it by the API, and was let put it there.
    async fn of_a_presigned_upload(&self, partner: Partner, file_id: FileId) -> Result<Validation, Failure> {
        logging::set_file_id(file_id.as_str());
        let known = self.read_status(&file_id).await?;
        let Some(record) = known.filter(|record| record.facts.upload_key.as_deref() == Some(&self.object.key)) else {
            return Ok(refused(RefusalName::UnknownPartner, NOBODYS_KEY));
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
            return Ok(refused(RefusalName::ContentDiffers, cause));
        }
        // While a large file was read, another execution may have come further.
        let known = self.read_status(&file_id).await?;
        let source = known
            .as_ref()
            .map_or(ObjectSource::Presigned { open: None, is_known_version: false }, |record| self.presigned(record));
        self.judge(&file_id, &partner, known, source, file).await
    }

    fn presigned(&self, record: &FileRecord) -> ObjectSource {
        ObjectSource::Presigned {
            open: record.facts.upload.as_ref().map(PendingUpload::intent),
            is_known_version: record.has_worked_on(&self.object.version_id),
        }
    }

    /// Ends without work. An upload that these bytes were put by, and that asks for nothing that is left to do, is over.
    async fn nothing_to_do(&self, record: &FileRecord) -> Result<Validation, Failure> {
        if let Some(upload) = self.used_upload(Some(record)) {
            let closing = self.ports.status.close_upload(&record.file_id, upload);
            self.tracer.step("close upload", closing).await?;
        }
        Ok(done("the event is a repeat, or a later attempt has begun"))
    }

    /// The pending upload that this object was put by.
    fn used_upload<'r>(&self, known: Option<&'r FileRecord>) -> Option<&'r PendingUpload> {
        let by_upload = known.filter(|record| {
            record.facts.upload_key.as_deref() == Some(&self.object.key)
                && !record.has_worked_on(&self.object.version_id)
        });
        by_upload.and_then(|record| record.facts.upload.as_ref())
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
        let expected = self.used_upload(known.as_ref()).map(|upload| upload.expected.clone()).unwrap_or_default();
        logging::set_partner(partner.as_str());
        if let Some(record) = known.clone().filter(FileRecord::was_valid) {
            let (rows, totals) =
                (record.facts.rows.unwrap_or_default(), record.facts.totals.clone().unwrap_or_default());
            if expected.faults_of_known(rows, &totals).is_empty() {
                return self.proceed_as_known(file_id, record, source).await;
            }
            // Its sender was told so when the upload was created, unless the file came by another request in between.
            return self.nothing_to_do(&record).await;
        }
        file.findings.hold(&expected, ERRORS_IN_ANSWER_MAX);
        let report = &file.findings.report;
        tracing::info!(rows = report.rows, errors = report.error_count, "validated");
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

    /// Goes on with a file whose bytes were found valid before.
    async fn proceed_as_known(
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

    /// The attempt to work under and its place in the arrival order, or none if nothing is left to do.
    fn decide(&self, known: Option<&FileRecord>, source: ObjectSource) -> Result<Option<(u32, Sequence)>, Failure> {
        match decide_event(known.map(FileRecord::known), source, self.redrive, self.now_ms) {
            Decision::Work { attempt, sequence } => Ok(Some((attempt, sequence))),
            Decision::Answer | Decision::AttemptUnknown => Ok(None),
            Decision::Exhausted => Err(Failure::new(FailureKind::AttemptsExhausted, "the file was tried too often")),
        }
    }

    /// When the bytes of an attempt came, and its place in the arrival order: that of the attempt before, that of the request
    /// which created the upload, or the bucket's own time of an object that a partner has put there itself.
    async fn placed(
        &self,
        known: Option<&FileRecord>,
        source: ObjectSource,
        sequence: Sequence,
        facts: &Facts,
        written_at_ms: u64,
    ) -> Result<(u64, u64), Failure> {
        let before = known.filter(|_| sequence == Sequence::Kept).map(|record| &record.facts);
        if let Some((place, received_at_ms)) = before.and_then(|facts| Some((facts.place()?, facts.received_at_ms?))) {
            return Ok((place, received_at_ms));
        }
        let upload = known.and_then(|record| record.facts.upload.as_ref());
        let place = match (source, upload) {
            (ObjectSource::Bucket { .. }, _) => written_at_ms,
            (_, Some(upload)) => upload.sequence,
            (_, None) => {
                let partner = facts.partner.as_deref().and_then(Partner::named);
                let partner = partner.ok_or_else(|| invalid_input("the status item names no partner"))?;
                let drawing = self.ports.status.next_sequence(&partner, self.now_ms);
                self.tracer.step("draw sequence", drawing).await?
            }
        };
        Ok((place, written_at_ms))
    }

    /// Goes on to process a valid file.
    async fn proceed(
        &self,
        file_id: &FileId,
        known: Option<&FileRecord>,
        source: ObjectSource,
        mut facts: Facts,
        written_at_ms: u64,
    ) -> Result<Validation, Failure> {
        let Some((attempt, sequence)) = self.decide(known, source)? else {
            return match known {
                Some(record) => self.nothing_to_do(record).await,
                None => Ok(done("nobody has asked for the file")),
            };
        };
        let came_as_far =
            known.filter(|record| record.attempt == attempt && record.status.rank() >= FileStatus::Validated.rank());
        // An attempt has one place in the arrival order, that of whoever began it, however many versions come at once.
        let standing = if let Some(record) = came_as_far {
            record.clone()
        } else {
            let (place, received_at_ms) = self.placed(known, source, sequence, &facts, written_at_ms).await?;
            facts = Facts { sequence: Some(place), received_at_ms: Some(received_at_ms), ..facts };
            let begun = self.begin(file_id, attempt, known, &facts).await?;
            let message = format!("every record is valid: {}", facts.rows.unwrap_or_default());
            // The place and the time are those of whoever began.
            let found = Facts { sequence: None, received_at_ms: None, ..facts.clone() };
            let moved = match begun {
                begun if begun.attempt != attempt || begun.status.is_final() => Moved::Refused(Box::new(begun)),
                _ => {
                    let validated = Transition::now(attempt, FileStatus::Validated, message, found);
                    self.ports.status.advance(self.tracer, file_id, &validated).await?
                }
            };
            if matches!(moved, Moved::Taken(_)) {
                tracing::info!(rows = facts.rows.unwrap_or_default(), "accepted");
            }
            moved.into_record()
        };
        if standing.attempt != attempt || standing.status.is_final() {
            return Ok(done("another execution was faster"));
        }
        facts = Facts { sequence: standing.facts.sequence, received_at_ms: standing.facts.received_at_ms, ..facts };
        let file = file_task(file_id, attempt, &facts)?;
        Ok(Validation::process(file, facts.ranges.unwrap_or_default()))
    }

    /// Records that the file is rejected, with the report of its errors. The report is stored before the status that links
    /// to it. Nothing if the second reading finds no error: two different ids only looked like one.
    async fn reject(
        &self,
        file_id: &FileId,
        known: Option<&FileRecord>,
        source: ObjectSource,
        file: &ReadFile,
        expected: &Statement,
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
            let received_at_ms = Some(file.written_at_ms);
            let begun =
                Facts { received_at_ms, rows: None, totals: None, columns: None, ranges: None, ..facts.clone() };
            self.begin(file_id, attempt, known, &begun).await?;
        }
        let (report, first_errors) =
            self.tracer.step("write report", self.write_report(file, expected, report_key.clone())).await?;
        if report.is_valid() {
            return Ok(None);
        }
        log_refusal(&report);
        let errors = report.error_count;
        let facts = Facts {
            error_count: Some(errors),
            report_key: Some(report_key.clone()),
            refused_statement: file.findings.differs_from_statement.then(|| expected.clone()),
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
                let message = format!("refused, errors: {errors}");
                let transition = Transition::now(attempt, FileStatus::ValidationFailed, message, facts);
                self.ports.status.advance(self.tracer, file_id, &transition).await?
            }
        };
        let record = moved.into_record();
        if record.attempt != attempt || !record.is_rejected() {
            return Ok(Some(done("another execution was faster")));
        }
        let first = first_errors
            .first()
            .map_or(String::new(), |error| format!("; the first is {} on line {}", error.code.as_str(), error.line));
        let cause = format!("file {file_id}, errors: {errors}{first}; the report is {report_key}");
        let mut rejected = refused(RefusalName::InvalidCsv, cause);
        rejected.rejected = Some(RejectedFile { file_id: file_id.clone(), attempt });
        Ok(Some(rejected))
    }

    /// Begins an attempt, or learns that it has begun. Returns the file as it is known now.
    async fn begin(
        &self,
        file_id: &FileId,
        attempt: u32,
        known: Option<&FileRecord>,
        facts: &Facts,
    ) -> Result<FileRecord, Failure> {
        let facts = Facts {
            partner: facts.partner.clone(),
            received_at_ms: facts.received_at_ms,
            sequence: facts.sequence,
            // Whoever finds that nothing came of it learns from this where its bytes are.
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
        let begun = Transition {
            uses_upload: self.used_upload(known).is_some(),
            ..Transition::now(attempt, FileStatus::Validating, message, facts)
        };
        self.ports.status.advance(self.tracer, file_id, &begun).await.map(Moved::into_record)
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

    /// Reads the version again and writes every error to the report under `key`.
    async fn write_report(
        &self,
        file: &ReadFile,
        expected: &Statement,
        key: String,
    ) -> Result<(ValidationReport, Vec<RowError>), Failure> {
        let mut object = self.open().await?;
        let mut pass = ReportPass::new(file.written_at_ms, &file.findings.report, expected, &self.ports.objects, key);
        while let Some(bytes) = object.next().await? {
            pass.push(&bytes).await?;
        }
        pass.finish().await
    }

    async fn open(&self) -> Result<OpenObject, Failure> {
        self.ports.objects.open(&self.object.key, &self.object.version_id, None).await
    }
}

fn invalid_input(detail: &str) -> Failure {
    Failure::new(FailureKind::InvalidInput, detail)
}

/// What the API found out about a version, if it is complete. What an attempt found out later is its own.
fn validated_facts(facts: &Facts) -> Option<Facts> {
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
        sequence: facts.place(),
        columns: facts.columns.clone().ok_or_else(missing)?,
        rows: facts.rows.ok_or_else(missing)?,
        totals: facts.totals.clone().ok_or_else(missing)?,
    })
}
