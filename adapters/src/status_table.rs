//! The table of files: one item for each, with its status and its whole history.
//!
//! A transition is one conditional update. It appends to the history and is refused where the file has already come as
//! far in the same attempt, or has a later one; whoever is refused learns what stands.

mod batch;
mod days;
mod rejections;
mod replacements;
mod sequence;
mod unfinished;
mod uploads;

use crate::conditional::{self, Conditional};
use crate::failure::{Failure, FailureKind};
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
use unfinished::Listing;

pub use unfinished::{UnfinishedCursor, UnfinishedPage};

/// What the table holds of a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FileRecord {
    /// The key.
    pub file_id: FileId,
    /// Its latest attempt, from 1.
    pub attempt: u32,
    /// Where that attempt stands.
    pub status: FileStatus,
    /// When that attempt last moved, in milliseconds since 1970.
    pub updated_at_ms: u64,
    /// What has been found out about it.
    #[serde(flatten)]
    pub facts: Facts,
    /// The later files whose rows have replaced some of its own, or kept them from being written.
    #[serde(default)]
    pub superseded_by: BTreeSet<String>,
    /// How many of its rows later files have replaced since it was processed, by file.
    #[serde(default)]
    pub replaced_by: BTreeMap<String, u32>,
    /// Every version of its bytes in the bucket that an attempt has worked on.
    #[serde(default)]
    pub versions: BTreeSet<String>,
    /// Every transition of every attempt, in order.
    pub history: Vec<HistoryEntry>,
}

impl FileRecord {
    /// What decides about the file when it comes again.
    #[must_use]
    pub fn known(&self) -> KnownFile {
        KnownFile {
            attempt: self.attempt,
            status: self.status,
            updated_at_ms: self.updated_at_ms,
            is_rejected: self.is_rejected(),
        }
    }

    /// Whether its latest attempt rejected it for what it holds.
    #[must_use]
    pub fn is_rejected(&self) -> bool {
        self.status == FileStatus::ValidationFailed && self.facts.error_count.is_some()
    }

    /// Whether its bytes were found valid, in whatever attempt: the totals are written then and never taken away. What was
    /// valid once is not rejected later, whatever has become of the rules since.
    #[must_use]
    pub fn was_valid(&self) -> bool {
        self.facts.rows.is_some() && self.facts.totals.is_some()
    }

    /// The sequence that a retry keeps: that of the latest attempt. None if a rejection began that attempt, because its time
    /// of arrival is by the clock of one host and no sequence. An attempt that was valid without one is of a version of this
    /// program that took the time of arrival for it.
    #[must_use]
    pub fn kept_sequence(&self) -> Option<u64> {
        self.facts.sequence.or_else(|| self.facts.received_at_ms.filter(|_| self.was_valid()))
    }

    /// In what a file that was found valid differs from what its sender expects of it. Nothing, if it was not.
    #[must_use]
    pub fn errors_against(&self, expected: &ControlTotals) -> Vec<RowError> {
        match (self.facts.rows, &self.facts.totals) {
            (Some(rows), Some(totals)) => expected.errors_of_known(rows, totals),
            _ => Vec::new(),
        }
    }

    /// Whether an attempt has worked on this version of its bytes.
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

/// What a transition may add to what is known. `None` leaves what stands.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// Who sent it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partner: Option<String>,
    /// When this attempt's bytes arrived, in milliseconds since 1970.
    #[serde(rename = "received_at", skip_serializing_if = "Option::is_none")]
    pub received_at_ms: Option<u64>,
    /// This attempt's place in its partner's arrival order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// Where its bytes lie.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Which version of them was validated.
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
    /// What its header says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns: Option<Columns>,
    /// The ranges to process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ranges: Option<Vec<ByteRange>>,
    /// How many errors it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_count: Option<u64>,
    /// Where its error report lies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report_key: Option<String>,
    /// Its rows that this attempt has written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows_stored: Option<u32>,
    /// Its rows that an earlier attempt had written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows_unchanged: Option<u32>,
    /// Its rows that a later file had written before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows_superseded: Option<u32>,
    /// The rows of other files that it has replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows_replaced: Option<u32>,
    /// Those rows by file, of the first files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaced_files: Option<BTreeMap<FileId, u32>>,
    /// Where its sender may put its bytes, since the API gave a URL for it. Whatever lies there is accepted if it is this file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload_key: Option<String>,
    /// The upload that its sender has not used, if there is one. It stands beside the file's status and changes nothing of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload: Option<PendingUpload>,
    /// The control_totals that the file was refused for, where it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejected_totals: Option<ControlTotals>,
    /// What opens its status page. It is chosen once and never changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<StatusToken>,
}

impl Facts {
    /// This attempt's place in the arrival order. An attempt of an earlier version of this program has the time of its
    /// arrival, which later places are greater than.
    #[must_use]
    pub fn effective_sequence(&self) -> Option<u64> {
        self.sequence.or(self.received_at_ms)
    }
}

/// What a new attempt removes of the one before: what it will find out anew. What follows from the bytes alone stays.
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
    /// What happened, in words.
    pub message: String,
}

/// A step forward.
#[derive(Clone, Debug)]
pub struct Transition {
    /// The attempt that makes it.
    pub attempt: u32,
    /// The status that it reaches.
    pub status: FileStatus,
    /// What happened, in words.
    pub message: String,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// What was found out.
    pub facts: Facts,
    /// Whether it uses the pending upload, which there is no more then.
    pub uses_upload: bool,
}

