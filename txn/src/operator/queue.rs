//! A dead-letter queue, and its messages that this command has received.
//!
//! A received message is hidden from others for a visibility timeout. The timeout is short, and is extended while the command
//! runs. However the command ends, its messages are visible again soon.

use super::{Aws, aws_problem};
use crate::problem::{Exit, Problem};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::operation::delete_message::DeleteMessageError;
use aws_sdk_sqs::types::ChangeMessageVisibilityBatchRequestEntry;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::{Duration, Instant};

/// The maximum number of messages in a call of SQS.
const BATCH_MESSAGES: usize = 10;
/// The long-polling time, in seconds: with it, SQS queries all its servers.
const WAIT_SECONDS: i32 = 1;
/// The visibility timeout, in seconds.
const HIDDEN_SECONDS: i32 = 30;
/// How often the timeout is extended. Two calls can fail before a message is visible again.
const PROLONG_AFTER: Duration = Duration::from_secs(10);
/// The maximum number of messages that are held. A search for a message ends there.
const HELD_MAX: usize = 1_000;
/// How long a message that was just sent is searched.
const SEARCH_FOR: Duration = Duration::from_secs(15);

/// A received message.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) body: String,
    receipt: String,
}

/// The queue.
pub(crate) struct Queue {
    client: Client,
    url: String,
    /// The messages that this command hides from others, by id.
    held: RefCell<BTreeMap<String, Message>>,
}

impl Queue {
    pub(crate) async fn open(aws: &Aws, name: String) -> Result<Self, Problem> {
        let client = aws.sqs();
        let response = client.get_queue_url().queue_name(name).send().await;
        let url = response
            .map_err(|error| aws_problem("sqs:GetQueueUrl", &error))?
            .queue_url
            .ok_or_else(|| Problem::new(Exit::Unavailable, "aws_unavailable", "sqs:GetQueueUrl returned no URL."))?;
        Ok(Self { client, url, held: RefCell::default() })
    }

    /// Receives up to `max` messages. A message that is received twice counts once.
    pub(crate) async fn receive_up_to(&self, max: usize) -> Result<Vec<Message>, Problem> {
        while self.held.borrow().len() < max {
            let missing = max - self.held.borrow().len();
            if self.receive(missing.min(BATCH_MESSAGES)).await?.is_empty() {
                break;
            }
        }
        Ok(self.held.borrow().values().cloned().collect())
    }

    async fn receive(&self, max: usize) -> Result<Vec<Message>, Problem> {
        let receive = self.client.receive_message().queue_url(&self.url);
        let receive = receive.max_number_of_messages(i32::try_from(max).unwrap_or(1));
        let response = receive.wait_time_seconds(WAIT_SECONDS).visibility_timeout(HIDDEN_SECONDS).send().await;
        let response = response.map_err(|error| aws_problem("sqs:ReceiveMessage", &error))?;
        let messages: Vec<Message> = response
            .messages
            .unwrap_or_default()
            .into_iter()
            .filter_map(|message| {
                Some(Message { id: message.message_id?, body: message.body?, receipt: message.receipt_handle? })
            })
            .collect();
        // If a message was received before, its last receipt handle is the valid one.
        self.held.borrow_mut().extend(messages.iter().map(|message| (message.id.clone(), message.clone())));
        Ok(messages)
    }

    /// Searches a message that was just sent. Other messages that are received are held too. None if it is not found in
    /// time, or if too many messages are held.
    pub(crate) async fn find(&self, is_it: impl Fn(&Message) -> bool) -> Result<Option<Message>, Problem> {
        let deadline = Instant::now() + SEARCH_FOR;
        loop {
            let found = self.held.borrow().values().find(|message| is_it(message)).cloned();
            if found.is_some() || Instant::now() > deadline || self.held.borrow().len() >= HELD_MAX {
                return Ok(found);
            }
            self.receive(BATCH_MESSAGES).await?;
        }
    }

    /// Extends the timeout of the held messages, until the future is dropped.
    pub(crate) async fn keep_hidden(&self) -> Infallible {
        loop {
            tokio::time::sleep(PROLONG_AFTER).await;
            self.hide(self.all(), HIDDEN_SECONDS).await;
        }
    }

    /// The messages that are still held, with their timeout extended. A message whose timeout ended may have been received
    /// or deleted by another run.
    pub(crate) async fn still_held(&self, messages: &[Message]) -> Vec<Message> {
        self.hide(messages.to_vec(), HIDDEN_SECONDS).await;
        let held = self.held.borrow();
        messages.iter().filter_map(|message| held.get(&message.id)).cloned().collect()
    }

    /// Makes messages visible to others at once.
    pub(crate) async fn release(&self, messages: Vec<Message>) {
        self.hide(messages.clone(), 0).await;
        let mut held = self.held.borrow_mut();
        messages.iter().for_each(|message| drop(held.remove(&message.id)));
    }

    /// Releases all held messages.
    pub(crate) async fn release_all(&self) {
        self.release(self.all()).await;
    }

    /// Deletes a message. If another run has received it meanwhile, that run finds its work done.
    pub(crate) async fn delete(&self, message: &Message) -> Result<(), Problem> {
        let delete = self.client.delete_message().queue_url(&self.url).receipt_handle(&message.receipt);
        if let Err(error) = delete.send().await
            && !error.as_service_error().is_some_and(DeleteMessageError::is_receipt_handle_is_invalid)
        {
            return Err(aws_problem("sqs:DeleteMessage", &error));
        }
        self.held.borrow_mut().remove(&message.id);
        Ok(())
    }

    fn all(&self) -> Vec<Message> {
        self.held.borrow().values().cloned().collect()
    }

    /// Sets the visibility timeout of messages. A message whose receipt handle SQS rejects is no longer held. A call that
    /// fails is ignored: it only changes when the messages are visible again.
    async fn hide(&self, messages: Vec<Message>, seconds: i32) {
        for batch in messages.chunks(BATCH_MESSAGES) {
            let entries = batch.iter().enumerate().filter_map(|(at, message)| {
                let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(at.to_string());
                entry.receipt_handle(&message.receipt).visibility_timeout(seconds).build().ok()
            });
            let change = self.client.change_message_visibility_batch().queue_url(&self.url);
            let Ok(response) = change.set_entries(Some(entries.collect())).send().await else {
                continue;
            };
            for entry in response.failed.iter().filter(|entry| entry.sender_fault) {
                let message = entry.id.parse::<usize>().ok().and_then(|at| batch.get(at));
                self.forget(message);
            }
        }
    }

    /// Forgets a message, unless it was received again meanwhile.
    fn forget(&self, message: Option<&Message>) {
        let mut held = self.held.borrow_mut();
        if let Some(message) = message
            && held.get(&message.id).is_some_and(|held| held.receipt == message.receipt)
        {
            held.remove(&message.id);
        }
    }
}
