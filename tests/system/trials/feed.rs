//! The messages of queues, kept for the whole run and found by their subject.

use crate::support::cloud::Cloud;
use aws_sdk_sqs::types::DeleteMessageBatchRequestEntry;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

const MESSAGES_AT_ONCE: i32 = 10;
const WAIT_SECONDS: i32 = 1;

/// All messages of one queue so far.
#[derive(Clone, Default)]
pub(super) struct Feed {
    messages: Arc<Mutex<HashMap<String, Vec<Value>>>>,
}

impl Feed {
    /// Takes all messages of a queue until the run ends. `subject` returns what a message is about.
    pub(super) fn of_queue(cloud: &Cloud, queue_url: &str, subject: fn(&Value) -> Option<String>) -> Self {
        let feed = Self::default();
        let (sqs, url, messages) = (cloud.sqs(), queue_url.to_owned(), Arc::clone(&feed.messages));
        tokio::spawn(async move {
            loop {
                let receive = sqs.receive_message().queue_url(&url).max_number_of_messages(MESSAGES_AT_ONCE);
                let received =
                    receive.wait_time_seconds(WAIT_SECONDS).send().await.unwrap().messages.unwrap_or_default();
                let mut done = Vec::new();
                for (index, message) in received.into_iter().enumerate() {
                    let body: Value = serde_json::from_str(message.body.as_deref().unwrap()).unwrap();
                    let about = subject(&body).unwrap_or_default();
                    messages.lock().unwrap().entry(about).or_default().push(body);
                    let entry = DeleteMessageBatchRequestEntry::builder().id(index.to_string());
                    done.push(entry.receipt_handle(message.receipt_handle.unwrap()).build().unwrap());
                }
                if !done.is_empty() {
                    sqs.delete_message_batch().queue_url(&url).set_entries(Some(done)).send().await.unwrap();
                }
            }
        });
        feed
    }

    /// The messages about this subject by now, in the order of their arrival.
    pub(super) fn about(&self, subject: &str) -> Vec<Value> {
        self.messages.lock().unwrap().get(subject).cloned().unwrap_or_default()
    }
}

/// The file that an object's key names: its last part, without its ending.
pub(super) fn file_of_key(key: &Value) -> Option<String> {
    Some(key.as_str()?.rsplit('/').next()?.strip_suffix(".csv")?.to_owned())
}

/// The file that an event of the bucket is about.
pub(super) fn file_of_event(event: &Value) -> Option<String> {
    file_of_key(&event["detail"]["object"]["key"])
}

/// The file that a dead letter is about.
pub(super) fn file_of_dead_letter(dead_letter: &Value) -> Option<String> {
    file_of_event(&dead_letter["input"])
}

/// The payment that an event is about.
pub(super) fn payment_of_event(event: &Value) -> Option<String> {
    event["detail"]["transaction_id"].as_str().map(str::to_owned)
}

/// The payment that a dead letter is about.
pub(super) fn payment_of_dead_letter(dead_letter: &Value) -> Option<String> {
    payment_of_event(&dead_letter["input"])
}

/// The message in a topic's envelope.
pub(super) fn message_of(envelope: &Value) -> Value {
    serde_json::from_str(envelope["Message"].as_str().unwrap_or_default()).unwrap_or_default()
}

/// The file that a notification is about.
pub(super) fn file_of_notification(envelope: &Value) -> Option<String> {
    message_of(envelope)["file_id"].as_str().map(str::to_owned)
}

/// The payment that an alert is about.
pub(super) fn payment_of_alert(envelope: &Value) -> Option<String> {
    message_of(envelope)["transaction_id"].as_str().map(str::to_owned)
}
