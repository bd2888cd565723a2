//! Publishes the outcome of a file and records it. It also reports the expected files that are missing, every morning,
//! and the unfinished files, every hour.
//!
//! The outcome of a file is published once, as far as possible: for a `completed` file, nothing is published. If a run
//! is killed between publishing and recording, the next one publishes again with the same `notification_id`.

pub mod missing;
pub mod notification;
pub mod reconciliation;

use adapters::status_table::{Facts, FileRecord, StatusUpdate, Transition};
use adapters::{Configuration, Failure, FailureKind, ObjectStore, StatusTable, Topic, Tracer, logging};
use domain::files::lifecycle::notification_attempt;
use domain::files::task::{self, FileTask, RangeOutcome, RejectedFile, Validation};
use domain::{FileId, FileStatus, Schedules, Timestamp};
use futures::stream::{self, StreamExt, TryStreamExt};
use missing::Reported;
use notification::{Notification, ObjectRejected};
use reconciliation::Reconciled;
use serde::{Deserialize, Serialize};

/// How many replaced files are updated at a time.
const UPDATES_IN_FLIGHT: usize = 8;

/// The input: the task.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum NotifyTask {
    /// A file whose ranges are all processed.
    Notify {
        /// The file.
        file: FileTask,
        /// The outcomes of its ranges.
        processed: Vec<RangeOutcome>,
    },
    /// An object that the workflow rejected, which is its sender's error.
    NotifyRejection {
        /// The result of validation.
        validation: Validation,
        /// The event that started the workflow.
        event: serde_json::Value,
    },
    /// A file that the workflow gave up on.
    RecordFailure {
        /// The data of the workflow at that time.
        state: FailedState,
        /// The event that started the workflow.
        event: serde_json::Value,
    },
    /// The files of a day that were expected and are missing.
    ReportMissing {
        /// The day, in UTC; by default, yesterday.
        #[serde(default)]
        day: Option<String>,
    },
    /// The accepted files that are not in a final status after 1 hour.
    Reconcile,
}

/// The data of the workflow when it gives up. Which parts exist depends on the failed step.
#[derive(Clone, Debug, Deserialize)]
pub struct FailedState {
    validation: Option<FailedValidation>,
    error: Option<StepError>,
}

#[derive(Clone, Debug, Deserialize)]
struct FailedValidation {
    file: Option<FileTask>,
}

/// The error of a state, as the state machine passes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StepError {
    error: String,
}

/// The output of a task.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(untagged)]
pub enum Done {
    /// A notification about a file or an object.
    Notified(Notified),
    /// A report of a day.
    Reported(Reported),
    /// A check for unfinished files.
    Reconciled(Reconciled),
}

/// The output of a notification.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Notified {
    /// The file, if it is known.
    pub file_id: Option<FileId>,
    /// Its status now, if it is known.
    pub status: Option<FileStatus>,
    /// Whether a notification was published.
    pub published: bool,
}

/// The resources of the function.
#[derive(Debug)]
pub struct Ports {
    /// The table of files.
    pub status: StatusTable,
    /// The bucket of files, in which it may only list keys.
    pub objects: ObjectStore,
    /// The topic.
    pub topic: Topic,
    /// The environment in notifications.
    pub environment: String,
    /// The schedules of partners.
    pub schedules: Schedules,
}

impl Ports {
    /// The ports of this environment.
    ///
    /// # Errors
    /// A variable of the environment is missing.
    pub fn new(configuration: &Configuration) -> Result<Self, Failure> {
        Ok(Self {
            status: StatusTable::new(configuration)?,
            objects: ObjectStore::new(configuration)?,
            topic: Topic::of_notifications(configuration)?,
            environment: configuration.variable("ENVIRONMENT")?,
            schedules: configuration.schedules(),
        })
    }
}

/// Notifies about one file, reports one day, or checks for unfinished files.
///
/// # Errors
/// The processed rows differ from the validated ones, a part of the schedules cannot be read, or the table, the bucket
/// or the topic rejected a call or did not respond.
pub async fn handle(task: NotifyTask, ports: &Ports, tracer: &Tracer, now_ms: u64) -> Result<Done, Failure> {
    let sender = Sender { ports, tracer, now_ms };
    match task {
        NotifyTask::Notify { file, processed } => sender.notify_completion(&file, &processed).await.map(Done::Notified),
        NotifyTask::NotifyRejection { validation, event } => {
            sender.notify_rejection(&validation, &event).await.map(Done::Notified)
        }
        NotifyTask::RecordFailure { state, event } => sender.record_failure(&state, &event).await.map(Done::Notified),
        NotifyTask::ReportMissing { day } => {
            missing::report(day.as_deref(), ports, tracer, now_ms).await.map(Done::Reported)
        }
        NotifyTask::Reconcile => reconciliation::reconcile(ports, tracer, now_ms).await.map(Done::Reconciled),
    }
}

