//! The table of files: one item for each, with its status and its whole history.
//!
//! A transition is one conditional update. It appends to the history, and it is rejected if the file already has the
//! same or a higher rank in the same attempt, or a later attempt. A rejected caller gets the current record.

mod batch;
mod days;
mod rejections;
mod replacements;
mod sequence;
mod unfinished;
mod uploads;

use crate::attribute::{number, text};
use crate::conditional::{self, Conditional};
use crate::failure::{Failure, FailureKind};
use crate::update::Update;
use crate::{Configuration, Tracer, clock};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use domain::csv::{ByteRange, Columns, RowError};
use domain::files::lifecycle::KnownFile;
use domain::files::unfinished::Entry;
use domain::{ControlTotals, FileId, FileStatus, PendingUpload, StatusToken, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use unfinished::listed;

pub use unfinished::UnfinishedPage;

/// The record of a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FileRecord {
    /// The key.
    pub file_id: FileId,
    /// Its latest attempt, from 1.
    pub attempt: u32,
    /// The status of that attempt.
    pub status: FileStatus,
    /// When that attempt last changed its status, in milliseconds since 1970.
    pub updated_at_ms: u64,
    /// The facts about it.
    #[serde(flatten)]
    pub facts: Facts,
    /// The later files that superseded some of its rows.
    #[serde(default)]
    pub superseded_by: BTreeSet<String>,
    /// How many of its rows later files have replaced, by file.
    #[serde(default)]
    pub replaced_by: BTreeMap<String, u32>,
    /// The versions of its object that attempts have processed.
    #[serde(default)]
    pub versions: BTreeSet<String>,
    /// Every transition of every attempt, in order.
    pub history: Vec<HistoryEntry>,
}

impl FileRecord {
    /// What decides about the file when it is received again.
    #[must_use]
    pub fn known(&self) -> KnownFile {
        KnownFile {
            attempt: self.attempt,
            status: self.status,
            updated_at_ms: self.updated_at_ms,
            is_rejected: self.is_rejected(),
        }
    }

    /// Whether its latest attempt rejected it for its content.
    #[must_use]
    pub fn is_rejected(&self) -> bool {
        self.status == FileStatus::ValidationFailed && self.facts.error_count.is_some()
    }

    /// Whether any attempt found its bytes valid: its totals are stored then and never removed. A valid file is not
    /// rejected later, even if the rules have changed.
    #[must_use]
    pub fn was_valid(&self) -> bool {
        self.facts.rows.is_some() && self.facts.totals.is_some()
    }

    /// The sequence that a retry keeps: that of the latest attempt. None if a rejection began that attempt: its time
    /// of arrival is by the clock of one host, which is no sequence. An attempt that was valid without one is of a
    /// version of this program that took the time of arrival for it.
    #[must_use]
    pub fn kept_sequence(&self) -> Option<u64> {
        self.facts.sequence.or_else(|| self.facts.received_at_ms.filter(|_| self.was_valid()))
    }

    /// The differences of a valid file from these control totals; none if the file was never valid.
    #[must_use]
    pub fn errors_against(&self, expected: &ControlTotals) -> Vec<RowError> {
        match (self.facts.rows, &self.facts.totals) {
            (Some(rows), Some(totals)) => expected.errors_of_known(rows, totals),
            _ => Vec::new(),
        }
    }

    /// Whether an attempt has processed this version of its object.
    #[must_use]
    pub fn has_worked_on(&self, version_id: &str) -> bool {
        self.versions.contains(version_id) || self.facts.version_id.as_deref() == Some(version_id)
    }

    /// The status to show at `now_ms`.
    #[must_use]
    pub fn shown_status(&self, now_ms: u64) -> FileStatus {
        self.status.shown_at(now_ms, self.facts.upload.as_ref().map(|upload| upload.expires_at_ms))
    }
}

