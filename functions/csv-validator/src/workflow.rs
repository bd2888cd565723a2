//! The workflow's validation step: answers for whatever lies in the bucket, since that is the trust boundary.
//!
//! A file that the API has just validated is recognised by its version and not parsed again. Every other one is read
//! and checked in full. Nothing here writes where the workflow's rule listens.

use crate::Ports;
use crate::inspection::{Findings, Inspection, ReportPass, log_refusal};
use crate::upload::new_token;
use adapters::object_store::{INCOMING_PREFIX, OpenObject, UploadMetadata, VALIDATED_PREFIX};
use adapters::status_table::{Facts, FileRecord, Moved, Transition};
use adapters::{Failure, FailureKind, ObjectStore, Tracer, logging};
use domain::csv::{RowError, ValidationReport};
use domain::lifecycle::{Decision, Road, decide_event};
use domain::limits::{BUCKET_FILE_BYTES_MAX, ERRORS_IN_ANSWER_MAX};
use domain::task::{FileTask, RefusalName, Validation};
use domain::{FileId, FileStatus, Partner, Statement};
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
    /// Its size in bytes.
    #[serde(default)]
    pub size: u64,
    /// Its version.
    #[serde(rename = "version-id")]
    pub version_id: String,
}

/// Finds out what to do about the object of an event.
///
/// # Errors
/// The object cannot be looked at. That it is refused is no error but an outcome.
pub async fn validate(task: ValidateTask, ports: &Ports, tracer: &Tracer) -> Result<Validation, Failure> {
    let ObjectCreated { detail: Detail { object }, redrive } = task.event;
    if object.key.ends_with('/') {
        return Ok(done("the object is a folder"));
    }
    if object.size > BUCKET_FILE_BYTES_MAX {
        let cause =
            format!("the object has {} bytes; at most {BUCKET_FILE_BYTES_MAX} are taken. Split the file.", object.size);
        return Ok(refused(None, RefusalName::FileTooLarge, cause));
    }
    let step = Step { ports, tracer, object: &object, redrive };
    match road_of(&object.key, &ports.bucket_partners) {
        KeyRoad::Api(file_id) => step.of_the_api(file_id).await,
        KeyRoad::Bucket(partner) => step.of_the_bucket(partner).await,
        KeyRoad::Announced(partner, file_id) => step.of_an_announcement(partner, file_id).await,
        KeyRoad::Unknown(cause) => Ok(refused(None, RefusalName::UnknownPartner, cause)),
    }
}

/// The file is refused, and the log says why.
fn refused(file: Option<FileTask>, error: RefusalName, cause: impl Into<String>) -> Validation {
    let cause = cause.into();
    tracing::warn!(?error, cause, "refused");
    Validation::refused(file, error, cause)
}

/// Nothing is left to do, and the log says why.
fn done(reason: &str) -> Validation {
    tracing::info!(reason, "nothing to do");
    Validation::done()
}

/// What an object's key says about where it came from.
enum KeyRoad {
    Api(FileId),
    Bucket(Partner),
    /// Somebody put it there who announced it to the API, if the status table says so.
    Announced(Partner, FileId),
    /// Nobody whom we know puts files there. The text says why.
    Unknown(&'static str),
}

fn road_of(key: &str, bucket_partners: &[Partner]) -> KeyRoad {
    if let Some(name) = key.strip_prefix(VALIDATED_PREFIX) {
        let file_id = name.strip_suffix(".csv").and_then(FileId::parse);
        return file_id
            .map_or(KeyRoad::Unknown("the key under validated/ is not one that the API makes"), KeyRoad::Api);
    }
    let named = key.strip_prefix(INCOMING_PREFIX).and_then(|rest| rest.split_once('/'));
    let Some((partner, name)) = named.and_then(|(partner, name)| Some((Partner::named(partner)?, name))) else {
        return KeyRoad::Unknown(NOBODYS_KEY);
    };
    if bucket_partners.contains(&partner) {
        return KeyRoad::Bucket(partner);
    }
    let file_id = name.strip_suffix(".csv").and_then(FileId::parse);
    file_id.map_or(KeyRoad::Unknown(NOBODYS_KEY), |file_id| KeyRoad::Announced(partner, file_id))
}

const NOBODYS_KEY: &str = "the key is of no partner who may put files into the bucket (see the parameter BucketPartners), \
                           and of no file that was announced to the API";

/// A file whose bytes have been read.
struct ReadFile {
    upload: Option<UploadMetadata>,
    received_at_ms: u64,
    findings: Findings,
}

struct Step<'a> {
    ports: &'a Ports,
    tracer: &'a Tracer,
    object: &'a Object,
    redrive: bool,
}

