//! The topic that announces what became of a file.

use crate::Configuration;
use crate::failure::{Failure, FailureKind};
use aws_sdk_sns::Client;
use aws_sdk_sns::types::MessageAttributeValue;
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
}

/// The topic.
#[derive(Clone, Debug)]
pub struct Topic {
    client: Client,
    arn: String,
}

impl Topic {
    /// The topic of this environment.
    #[must_use]
    pub fn new(configuration: &Configuration) -> Self {
        Self { client: Client::new(configuration.sdk()), arn: configuration.topic_arn.clone() }
    }

    /// Publishes a notification, with attributes by which a subscription can filter.
    ///
    /// # Errors
    /// The topic refused it or did not answer.
    pub async fn publish(&self, notification: &Notification) -> Result<(), Failure> {
        let message = serde_json::to_string(notification)
            .map_err(|error| Failure::new(FailureKind::InvalidInput, format!("notification: {error}")))?;
        let mut request = self.client.publish().topic_arn(&self.arn).message(message);
        for (name, value) in [
            ("notification_id", notification.notification_id.as_str()),
            ("status", notification.status.as_str()),
            ("partner", notification.partner.as_str()),
            ("environment", notification.environment.as_str()),
        ] {
            let attribute = MessageAttributeValue::builder().data_type("String").string_value(value).build();
            let attribute = attribute
                .map_err(|error| Failure::new(FailureKind::InvalidInput, format!("attribute {name}: {error}")))?;
            request = request.message_attributes(name, attribute);
        }
        request
            .send()
            .await
            .map(|_| ())
            .map_err(|error| Failure::of_call("sns:Publish", &error, FailureKind::TopicUnavailable))
    }
}
