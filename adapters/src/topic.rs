//! The SNS topics.

use crate::Configuration;
use crate::failure::{Failure, FailureKind};
use aws_sdk_sns::Client;
use aws_sdk_sns::types::MessageAttributeValue;
use serde::Serialize;

/// A topic.
#[derive(Clone, Debug)]
pub struct Topic {
    client: Client,
    arn: String,
}

impl Topic {
    /// The topic for the outcomes of files.
    ///
    /// # Errors
    /// A variable of the environment is missing.
    pub fn of_notifications(configuration: &Configuration) -> Result<Self, Failure> {
        Self::named_by("SNS_TOPIC_ARN", configuration)
    }

    /// The topic for alerts about payments.
    ///
    /// # Errors
    /// A variable of the environment is missing.
    pub fn of_alerts(configuration: &Configuration) -> Result<Self, Failure> {
        Self::named_by("ALERTS_TOPIC_ARN", configuration)
    }

    fn named_by(variable: &str, configuration: &Configuration) -> Result<Self, Failure> {
        Ok(Self { client: Client::new(configuration.sdk()), arn: configuration.variable(variable)? })
    }

    /// Publishes a message as JSON, with attributes for the filters of subscriptions. None of them may be empty.
    ///
    /// # Errors
    /// The topic rejected it or did not respond.
    pub async fn publish(&self, message: &impl Serialize, attributes: &[(&str, &str)]) -> Result<(), Failure> {
        let message = serde_json::to_string(message)
            .map_err(|error| Failure::new(FailureKind::InvalidInput, format!("message: {error}")))?;
        let mut request = self.client.publish().topic_arn(&self.arn).message(message);
        for (name, value) in attributes {
            let attribute = MessageAttributeValue::builder().data_type("String").string_value(*value).build();
            let attribute = attribute
                .map_err(|error| Failure::new(FailureKind::InvalidInput, format!("attribute {name}: {error}")))?;
            request = request.message_attributes(*name, attribute);
        }
        request
            .send()
            .await
            .map(|_| ())
            .map_err(|error| Failure::of_call("sns:Publish", &error, FailureKind::TopicUnavailable))
    }
}
