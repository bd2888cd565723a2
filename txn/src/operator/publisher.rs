//! Publishes events on the event bus of payments again.

use super::{Aws, aws_problem};
use crate::problem::{Exit, Problem};
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use serde_json::Value;

/// The event bus of an environment.
pub(crate) struct Publisher {
    client: Client,
    bus: String,
}

impl Publisher {
    pub(crate) fn new(aws: &Aws, environment: &str) -> Self {
        Self { client: aws.event_bridge(), bus: format!("payment-events-{environment}") }
    }

    /// Publishes an event with its original source, type and detail, so that the same rules match it.
    pub(crate) async fn publish(&self, event: &Value) -> Result<(), Problem> {
        let text = |name: &str| event[name].as_str().unwrap_or_default();
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(&self.bus)
            .source(text("source"))
            .detail_type(text("detail-type"))
            .detail(event["detail"].to_string())
            .build();
        let response = self.client.put_events().entries(entry).send().await;
        let response = response.map_err(|error| aws_problem("events:PutEvents", &error))?;
        // A successful call can have a rejected entry.
        match response.failed_entry_count {
            0 => Ok(()),
            _ => {
                let code = response.entries().iter().find_map(|entry| entry.error_code()).unwrap_or("without a code");
                let message = format!("events:PutEvents rejected the event: {code}");
                Err(Problem::new(Exit::Unavailable, "aws_unavailable", message))
            }
        }
    }
}