/// The facts that a transition may add. `None` leaves the stored value.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// Who sent it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partner: Option<String>,
    /// When the bytes of this attempt were received, in milliseconds since 1970.
    #[serde(rename = "received_at", skip_serializing_if = "Option::is_none")]
    pub received_at_ms: Option<u64>,
    /// The sequence of this attempt in its partner's arrival order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// The key of its object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The version that was validated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    /// The SHA-256 of its bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Its data records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<u32>,
    /// The sums of its records, by currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub totals: Option<BTreeMap<String, String>>,
    /// The columns of its header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns: Option<Columns>,
    /// The ranges to process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ranges: Option<Vec<ByteRange>>,
    /// How many errors it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_count: Option<u64>,
    /// The key of its error report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report_key: Option<String>,
    /// Its rows that this attempt wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows_stored: Option<u32>,
    /// Its rows that an earlier attempt wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows_unchanged: Option<u32>,
    /// Its rows that a later file had superseded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows_superseded: Option<u32>,
    /// The rows of other files that it has replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows_replaced: Option<u32>,
    /// Those rows by file, up to the limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaced_files: Option<BTreeMap<FileId, u32>>,
    /// The key of its presigned upload. An object with this key is accepted if it is this file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload_key: Option<String>,
    /// The upload that its sender has not used, if any. It does not affect the status of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload: Option<PendingUpload>,
    /// The control totals for which the file was rejected, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejected_totals: Option<ControlTotals>,
    /// The token of its status page. It never changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<StatusToken>,
}

impl Facts {
    /// The sequence of this attempt. An attempt of an earlier version of this program has the time of its arrival,
    /// which is less than later sequences.
    #[must_use]
    pub fn effective_sequence(&self) -> Option<u64> {
        self.sequence.or(self.received_at_ms)
    }
}

/// The attributes of the attempt before that a new attempt removes. Those that depend only on the bytes remain.
const REMOVED_BY_A_NEW_ATTEMPT: [&str; 11] = [
    "rejected_totals",
    "version_id",
    "error_count",
    "report_key",
    "rows_stored",
    "rows_unchanged",
    "rows_superseded",
    "rows_replaced",
    "replaced_files",
    "superseded_by",
    "replaced_by",
];

/// One entry of a history.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// The status that was reached.
    pub status: FileStatus,
    /// When, RFC 3339.
    pub at: String,
    /// In which attempt.
    pub attempt: u32,
    /// What happened, as a message for people.
    pub message: String,
}

/// A step forward.
#[derive(Clone, Debug)]
pub struct Transition {
    /// The attempt that makes it.
    pub attempt: u32,
    /// The status that it reaches.
    pub status: FileStatus,
    /// What happened, as a message for people.
    pub message: String,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// The new facts.
    pub facts: Facts,
    /// Whether it uses the pending upload, which is then removed.
    pub uses_upload: bool,
}

impl Transition {
    /// A transition that happens now.
    #[must_use]
    pub fn now(attempt: u32, status: FileStatus, message: impl Into<String>, facts: Facts) -> Self {
        Self { attempt, status, message: message.into(), at_ms: clock::now_ms(), facts, uses_upload: false }
    }
}

/// The outcome of an update. Both variants have the current record.
#[derive(Clone, Debug)]
pub enum StatusUpdate {
    /// It was applied.
    Applied(Box<FileRecord>),
    /// Its condition failed: the file has changed since.
    Conflict(Box<FileRecord>),
}

impl StatusUpdate {
    /// The current record.
    #[must_use]
    pub fn into_record(self) -> FileRecord {
        match self {
            Self::Applied(record) | Self::Conflict(record) => *record,
        }
    }
}

/// The table.
#[derive(Clone, Debug)]
pub struct StatusTable {
    client: Client,
    name: String,
}

impl StatusTable {
    /// The table of this environment.
    ///
    /// # Errors
    /// A variable of the environment is missing.
    pub fn new(configuration: &Configuration) -> Result<Self, Failure> {
        Ok(Self { client: Client::new(configuration.sdk()), name: configuration.variable("STATUS_TABLE")? })
    }