struct Sender<'a> {
    ports: &'a Ports,
    tracer: &'a Tracer,
    now_ms: u64,
}

impl Sender<'_> {
    async fn notify_completion(&self, file: &FileTask, processed: &[RangeOutcome]) -> Result<Notified, Failure> {
        logging::set_file_id(file.file_id.as_str());
        logging::set_partner(&file.partner);
        let sum =
            task::add_up(file, processed).map_err(|detail| Failure::new(FailureKind::ControlTotalsDiffer, detail))?;
        self.record_replaced(file, &sum).await?;
        let facts = Facts {
            rows_stored: Some(sum.stored),
            rows_unchanged: Some(sum.unchanged),
            rows_superseded: Some(sum.superseded),
            rows_replaced: Some(sum.replaced),
            replaced_files: Some(sum.replaced_files.clone()),
            ..Facts::default()
        };
        let in_effect = sum.stored + sum.unchanged;
        let message = format!(
            "rows in effect: {in_effect}, superseded by a later file: {}, rows of other files replaced: {}",
            sum.superseded, sum.replaced
        );
        let processed = Transition::now(file.attempt, FileStatus::Processed, message, facts);
        self.ports.status.advance(self.tracer, &file.file_id, &processed).await?;
        let notifying = "publishing the outcome".to_owned();
        let update = self.advance(&file.file_id, file.attempt, FileStatus::Notifying, notifying).await?;
        let record = update.into_record();
        if record.attempt != file.attempt || record.status.is_final() {
            tracing::info!(status = record.status.as_str(), "the outcome is published already");
            return Ok(Notified { file_id: Some(file.file_id.clone()), status: Some(record.status), published: false });
        }
        let history: Vec<_> = record.history.iter().map(|entry| (entry.attempt, entry.status)).collect();
        let attempt = notification_attempt(&history, file.attempt);
        self.publish(Notification {
            notification_id: Notification::id(&file.file_id, attempt, FileStatus::Completed),
            file_id: file.file_id.as_str().to_owned(),
            partner: file.partner.clone(),
            attempt: file.attempt,
            status: FileStatus::Completed,
            records_processed: sum.rows,
            rows_superseded: sum.superseded,
            rows_replaced: sum.replaced,
            replaced_files: sum.replaced_files.clone(),
            totals: file.totals.clone(),
            timestamp: self.timestamp(),
            environment: self.ports.environment.clone(),
        })
        .await?;
        if let StatusUpdate::Applied(_) =
            self.advance(&file.file_id, file.attempt, FileStatus::Completed, "outcome published").await?
        {
            tracing::info!(event = "file_completed", rows = sum.rows, "file completed");
        }
        Ok(Notified { file_id: Some(file.file_id.clone()), status: Some(FileStatus::Completed), published: true })
    }

    /// Records for each file how many of its rows this one has replaced.
    async fn record_replaced(&self, file: &FileTask, sum: &RangeOutcome) -> Result<(), Failure> {
        let sequence = file.effective_sequence();
        let updates = stream::iter(&sum.replaced_files)
            .map(|(earlier, rows)| self.ports.status.replaced(earlier, &file.file_id, sequence, *rows))
            .buffer_unordered(UPDATES_IN_FLIGHT)
            .try_collect::<()>();
        self.tracer.step("update replaced files", updates).await
    }

    /// Notifies about a rejected object. It is its sender's error: nothing failed, and nothing else is to be done.
    async fn notify_rejection(&self, validation: &Validation, event: &serde_json::Value) -> Result<Notified, Failure> {
        if let Some(RejectedFile { file_id, attempt }) = &validation.rejected {
            logging::set_file_id(file_id.as_str());
            let known = self.tracer.step("read status", self.ports.status.read(file_id)).await?;
            let Some(record) = known.filter(|record| record.attempt == *attempt && record.is_rejected()) else {
                tracing::info!("the file has changed since it was rejected");
                return Ok(Notified { file_id: Some(file_id.clone()), status: None, published: false });
            };
            self.publish(self.failure_notification(record)).await?;
            let status = Some(FileStatus::ValidationFailed);
            return Ok(Notified { file_id: Some(file_id.clone()), status, published: true });
        }
        let reason = validation.rejection.as_ref().map_or("unknown", |rejection| rejection.error.as_str());
        let object = ObjectRejected::new(event, reason, self.timestamp(), &self.ports.environment);
        let attributes = object.attributes();
        let publishing = self.ports.topic.publish(&object, &attributes);
        self.tracer.step("publish", publishing).await?;
        tracing::info!(
            event = "notification_published",
            notification_id = object.notification_id,
            reason,
            "notification published"
        );
        Ok(Notified { file_id: None, status: None, published: true })
    }

    /// Records that the workflow gave up on a file, with the failed status that follows from its current one.
    async fn record_failure(&self, state: &FailedState, event: &serde_json::Value) -> Result<Notified, Failure> {
        let error = state.error.as_ref().map_or("unknown", |error| error.error.as_str());
        let file = state.validation.as_ref().and_then(|validation| validation.file.as_ref());
        let Some(file_id) = file.map(|file| file.file_id.clone()).or_else(|| file_named_by(event)) else {
            tracing::error!(error, "the workflow gave up on an object that is not a known file");
            return Ok(Notified { file_id: None, status: None, published: false });
        };
        logging::set_file_id(file_id.as_str());
        let known = self.tracer.step("read status", self.ports.status.read(&file_id)).await?;
        let Some(mut record) = known.filter(|record| file.is_some() || is_about(event, record)) else {
            tracing::error!(error, "the workflow gave up on an object without a status");
            return Ok(Notified { file_id: Some(file_id), status: None, published: false });
        };
        let Some(attempt) = file.map(|file| file.attempt).or_else(|| attempt_stopped_by(event, &record)) else {
            tracing::warn!(error, "the event is not about the current version of the file; its status is unchanged");
            return Ok(Notified { file_id: Some(file_id), status: Some(record.status), published: false });
        };
        // Another execution may change the status in between. Each turn sees a higher rank, and there are six.
        while record.attempt == attempt
            && let Some(failure) = record.status.failure()
        {
            let message = format!("the workflow gave up: {error}");
            match self.advance(&file_id, attempt, failure, message).await? {
                StatusUpdate::Applied(updated) => record = *updated,
                StatusUpdate::Conflict(current) if current.status == record.status => break,
                StatusUpdate::Conflict(current) => record = *current,
            }
        }
        tracing::error!(
            event = "workflow_failed",
            error,
            status = record.status.as_str(),
            "the workflow gave up on the file"
        );
        let published = record.attempt == attempt && record.status.is_failed();
        let status = record.status;
        if published {
            self.publish(self.failure_notification(record)).await?;
        }
        Ok(Notified { file_id: Some(file_id), status: Some(status), published })
    }

    fn failure_notification(&self, record: FileRecord) -> Notification {
        let facts = record.facts;
        Notification {
            notification_id: Notification::id(&record.file_id, record.attempt, record.status),
            file_id: record.file_id.into(),
            partner: facts.partner.unwrap_or_default(),
            attempt: record.attempt,
            status: record.status,
            records_processed: facts.rows_stored.unwrap_or_default() + facts.rows_unchanged.unwrap_or_default(),
            rows_superseded: facts.rows_superseded.unwrap_or_default(),
            rows_replaced: facts.rows_replaced.unwrap_or_default(),
            replaced_files: facts.replaced_files.unwrap_or_default(),
            totals: facts.totals.unwrap_or_default(),
            timestamp: self.timestamp(),
            environment: self.ports.environment.clone(),
        }
    }

    async fn publish(&self, notification: Notification) -> Result<(), Failure> {
        self.tracer.step("publish", self.ports.topic.publish(&notification, &notification.attributes())).await?;
        tracing::info!(
            event = "notification_published",
            notification_id = notification.notification_id,
            "notification published"
        );
        Ok(())
    }

    async fn advance(
        &self,
        file_id: &FileId,
        attempt: u32,
        status: FileStatus,
        message: impl Into<String>,
    ) -> Result<StatusUpdate, Failure> {
        let transition = Transition::now(attempt, status, message, Facts::default());
        self.ports.status.advance(self.tracer, file_id, &transition).await
    }

    fn timestamp(&self) -> String {
        Timestamp::from_unix_milliseconds(self.now_ms).to_milliseconds_text()
    }
}