impl Transition {
    /// A transition that happens now.
    #[must_use]
    pub fn now(attempt: u32, status: FileStatus, message: impl Into<String>, facts: Facts) -> Self {
        Self { attempt, status, message: message.into(), at_ms: clock::now_ms(), facts, uses_upload: false }
    }
}

/// What became of a transition. Either way it tells how the file stands now.
#[derive(Clone, Debug)]
pub enum StatusUpdate {
    /// It was taken.
    Applied(Box<FileRecord>),
    /// The file had come as far, or further.
    Conflict(Box<FileRecord>),
}

impl StatusUpdate {
    /// How the file stands now.
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

    /// How the file stands, as of every write that was answered before.
    ///
    /// # Errors
    /// The table refused the call or did not answer.
    pub async fn read(&self, file_id: &FileId) -> Result<Option<FileRecord>, Failure> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.name)
            .key("file_id", AttributeValue::S(file_id.as_str().to_owned()))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| Failure::of_call("dynamodb:GetItem", &error, FailureKind::StoreUnavailable))?;
        answer.item.map(record).transpose()
    }

    /// Moves the file forward, or learns that it is there already. It is a step of the trace.
    ///
    /// # Errors
    /// The table refused the call or did not answer.
    pub async fn advance(
        &self,
        tracer: &Tracer,
        file_id: &FileId,
        transition: &Transition,
    ) -> Result<StatusUpdate, Failure> {
        tracer.step(transition.status.as_str(), self.update_forward(file_id, transition)).await
    }

    async fn update_forward(&self, file_id: &FileId, transition: &Transition) -> Result<StatusUpdate, Failure> {
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

/// What became of an update under a condition.
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
    let number = |value: u64| AttributeValue::N(value.to_string());
    let text = |value: String| AttributeValue::S(value);
    let upload_expires_at_ms = transition.facts.upload.as_ref().map(|upload| upload.expires_at_ms);
    let entry_of_list = Entry::after(transition.status, transition.at_ms, upload_expires_at_ms);
    let Listing { mut request, mut sets, mut removes } = Listing::new(request, file_id, entry_of_list);
    sets.push("#history = list_append(if_not_exists(#history, :no_history), :entry)".to_owned());
    // The index answers when a file first came. Until then it has the time at which its upload was created.
    sets.extend(if transition.attempt == 1 && transition.status == FileStatus::Validating {
        ["#day = :day".to_owned(), "#timestamp = :timestamp".to_owned()]
    } else {
        ["#day = if_not_exists(#day, :day)".to_owned(), "#timestamp = if_not_exists(#timestamp, :timestamp)".to_owned()]
    });
    for name in ["history", "day", "timestamp"] {
        request = request.expression_attribute_names(format!("#{name}"), name);
    }
    request = request
        // Every failed status ends in this word, and a failed attempt is over.
        .expression_attribute_values(":failed", text("failed".to_owned()))
        .expression_attribute_values(":no_history", AttributeValue::L(Vec::new()))
        .expression_attribute_values(":entry", AttributeValue::L(vec![attribute(&entry)?]))
        .expression_attribute_values(":day", text(at.day()))
        .expression_attribute_values(":timestamp", text(at.to_milliseconds_text()));

    let mut attributes: HashMap<String, AttributeValue> =
        serde_dynamo::to_item(&transition.facts).map_err(unreadable)?;
    attributes.extend([
        ("attempt".to_owned(), number(transition.attempt.into())),
        ("rank".to_owned(), number(transition.status.rank().into())),
        ("status".to_owned(), text(transition.status.as_str().to_owned())),
        ("updated_at".to_owned(), text(at.to_milliseconds_text())),
        ("updated_at_ms".to_owned(), number(transition.at_ms)),
    ]);
    for (name, value) in attributes {
        sets.push(match name.as_str() {
            // The link that a partner was given must go on working.
            "token" => "#token = if_not_exists(#token, :token)".to_owned(),
            name => format!("#{name} = :{name}"),
        });
        request = request
            .expression_attribute_names(format!("#{name}"), &name)
            .expression_attribute_values(format!(":{name}"), value);
    }
    if transition.status == FileStatus::Validating {
        removes
            .extend(REMOVED_BY_A_NEW_ATTEMPT.into_iter().filter(|name| !sets.contains(&format!("#{name} = :{name}"))));
    }
    if transition.uses_upload {
        removes.push("upload");
    }
    let mut expression = format!("SET {}", sets.join(", "));
    if !removes.is_empty() {
        expression.push_str(&format!(" REMOVE {}", removes.join(", ")));
    }
    if let Some(version_id) = &transition.facts.version_id {
        expression.push_str(" ADD versions :versions");
        request = request.expression_attribute_values(":versions", AttributeValue::Ss(vec![version_id.clone()]));
    }
    Ok(request.update_expression(expression))
}

fn attribute(value: &impl Serialize) -> Result<AttributeValue, Failure> {
    serde_dynamo::to_attribute_value(value).map_err(unreadable)
}

fn record(item: HashMap<String, AttributeValue>) -> Result<FileRecord, Failure> {
    serde_dynamo::from_item(item).map_err(unreadable)
}

/// An item that is not one of ours. The message names the attribute, not its value.
fn unreadable(error: serde_dynamo::Error) -> Failure {
    Failure::new(FailureKind::InvalidInput, format!("item of the status table: {error}"))
}
