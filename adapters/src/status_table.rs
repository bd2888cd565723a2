//! The table of files: one item for each, with its status and its whole history.
//!
//! A transition is one conditional update. It appends to the history and is refused where the file has already come as
//! far in the same attempt, or has a later one; whoever is refused learns what stands.

mod batch;
mod days;
mod unfinished;

use crate::conditional::{self, Conditional};
use crate::failure::{Failure, FailureKind};
use crate::{Configuration, Tracer, clock};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use domain::csv::{ByteRange, Columns};
use domain::lifecycle::KnownFile;
use domain::limits::SUPERSEDED_BY_MAX;
use domain::unfinished::Place;
use domain::{FileId, FileStatus, Statement, StatusToken, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use unfinished::Placed;

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
    /// Every transition of every attempt, in order.
    pub history: Vec<HistoryEntry>,
}

impl FileRecord {
    /// What decides about the file when it comes again.
    #[must_use]
    pub fn known(&self) -> KnownFile {
        KnownFile { attempt: self.attempt, status: self.status, updated_at_ms: self.updated_at_ms }
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
    /// Its rows that stand because of this attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows_stored: Option<u32>,
    /// Its rows that stood already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows_unchanged: Option<u32>,
    /// Its rows that a later file had overtaken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows_superseded: Option<u32>,
    /// Where its sender may put its bytes, since the API gave a URL for it. Whatever lies there is accepted if it is this file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload_key: Option<String>,
    /// How many bytes that URL takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload_bytes: Option<u64>,
    /// Until when that URL works, in milliseconds since 1970.
    #[serde(rename = "upload_expires_at", skip_serializing_if = "Option::is_none")]
    pub upload_expires_at_ms: Option<u64>,
    /// What its sender stated of the file when announcing it: it is held against this when its bytes are there. The last
    /// announcement counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload_expected: Option<Statement>,
    /// The statement that the file was refused for, where it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused_statement: Option<Statement>,
    /// Whether the awaited upload was asked for so that its rows win over later ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reprocess: Option<bool>,
    /// What opens its status page. It is chosen once and never changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<StatusToken>,
}

/// What a new attempt forgets of the one before, once its bytes are there: everything that it will find out anew.
const FORGOTTEN_BY_A_NEW_ATTEMPT: [&str; 10] = [
    "reprocess",
    "refused_statement",
    "version_id",
    "ranges",
    "error_count",
    "report_key",
    "rows_stored",
    "rows_unchanged",
    "rows_superseded",
    "superseded_by",
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
}

impl Transition {
    /// A transition that happens now.
    #[must_use]
    pub fn now(attempt: u32, status: FileStatus, message: impl Into<String>, facts: Facts) -> Self {
        Self { attempt, status, message: message.into(), at_ms: clock::now_ms(), facts }
    }
}

/// What became of a transition. Either way it tells how the file stands now.
#[derive(Clone, Debug)]
pub enum Moved {
    /// It was taken.
    Taken(Box<FileRecord>),
    /// The file had come as far, or further.
    Refused(Box<FileRecord>),
}

impl Moved {
    /// How the file stands now.
    #[must_use]
    pub fn into_record(self) -> FileRecord {
        match self {
            Self::Taken(record) | Self::Refused(record) => *record,
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
    pub async fn advance(&self, tracer: &Tracer, file_id: &FileId, transition: &Transition) -> Result<Moved, Failure> {
        tracer.step(transition.status.as_str(), self.update_forward(file_id, transition)).await
    }

    async fn update_forward(&self, file_id: &FileId, transition: &Transition) -> Result<Moved, Failure> {
        let request = self.update(file_id).return_values(ReturnValue::AllNew).condition_expression(
            "attribute_not_exists(file_id) OR attempt < :attempt \
             OR (attempt = :attempt AND #rank < :rank AND NOT contains(#status, :failed))",
        );
        moved(transition_expression(request, file_id, transition)?).await
    }

    /// Prolongs the wait for an upload that is awaited already, or learns that it has come. A wait that goes on is no
    /// transition, so that the history does not grow however often a URL is asked for.
    ///
    /// # Errors
    /// The table refused the call or did not answer.
    pub async fn await_longer(&self, file_id: &FileId, attempt: u32, facts: &Facts) -> Result<Moved, Failure> {
        let attributes: HashMap<String, AttributeValue> = serde_dynamo::to_item(facts).map_err(unreadable)?;
        let place = Place::after(FileStatus::AwaitingUpload, clock::now_ms(), facts.upload_expires_at_ms);
        let Placed { request, mut sets, .. } = Placed::new(self.update(file_id), file_id, place);
        sets.extend(attributes.keys().map(|name| format!("#{name} = :{name}")));
        let mut request = request
            .return_values(ReturnValue::AllNew)
            .update_expression(format!("SET {}", sets.join(", ")))
            .condition_expression("attempt = :attempt AND #status = :awaiting")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":attempt", AttributeValue::N(attempt.to_string()))
            .expression_attribute_values(
                ":awaiting",
                AttributeValue::S(FileStatus::AwaitingUpload.as_str().to_owned()),
            );
        for (name, value) in attributes {
            request = request
                .expression_attribute_names(format!("#{name}"), &name)
                .expression_attribute_values(format!(":{name}"), value);
        }
        moved(request).await
    }

    /// Notes that the file `later`, which arrived at `later_received_at_ms`, has replaced rows of the file `earlier`.
    /// Nothing is noted if `earlier` has since been processed again, so that it is the later one.
    ///
    /// # Errors
    /// The table refused the call or did not answer.
    pub async fn supersede(&self, earlier: &FileId, later: &FileId, later_received_at_ms: u64) -> Result<(), Failure> {
        let request = self
            .update(earlier)
            .update_expression("ADD superseded_by :later_set")
            .condition_expression(
                "attribute_exists(file_id) AND (attribute_not_exists(superseded_by) OR size(superseded_by) < :most) \
                 AND (received_at < :received_at OR (received_at = :received_at AND file_id < :later))",
            )
            .expression_attribute_values(":later_set", AttributeValue::Ss(vec![later.as_str().to_owned()]))
            .expression_attribute_values(":later", AttributeValue::S(later.as_str().to_owned()))
            .expression_attribute_values(":received_at", AttributeValue::N(later_received_at_ms.to_string()))
            .expression_attribute_values(":most", AttributeValue::N(SUPERSEDED_BY_MAX.to_string()));
        conditional::update(request).await.map(drop)
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
async fn moved(request: UpdateItemFluentBuilder) -> Result<Moved, Failure> {
    Ok(match conditional::update(request).await? {
        Conditional::Taken(item) => Moved::Taken(Box::new(record(item)?)),
        Conditional::Refused(item) => Moved::Refused(Box::new(record(item)?)),
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
    let place = Place::after(transition.status, transition.at_ms, transition.facts.upload_expires_at_ms);
    let Placed { mut request, mut sets, mut removes } = Placed::new(request, file_id, place);
    sets.extend([
        "#history = list_append(if_not_exists(#history, :no_history), :entry)".to_owned(),
        // The index answers when a file first came; that never changes.
        "#day = if_not_exists(#day, :day)".to_owned(),
        "#timestamp = if_not_exists(#timestamp, :timestamp)".to_owned(),
    ]);
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
    let mut expression = format!("SET {}", sets.join(", "));
    if transition.status == FileStatus::Validating {
        removes.extend(FORGOTTEN_BY_A_NEW_ATTEMPT);
    }
    if !removes.is_empty() {
        expression.push_str(&format!(" REMOVE {}", removes.join(", ")));
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
