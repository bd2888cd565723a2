//! What a subscriber is told of a file.

use adapters::{Failure, Topic};
use domain::{FileId, FileStatus};
use futures::stream::{self, StreamExt};
use serde::Serialize;
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
    /// The sums of its records, by currency, as texts.
    pub totals: BTreeMap<String, String>,
    /// When it ended, RFC 3339.
    pub timestamp: String,
    /// The environment of the stack.
    pub environment: String,
}

impl Notification {
    /// The id of the notification that `file_id`'s `attempt` ended in `status`. A completion has the
    /// [attempt that it is announced under](domain::lifecycle::announced_attempt).
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
