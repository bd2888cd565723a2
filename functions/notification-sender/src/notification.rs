//! What a subscriber is told of a file.

use domain::{FileId, FileStatus};
use serde::Serialize;
use std::collections::BTreeMap;

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
    /// The id of the notification that `file_id`'s `attempt` ended in `status`.
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
