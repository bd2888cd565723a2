//! The event bus that payments are published on.

use crate::Configuration;
use crate::failure::{Failure, FailureKind};
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::operation::put_events::PutEventsOutput;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use serde_json::Value;

/// What every event says of where it comes from. Rules match it.
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
    /// The bus refused the call or the event, or did not answer. PutEvents answers 200 for an event that it did not take.
    pub async fn publish(&self, detail_type: &str, detail: &Value) -> Result<(), Failure> {
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(&self.name)
            .source(SOURCE)
            .detail_type(detail_type)
            .detail(detail.to_string())
            .build();
        let call = "events:PutEvents";
        let answer = self.client.put_events().entries(entry).send().await;
        let answer = answer.map_err(|error| Failure::of_call(call, &error, FailureKind::BusUnavailable))?;
        match refusal(&answer) {
            Some(code) => Err(Failure::new(FailureKind::BusUnavailable, format!("{call}: entry refused: {code}"))),
            None => Ok(()),
        }
    }
}

/// Why the bus did not take an event, although it answered 200.
fn refusal(answer: &PutEventsOutput) -> Option<&str> {
    let code = answer.entries().iter().find_map(|entry| entry.error_code());
    code.or((answer.failed_entry_count() > 0).then_some("without a code"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_eventbridge::types::PutEventsResultEntry;

    #[test]
    fn an_entry_that_is_refused_inside_a_success_is_a_failure() {
        let taken = PutEventsResultEntry::builder().event_id("1").build();
        let throttled = PutEventsResultEntry::builder().error_code("ThrottlingException").build();
        let answer = PutEventsOutput::builder().failed_entry_count(0).entries(taken).build();
        assert_eq!(refusal(&answer), None);
        let answer = PutEventsOutput::builder().failed_entry_count(1).entries(throttled).build();
        assert_eq!(refusal(&answer), Some("ThrottlingException"));
        let answer = PutEventsOutput::builder().failed_entry_count(1).build();
        assert_eq!(refusal(&answer), Some("without a code"));
    }
}
