//! The bus of payments, on which an event is published once more.

use super::{Aws, aws_problem};
use crate::problem::{Exit, Problem};
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use serde_json::Value;

/// The bus of an environment.
pub(crate) struct Publisher {
    client: Client,
    bus: String,
}

impl Publisher {
    pub(crate) fn new(aws: &Aws, environment: &str) -> Self {
        Self { client: aws.event_bridge(), bus: format!("payment-events-{environment}") }
    }

    /// Publishes what an event says, as it was published first. It takes the one route of its payment again.
    pub(crate) async fn publish(&self, event: &Value) -> Result<(), Problem> {
        let text = |name: &str| event[name].as_str().unwrap_or_default();
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(&self.bus)
            .source(text("source"))
            .detail_type(text("detail-type"))
            .detail(event["detail"].to_string())
            .build();
        let answer = self.client.put_events().entries(entry).send().await;
        let answer = answer.map_err(|error| aws_problem("events:PutEvents", &error))?;
        // A success may have a refusal inside.
        match answer.failed_entry_count {
            0 => Ok(()),
            _ => {
                let code = answer.entries().iter().find_map(|entry| entry.error_code()).unwrap_or("without a code");
                let message = format!("events:PutEvents did not take the event: {code}");
                Err(Problem::new(Exit::Unavailable, "aws_unavailable", message))
            }
        }
    }
}