    /// The current record of a file (strongly consistent).
    ///
    /// # Errors
    /// The table rejected the call or did not respond.
    pub async fn read(&self, file_id: &FileId) -> Result<Option<FileRecord>, Failure> {
        let response = self
            .client
            .get_item()
            .table_name(&self.name)
            .key("file_id", AttributeValue::S(file_id.as_str().to_owned()))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| Failure::of_call("dynamodb:GetItem", &error, FailureKind::StoreUnavailable))?;
        response.item.map(record).transpose()
    }

    /// Makes a transition, or returns the current record if the file is already there. It is a step of the trace.
    ///
    /// # Errors
    /// The table rejected the call or did not respond.
    pub async fn advance(
        &self,
        tracer: &Tracer,
        file_id: &FileId,
        transition: &Transition,
    ) -> Result<StatusUpdate, Failure> {
        tracer.step(transition.status.as_str(), self.apply(file_id, transition)).await
    }

    async fn apply(&self, file_id: &FileId, transition: &Transition) -> Result<StatusUpdate, Failure> {
        let mut condition = "(attribute_not_exists(file_id) OR attempt < :attempt \
             OR (attempt = :attempt AND #rank < :rank AND NOT contains(#status, :failed)))"
            .to_owned();
        if transition.facts.error_count.is_some() {
            // Another request may have found the file valid meanwhile, which no rejection undoes.
            condition.push_str(" AND attribute_not_exists(totals)");
        }
        let request = self.update(file_id).return_values(ReturnValue::AllNew).condition_expression(condition);
        status_update(transition_expression(request, file_id, transition)?).await
    }

    fn update(&self, file_id: &FileId) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.name)
            .key("file_id", AttributeValue::S(file_id.as_str().to_owned()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }
}

/// Sends a conditional update.
async fn status_update(request: UpdateItemFluentBuilder) -> Result<StatusUpdate, Failure> {
    Ok(match conditional::update(request).await? {
        Conditional::Applied(item) => StatusUpdate::Applied(Box::new(record(item)?)),
        Conditional::Conflict(item) => StatusUpdate::Conflict(Box::new(record(item)?)),
    })
}

/// Writes a transition as an update expression.
fn transition_expression(
    request: UpdateItemFluentBuilder,
    file_id: &FileId,
    transition: &Transition,
) -> Result<UpdateItemFluentBuilder, Failure> {
    let at = Timestamp::from_unix_milliseconds(transition.at_ms);
    let entry = HistoryEntry {
        status: transition.status,
        at: at.to_milliseconds_text(),
        attempt: transition.attempt,
        message: transition.message.clone(),
    };
    let upload_expires_at_ms = transition.facts.upload.as_ref().map(|upload| upload.expires_at_ms);
    let list_entry = Entry::after(transition.status, transition.at_ms, upload_expires_at_ms);
    let (day, timestamp) = (text(&at.day()), text(&at.to_milliseconds_text()));
    let mut update = listed(Update::new(request), file_id, list_entry).append("history", attribute(&entry)?);
    // The index has the time at which a file was first received. Until then, it has that of its first upload request.
    update = if transition.attempt == 1 && transition.status == FileStatus::Validating {
        update.set("day", day).set("timestamp", timestamp)
    } else {
        update.set_if_absent("day", day).set_if_absent("timestamp", timestamp)
    };
    let mut facts: HashMap<String, AttributeValue> = serde_dynamo::to_item(&transition.facts).map_err(unreadable)?;
    // The link that a partner was given must remain valid.
    if let Some(token) = facts.remove("token") {
        update = update.set_if_absent("token", token);
    }
    update = update
        .set_each(facts)
        .set("attempt", number(transition.attempt.into()))
        .set("rank", number(transition.status.rank().into()))
        .set("status", text(transition.status.as_str()))
        .set("updated_at", text(&at.to_milliseconds_text()))
        .set("updated_at_ms", number(transition.at_ms));
    if transition.status == FileStatus::Validating {
        update = REMOVED_BY_A_NEW_ATTEMPT.into_iter().fold(update, Update::remove);
    }
    if transition.uses_upload {
        update = update.remove("upload");
    }
    if let Some(version_id) = &transition.facts.version_id {
        update = update.add("versions", version_id);
    }
    // Every failed status ends in this word, and a failed attempt is final.
    Ok(update.build().expression_attribute_values(":failed", text("failed")))
}

fn attribute(value: &impl Serialize) -> Result<AttributeValue, Failure> {
    serde_dynamo::to_attribute_value(value).map_err(unreadable)
}

fn record(item: HashMap<String, AttributeValue>) -> Result<FileRecord, Failure> {
    serde_dynamo::from_item(item).map_err(unreadable)
}

/// A malformed item. The message has the attribute, not its value.
fn unreadable(error: serde_dynamo::Error) -> Failure {
    Failure::new(FailureKind::InvalidInput, format!("item of the status table: {error}"))
}
