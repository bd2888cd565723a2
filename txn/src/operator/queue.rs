//! A queue of dead letters, and the messages of it that this command holds.
//!
//! Who receives a message hides it from others for a while; then it comes back by itself. That while is short here, and is
//! prolonged for as long as the command lives: however it ends, nothing is kept from anybody for long.

use super::{Aws, aws_problem};
use crate::problem::{Exit, Problem};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::operation::delete_message::DeleteMessageError;
use aws_sdk_sqs::types::ChangeMessageVisibilityBatchRequestEntry;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::{Duration, Instant};

/// Most messages that SQS hands out, or changes, at once.
const BATCH_MESSAGES: usize = 10;
/// How long to wait for messages that are there, in seconds: SQS looks at all its servers then.
const WAIT_SECONDS: i32 = 1;
/// How long a message is hidden from others, if nothing is heard of us any more.
const HIDDEN_SECONDS: i32 = 30;
/// After how long that time begins anew. Two such calls may fail before the message comes back.
const PROLONG_AFTER: Duration = Duration::from_secs(10);
/// Most messages that are held at the same time. A search for one among more ends without it.
const HELD_MAX: usize = 1_000;
/// How long a message that was just sent is looked for.
const SEARCH_FOR: Duration = Duration::from_secs(15);

/// One message that was taken.
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
    /// What is hidden from others on our behalf, by the messages' ids.
    held: RefCell<BTreeMap<String, Message>>,
}

impl Queue {
    pub(crate) async fn open(aws: &Aws, name: String) -> Result<Self, Problem> {
        let client = aws.sqs();
        let answer = client.get_queue_url().queue_name(name).send().await;
        let url = answer.map_err(|error| aws_problem("sqs:GetQueueUrl", &error))?.queue_url.ok_or_else(|| {
            Problem::new(Exit::Unavailable, "aws_unavailable", "sqs:GetQueueUrl answered without an address.")
        })?;
        Ok(Self { client, url, held: RefCell::default() })
    }

    /// Takes up to `max` messages. One that is handed out twice is one.
    pub(crate) async fn take(&self, max: usize) -> Result<Vec<Message>, Problem> {
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
        let answer = receive.wait_time_seconds(WAIT_SECONDS).visibility_timeout(HIDDEN_SECONDS).send().await;
        let answer = answer.map_err(|error| aws_problem("sqs:ReceiveMessage", &error))?;
        let messages: Vec<Message> = answer
            .messages
            .unwrap_or_default()
            .into_iter()
            .filter_map(|message| {
                Some(Message { id: message.message_id?, body: message.body?, receipt: message.receipt_handle? })
            })
            .collect();
        // Of a message that came before, the last receipt is the one that counts.
        self.held.borrow_mut().extend(messages.iter().map(|message| (message.id.clone(), message.clone())));
        Ok(messages)
    }

    /// Looks for a message that has just been sent. What else comes meanwhile is held like all others. None if it does not
    /// come in time, or is one of too many.
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

    /// Keeps hidden what is held, for as long as anybody waits for this.
    pub(crate) async fn keep(&self) -> Infallible {
        loop {
            tokio::time::sleep(PROLONG_AFTER).await;
            self.hide(self.all(), HIDDEN_SECONDS).await;
        }
    }

    /// Those of the messages that are still ours, and stay so for a while. One that was hidden for too short a time may be
    /// somebody else's by now, or gone.
    pub(crate) async fn still_held(&self, messages: &[Message]) -> Vec<Message> {
        self.hide(messages.to_vec(), HIDDEN_SECONDS).await;
        let held = self.held.borrow();
        messages.iter().filter_map(|message| held.get(&message.id)).cloned().collect()
    }

    /// Gives messages back, so that they are there for the next one at once.
    pub(crate) async fn give_back(&self, messages: Vec<Message>) {
        self.hide(messages.clone(), 0).await;
        let mut held = self.held.borrow_mut();
        messages.iter().for_each(|message| drop(held.remove(&message.id)));
    }

    /// Gives back whatever is still held.
    pub(crate) async fn give_all_back(&self) {
        self.give_back(self.all()).await;
    }

    /// Deletes a message. If it is not ours any more, whoever has it finds out by itself that it is done with.
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

    /// Hides messages for so many seconds from now on. What SQS says is not ours any more is no longer held. A call that
    /// fails changes nothing: the messages come back a little sooner or later, and nothing hangs on when they do.
    async fn hide(&self, messages: Vec<Message>, seconds: i32) {
        for batch in messages.chunks(BATCH_MESSAGES) {
            let entries = batch.iter().enumerate().filter_map(|(at, message)| {
                let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(at.to_string());
                entry.receipt_handle(&message.receipt).visibility_timeout(seconds).build().ok()
            });
            let change = self.client.change_message_visibility_batch().queue_url(&self.url);
            let Ok(answer) = change.set_entries(Some(entries.collect())).send().await else {
                continue;
            };
            for refused in answer.failed.iter().filter(|refused| refused.sender_fault) {
                let message = refused.id.parse::<usize>().ok().and_then(|at| batch.get(at));
                self.lose(message);
            }
        }
    }

    /// A message is not ours any more, unless it was received anew meanwhile.
    fn lose(&self, message: Option<&Message>) {
        let mut held = self.held.borrow_mut();
        if let Some(message) = message
            && held.get(&message.id).is_some_and(|held| held.receipt == message.receipt)
        {
            held.remove(&message.id);
        }
    }
}
