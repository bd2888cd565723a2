//! The event bus that payments are published on.

use crate::Configuration;
use crate::failure::{Failure, FailureKind};
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::operation::put_events::PutEventsOutput;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use serde_json::Value;

/// The source of every event. Rules match it.
const SOURCE: &str = "webhook.transaction";

/// The bus.
#[derive(Clone, Debug)]
pub struct EventBus {
    client: Client,
    name: String,
}

impl EventBus {
    /// The bus of this environment.
    ///
    /// # Errors
    /// A variable of the environment is missing.
    pub fn new(configuration: &Configuration) -> Result<Self, Failure> {
        Ok(Self { client: Client::new(configuration.sdk()), name: configuration.variable("EVENT_BUS")? })
    }

    /// Publishes one event.
    ///
    /// # Errors
    /// The bus rejected the call or the event, or did not respond. PutEvents responds 200 even if it rejects an event.
    pub async fn publish(&self, detail_type: &str, detail: &Value) -> Result<(), Failure> {
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(&self.name)
            .source(SOURCE)
            .detail_type(detail_type)
            .detail(detail.to_string())
            .build();
        let call = "events:PutEvents";
        let response = self.client.put_events().entries(entry).send().await;
        let response = response.map_err(|error| Failure::of_call(call, &error, FailureKind::BusUnavailable))?;
        match entry_error(&response) {
            Some(code) => Err(Failure::new(FailureKind::BusUnavailable, format!("{call}: entry rejected: {code}"))),
            None => Ok(()),
        }
    }
}

/// The error code of a rejected event in a response with status 200.
fn entry_error(response: &PutEventsOutput) -> Option<&str> {
    let code = response.entries().iter().find_map(|entry| entry.error_code());
    code.or((response.failed_entry_count() > 0).then_some("without a code"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_eventbridge::types::PutEventsResultEntry;

    #[test]
    fn a_rejected_entry_in_a_success_is_a_failure() {
        let accepted = PutEventsResultEntry::builder().event_id("1").build();
        let throttled = PutEventsResultEntry::builder().error_code("ThrottlingException").build();
        let response = PutEventsOutput::builder().failed_entry_count(0).entries(accepted).build();
        assert_eq!(entry_error(&response), None);
        let response = PutEventsOutput::builder().failed_entry_count(1).entries(throttled).build();
        assert_eq!(entry_error(&response), Some("ThrottlingException"));
        let response = PutEventsOutput::builder().failed_entry_count(1).build();
        assert_eq!(entry_error(&response), Some("without a code"));
    }
}