/// The attempt that failed before the end of validation: the current one, if it has the version of the event or none
/// yet. An outdated event must not fail a later attempt.
fn attempt_stopped_by(event: &serde_json::Value, record: &FileRecord) -> Option<u32> {
    let version = event.pointer("/detail/object/version-id").and_then(serde_json::Value::as_str);
    let current = record.facts.version_id.as_deref();
    (current.is_none() || current == version).then_some(record.attempt)
}

fn key_of(event: &serde_json::Value) -> Option<&str> {
    event.pointer("/detail/object/key")?.as_str()
}

/// The file id in the key of the event's object: a file of the API or a presigned upload.
fn file_named_by(event: &serde_json::Value) -> Option<FileId> {
    let key = key_of(event)?;
    let presigned = || key.strip_prefix("incoming/")?.split_once('/').map(|(_, name)| name);
    FileId::parse(key.strip_prefix("validated/").or_else(presigned)?.strip_suffix(".csv")?)
}

/// Whether an object under `incoming/` is the presigned upload of this file. A partner could name another object like
/// the file of somebody else.
fn is_about(event: &serde_json::Value, record: &FileRecord) -> bool {
    key_of(event).is_some_and(|key| !key.starts_with("incoming/") || record.facts.upload_key.as_deref() == Some(key))
}
