//! The notifications about files and objects.

use adapters::object_store::INCOMING_PREFIX;
use adapters::{Failure, Topic};
use domain::{FileId, FileStatus, Partner};
use futures::stream::{self, StreamExt};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// How many messages are published at a time.
const MESSAGES_IN_FLIGHT: usize = 8;

/// The notification about a file, as JSON.
#[derive(Clone, Debug, Serialize)]
pub struct Notification {
    /// The same for every repeat of this notification, so that a subscriber can recognize one.
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
    /// How many of those were superseded by a later file.
    pub rows_superseded: u32,
    /// How many rows of other files were replaced.
    pub rows_replaced: u32,
    /// Those rows by file, up to the limit.
    pub replaced_files: BTreeMap<FileId, u32>,
    /// The sums of its records, by currency, as strings.
    pub totals: BTreeMap<String, String>,
    /// When it ended, RFC 3339.
    pub timestamp: String,
    /// The environment of the stack.
    pub environment: String,
}

impl Notification {
    /// The id of the notification that this attempt of the file ended in `status`. For a completion, pass the
    /// [notification attempt](domain::files::lifecycle::notification_attempt).
    #[must_use]
    pub fn id(file_id: &FileId, attempt: u32, status: FileStatus) -> String {
        format!("{file_id}-{attempt}-{}", status.as_str())
    }

    /// The attributes for the filters of subscriptions.
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

/// The notification about an object in the bucket that is no partner's file or too large, as JSON.
#[derive(Clone, Debug, Serialize)]
pub struct ObjectRejected {
    /// The same for every repeat of this notification.
    pub notification_id: String,
    /// The key of the object.
    pub key: String,
    /// The partner in the key, if any.
    pub partner: String,
    /// The status of this message.
    pub status: &'static str,
    /// The reason, as a stable code.
    pub reason: &'static str,
    /// When it was rejected, RFC 3339.
    pub timestamp: String,
    /// The environment of the stack.
    pub environment: String,
}

/// The status of an object that is no partner's file.
pub const OBJECT_REJECTED: &str = "object_rejected";

impl ObjectRejected {
    /// The notification about the object of `event`.
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

    /// The attributes for the filters of subscriptions. SNS rejects empty attributes.
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

/// Publishes all of these messages, each with its attributes, even if some fail.
///
/// # Errors
/// The topic rejected one of them or did not respond.
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