impl Step<'_> {
    /// A file that the API stored: what the API found out stands, if it says so of this very version.
    async fn of_the_api(&self, file_id: FileId) -> Result<Validation, Failure> {
        logging::set_file_id(file_id.as_str());
        let known = self.read_status(&file_id).await?;
        // Where another upload is awaited, the table still names the version of the attempt before.
        let is_present = |record: &&FileRecord| {
            record.facts.version_id.as_deref() == Some(&self.object.version_id)
                && record.status != FileStatus::AwaitingUpload
        };
        if let Some(record) = known.as_ref().filter(is_present)
            && let Some(validated) = validated_facts(&record.facts)
        {
            tracing::info!("recognised: the API validated this version");
            return self.proceed(&file_id, Some(record), Road::Upload { attempt: record.attempt }, validated).await;
        }
        let file = self.read_file().await?;
        let upload = file.upload.as_ref().and_then(|upload| Some((upload.attempt, Partner::named(&upload.partner)?)));
        let Some((attempt, partner)) = upload else {
            return Ok(refused(
                None,
                RefusalName::UnknownPartner,
                "an object under validated/ that the API did not store",
            ));
        };
        if FileId::derive(&partner, &file.findings.digest) != file_id {
            return Err(invalid_input("the object under validated/ is not the file that its key names"));
        }
        self.judge(&file_id, &partner, known, Road::Upload { attempt }, file).await
    }

    /// A file that was put straight into the bucket. Its name is known only when it has been read.
    async fn of_the_bucket(&self, partner: Partner) -> Result<Validation, Failure> {
        let file = self.read_file().await?;
        let file_id = FileId::derive(&partner, &file.findings.digest);
        logging::set_file_id(file_id.as_str());
        let known = self.read_status(&file_id).await?;
        let same_object =
            known.as_ref().is_some_and(|record| record.facts.version_id.as_deref() == Some(&self.object.version_id));
        self.judge(&file_id, &partner, known, Road::Bucket { same_object }, file).await
    }

    /// A file whose sender announced it to the API, and was let put it there. Its bytes must be what was announced.
    async fn of_an_announcement(&self, partner: Partner, file_id: FileId) -> Result<Validation, Failure> {
        logging::set_file_id(file_id.as_str());
        let known = self.read_status(&file_id).await?;
        let Some(record) = known.filter(|record| record.facts.upload_key.as_deref() == Some(&self.object.key)) else {
            return Ok(refused(None, RefusalName::UnknownPartner, NOBODYS_KEY));
        };
        let same_object = record.facts.version_id.as_deref() == Some(&self.object.version_id);
        let road = Road::Bucket { same_object };
        if self.decide(Some(&record), road)?.is_none() {
            // Found out before a gigabyte is read for nothing.
            return Ok(done("the event is a repeat of an upload that is done with"));
        }
        if let Some(validated) = validated_facts(&record.facts).filter(|_| same_object) {
            tracing::info!("recognised: this version was validated before");
            return self.proceed(&file_id, Some(&record), road, validated).await;
        }
        let file = self.read_file().await?;
        if FileId::derive(&partner, &file.findings.digest) != file_id {
            return Ok(refused(None, RefusalName::ContentDiffers, "the object is not the file that was announced"));
        }
        // While a large file was read, another execution may have come further.
        let known = self.read_status(&file_id).await?;
        self.judge(&file_id, &partner, known, road, file).await
    }

    /// Decides about a file that was read here.
    async fn judge(
        &self,
        file_id: &FileId,
        partner: &Partner,
        known: Option<FileRecord>,
        road: Road,
        mut file: ReadFile,
    ) -> Result<Validation, Failure> {
        let expected = self.stated_of(known.as_ref());
        file.findings.hold(&expected, ERRORS_IN_ANSWER_MAX);
        let report = &file.findings.report;
        logging::set_partner(partner.as_str());
        tracing::info!(rows = report.rows, errors = report.error_count, "validated");
        let facts = Facts {
            partner: Some(partner.as_str().to_owned()),
            // A file that is put into the bucket again keeps its place in the order of arrival, unless it was refused, or
            // its sender asked for a new one.
            received_at_ms: match road {
                Road::Upload { .. } => Some(file.received_at_ms),
                Road::Bucket { .. } => {
                    let before = known
                        .as_ref()
                        .filter(|record| record.facts.error_count.is_none() && record.facts.reprocess != Some(true));
                    before.and_then(|record| record.facts.received_at_ms).or(Some(file.received_at_ms))
                }
            },
            key: Some(self.object.key.clone()),
            version_id: Some(self.object.version_id.clone()),
            sha256: Some(file.findings.digest.as_str().to_owned()),
            rows: Some(report.rows),
            totals: Some(report.totals.to_texts()),
            columns: Some(report.columns.clone()),
            ranges: Some(report.ranges.clone()),
            ..Facts::default()
        };
        if report.is_valid() {
            return self.proceed(file_id, known.as_ref(), road, facts).await;
        }
        match self.decide(known.as_ref(), road)? {
            Some(attempt) => match self.refuse(file_id, attempt, &file, &expected, facts.clone()).await? {
                Some(validation) => Ok(validation),
                None => self.proceed(file_id, known.as_ref(), road, facts).await,
            },
            None => Ok(done("the event is a repeat of one that was refused")),
        }
    }

    /// What was stated of the file by whoever announced it under the object's key. What is put there by another road has no
    /// statement, and what came through the API was held against its own before it was stored.
    fn stated_of(&self, known: Option<&FileRecord>) -> Statement {
        let facts = known.map(|record| &record.facts);
        let announced = facts.filter(|facts| facts.upload_key.as_deref() == Some(&self.object.key));
        announced.and_then(|facts| facts.upload_expected.clone()).unwrap_or_default()
    }

    /// The attempt to work under, or none if nothing is left to do.
    fn decide(&self, known: Option<&FileRecord>, road: Road) -> Result<Option<u32>, Failure> {
        match decide_event(known.map(FileRecord::known), road, self.redrive) {
            Decision::Work { attempt } => Ok(Some(attempt)),
            Decision::Answer => Ok(None),
            Decision::Exhausted => Err(Failure::new(FailureKind::AttemptsExhausted, "the file was tried too often")),
        }
    }

    /// Goes on to process a valid file.
    async fn proceed(
        &self,
        file_id: &FileId,
        known: Option<&FileRecord>,
        road: Road,
        mut facts: Facts,
    ) -> Result<Validation, Failure> {
        let Some(attempt) = self.decide(known, road)? else {
            return Ok(done("the event is a repeat, or a later attempt has begun"));
        };
        let came_as_far =
            known.filter(|record| record.attempt == attempt && record.status.rank() >= FileStatus::Validated.rank());
        // An attempt has one place in the order of arrival, that of whoever began it, however many versions come at once.
        facts.received_at_ms = if let Some(record) = came_as_far {
            record.facts.received_at_ms
        } else {
            facts.received_at_ms = self.begin(file_id, attempt, &facts).await?.facts.received_at_ms;
            let message = format!("every record is valid: {}", facts.rows.unwrap_or_default());
            let validated = Transition::now(attempt, FileStatus::Validated, message, facts.clone());
            let moved = self.ports.status.advance(self.tracer, file_id, &validated).await?;
            if matches!(moved, Moved::Taken(_)) {
                tracing::info!(rows = facts.rows.unwrap_or_default(), "accepted");
            }
            let record = moved.into_record();
            if record.attempt != attempt || record.status.is_final() {
                return Ok(done("another execution was faster"));
            }
            record.facts.received_at_ms
        };
        let file = file_task(file_id, attempt, &facts)?;
        Ok(Validation::process(file, facts.ranges.unwrap_or_default()))
    }

    /// Records that the file is refused, with the report of its errors. The report is stored before the status that links
    /// to it. Nothing if the second reading finds no error: two different ids only looked like one.
    async fn refuse(
        &self,
        file_id: &FileId,
        attempt: u32,
        file: &ReadFile,
        expected: &Statement,
        facts: Facts,
    ) -> Result<Option<Validation>, Failure> {
        let report_key = ObjectStore::report_key(file_id, attempt);
        self.begin(file_id, attempt, &facts).await?;
        let (report, first_errors) =
            self.tracer.step("write report", self.write_report(file, expected, report_key.clone())).await?;
        if report.is_valid() {
            return Ok(None);
        }
        log_refusal(&report);
        let errors = report.error_count;
        let task = file_task(file_id, attempt, &facts)?;
        let facts = Facts {
            error_count: Some(errors),
            report_key: Some(report_key.clone()),
            refused_statement: file.findings.differs_from_statement.then(|| expected.clone()),
            ranges: None,
            totals: None,
            ..facts
        };
        let message = format!("refused, errors: {errors}");
        let transition = Transition::now(attempt, FileStatus::ValidationFailed, message, facts);
        self.ports.status.advance(self.tracer, file_id, &transition).await?;
        let first = first_errors
            .first()
            .map_or(String::new(), |error| format!("; the first is {} on line {}", error.code.as_str(), error.line));
        let cause = format!("file {file_id}, errors: {errors}{first}; the report is {report_key}");
        Ok(Some(refused(Some(task), RefusalName::InvalidCsv, cause)))
    }

    /// Begins an attempt, or learns that it has begun. Returns how the file stands now.
    async fn begin(&self, file_id: &FileId, attempt: u32, facts: &Facts) -> Result<FileRecord, Failure> {
        let facts = Facts {
            partner: facts.partner.clone(),
            received_at_ms: facts.received_at_ms,
            // Whoever finds that nothing came of it learns from this where its bytes are.
            key: facts.key.clone(),
            sha256: facts.sha256.clone(),
            token: Some(new_token()?),
            ..Facts::default()
        };
        let message = format!("found in the bucket as {}", self.object.key);
        let begun = Transition::now(attempt, FileStatus::Validating, message, facts);
        self.ports.status.advance(self.tracer, file_id, &begun).await.map(Moved::into_record)
    }

    async fn read_status(&self, file_id: &FileId) -> Result<Option<FileRecord>, Failure> {
        self.tracer.step("read status", self.ports.status.read(file_id)).await
    }

    /// Reads the version that the event named, from its first byte to its last.
    async fn read_file(&self) -> Result<ReadFile, Failure> {
        let reading = async {
            let mut object = self.open().await?;
            // Who may write under incoming/ chooses the metadata there, and would choose his place in the order.
            let upload = object.upload.take().filter(|_| self.object.key.starts_with(VALIDATED_PREFIX));
            let received_at_ms = upload.as_ref().map_or(object.written_at_ms, |upload| upload.received_at_ms);
            let mut inspection = Inspection::new(received_at_ms);
            while let Some(bytes) = object.next().await? {
                inspection.push(&bytes);
            }
            Ok(ReadFile { upload, received_at_ms, findings: inspection.finish() })
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
        let mut pass = ReportPass::new(file.received_at_ms, &file.findings.report, expected, &self.ports.objects, key);
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
    let Facts { partner, received_at_ms, key, version_id, sha256, rows, totals, columns, ranges, .. } = facts.clone();
    let complete = rows.is_some() && totals.is_some() && columns.is_some() && ranges.is_some();
    let validated =
        Facts { partner, received_at_ms, key, version_id, sha256, rows, totals, columns, ranges, ..Facts::default() };
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
        columns: facts.columns.clone().ok_or_else(missing)?,
        rows: facts.rows.ok_or_else(missing)?,
        totals: facts.totals.clone().ok_or_else(missing)?,
    })
}
