//! The dead-letter queue of files.

use super::{Aws, aws_problem};
use crate::problem::{Exit, Problem};

/// Most messages that SQS hands out at once.
const BATCH_MESSAGES: i32 = 10;
/// How long to wait for messages that are there, in seconds: SQS looks at all its servers then.
const WAIT_SECONDS: i32 = 1;

/// One message that was taken, and is hidden from others for a while.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) body: String,
    receipt: String,
}

/// The queue.
pub(crate) struct Queue<'a> {
    aws: &'a Aws,
    url: String,
}

impl<'a> Queue<'a> {
    pub(crate) fn open(aws: &'a Aws, environment: &str) -> Result<Self, Problem> {
        let get = aws.sqs().get_queue_url().queue_name(format!("transaction-processing-dlq-{environment}"));
        let answer = aws.runtime.block_on(get.send()).map_err(|error| aws_problem("sqs:GetQueueUrl", &error))?;
        let url = answer.queue_url.ok_or_else(|| {
            Problem::new(Exit::Unavailable, "aws_unavailable", "sqs:GetQueueUrl answered without an address.")
        })?;
        Ok(Self { aws, url })
    }

    /// Takes up to `max` messages. They come back by themselves after `hidden_seconds`, if nobody deletes them.
    pub(crate) fn take(&self, max: usize, hidden_seconds: i32) -> Result<Vec<Message>, Problem> {
        let mut taken = Vec::new();
        while taken.len() < max {
            let wanted = i32::try_from(max - taken.len()).unwrap_or(BATCH_MESSAGES).min(BATCH_MESSAGES);
            let receive = self.aws.sqs().receive_message().queue_url(&self.url).max_number_of_messages(wanted);
            let receive = receive.wait_time_seconds(WAIT_SECONDS).visibility_timeout(hidden_seconds);
            let answer = self.aws.runtime.block_on(receive.send());
            let answer = answer.map_err(|error| aws_problem("sqs:ReceiveMessage", &error))?;
            let messages = answer.messages.unwrap_or_default();
            if messages.is_empty() {
                break;
            }
            taken.extend(messages.into_iter().filter_map(|message| {
                Some(Message { id: message.message_id?, body: message.body?, receipt: message.receipt_handle? })
            }));
        }
        Ok(taken)
    }

    /// Hides a message for so many seconds from now on; 0 gives it back at once.
    pub(crate) fn hide(&self, message: &Message, seconds: i32) -> Result<(), Problem> {
        let change = self.aws.sqs().change_message_visibility().queue_url(&self.url).visibility_timeout(seconds);
        let sent = self.aws.runtime.block_on(change.receipt_handle(&message.receipt).send());
        sent.map(drop).map_err(|error| aws_problem("sqs:ChangeMessageVisibility", &error))
    }

    pub(crate) fn delete(&self, message: &Message) -> Result<(), Problem> {
        let delete = self.aws.sqs().delete_message().queue_url(&self.url).receipt_handle(&message.receipt);
        let sent = self.aws.runtime.block_on(delete.send());
        sent.map(drop).map_err(|error| aws_problem("sqs:DeleteMessage", &error))
    }
}
