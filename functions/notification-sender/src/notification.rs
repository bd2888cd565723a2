//! What a subscriber is told of a file.

use adapters::object_store::INCOMING_PREFIX;
use adapters::{Failure, Topic};
use domain::{FileId, FileStatus, Partner};
use futures::stream::{self, StreamExt};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// How many messages are published at a time.
const MESSAGES_IN_FLIGHT: usize = 8;

/// What a subscriber gets, as JSON.
#[derive(Clone, Debug, Serialize)]
pub struct Notification {
    /// The same for every repeat of this notification, so that a subscriber can recognise one.
    pub notification_id: String,
    /// The file.
    pub file_id: String,
    /// Who sent it.
    pub partner: String,
    /// The attempt that ended.
    pub attempt: u32,
    /// How it ended.
    pub status: FileStatus,
    /// How many of its records were processed.
    pub records_processed: u32,
    /// How many of those were left as a later file had written them.
    pub rows_superseded: u32,
    /// How many rows of other files were replaced.
    pub rows_replaced: u32,
    /// Those rows by file, of the first files.
    pub replaced_files: BTreeMap<FileId, u32>,
    /// The sums of its records, by currency, as texts.
    pub totals: BTreeMap<String, String>,
    /// When it ended, RFC 3339.
    pub timestamp: String,
    /// The environment of the stack.
    pub environment: String,
}

impl Notification {
    /// The id of the notification that `file_id`'s `attempt` ended in `status`. A completion has the
    /// [attempt that it is announced under](domain::files::lifecycle::notification_attempt).
    #[must_use]
    pub fn id(file_id: &FileId, attempt: u32, status: FileStatus) -> String {
        format!("{file_id}-{attempt}-{}", status.as_str())
    }

    /// By what a subscription can filter.
    #[must_use]
    pub fn attributes(&self) -> [(&'static str, &str); 4] {
        [
            ("notification_id", &self.notification_id),
            ("status", self.status.as_str()),
            ("partner", &self.partner),
            ("environment", &self.environment),
        ]
    }
}

/// What a subscriber gets of an object in the bucket that is nobody's file, or too large to be one, as JSON.
#[derive(Clone, Debug, Serialize)]
pub struct ObjectRejected {
    /// The same for every repeat of this notification.
    pub notification_id: String,
    /// The object's key.
    pub key: String,
    /// The partner whose name the key has, if it has one.
    pub partner: String,
    /// What this message is about, beside the statuses in which files end.
    pub status: &'static str,
    /// Why, by a stable code.
    pub reason: &'static str,
    /// When it was rejected, RFC 3339.
    pub timestamp: String,
    /// The environment of the stack.
    pub environment: String,
}

/// The status of an object that is no file of anybody.
pub const OBJECT_REJECTED: &str = "object_rejected";

impl ObjectRejected {
    /// The notification of the object that `event` names.
    #[must_use]
    pub fn new(event: &Value, reason: &'static str, timestamp: String, environment: &str) -> Self {
        let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (key, version_id) = (text("/detail/object/key"), text("/detail/object/version-id"));
        let of_partner = key.strip_prefix(INCOMING_PREFIX).and_then(|rest| rest.split_once('/'));
        let partner = of_partner.and_then(|(name, _)| Partner::named(name));
        Self {
            notification_id: format!("{version_id}-{OBJECT_REJECTED}"),
            partner: partner.map_or_else(String::new, |partner| partner.as_str().to_owned()),
            key,
            status: OBJECT_REJECTED,
            reason,
            timestamp,
            environment: environment.to_owned(),
        }
    }

    /// By what a subscription can filter. SNS takes no empty attribute.
    #[must_use]
    pub fn attributes(&self) -> Vec<(&'static str, &str)> {
        let all = [
            ("notification_id", self.notification_id.as_str()),
            ("status", self.status),
            ("partner", &self.partner),
            ("environment", &self.environment),
        ];
        all.into_iter().filter(|(_, value)| !value.is_empty()).collect()
    }
}

/// Publishes all of these messages, each with its attributes, whatever becomes of single ones.
///
/// # Errors
/// The topic refused one of them or did not answer.
pub async fn publish_all<Message: Serialize>(
    messages: &[Message],
    attributes: impl Fn(&Message) -> [(&'static str, String); 4],
    topic: &Topic,
) -> Result<(), Failure> {
    let one = async |message: &Message| {
        let attributes = attributes(message);
        topic.publish(message, &attributes.each_ref().map(|(name, value)| (*name, value.as_str()))).await
    };
    let results: Vec<Result<(), Failure>> =
        stream::iter(messages).map(one).buffer_unordered(MESSAGES_IN_FLIGHT).collect().await;
    results.into_iter().collect()
}
