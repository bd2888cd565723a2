//! Queues that receive the messages of topics and buses.

use crate::support::cloud::{Cloud, Created, unique};
use serde_json::{Value, json};

/// A queue of one test, which is removed at its end.
pub(crate) struct Queue<'c> {
    cloud: &'c Cloud,
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) url: String,
}

impl Cloud {
    pub(crate) async fn queue(&self, prefix: &str) -> Queue<'_> {
        let name = format!("{prefix}-{}", unique());
        let made = self.sqs().create_queue().queue_name(&name).send().await.unwrap();
        let url = made.queue_url.unwrap();
        self.remove_at_end(Created::Queue { url: url.clone() });
        let arn = self.sqs().get_queue_attributes().queue_url(&url).attribute_names("QueueArn".into());
        let arn = arn.send().await.unwrap().attributes.unwrap().remove(&"QueueArn".into()).unwrap();
        Queue { cloud: self, name, arn, url }
    }

    /// A queue that receives the messages of a topic whose attributes match `filter`.
    pub(crate) async fn queue_of_topic(&self, prefix: &str, topic_arn: &str, filter: &Value) -> Queue<'_> {
        let queue = self.queue(prefix).await;
        let policy = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage",
            "Resource": queue.arn, "Condition": {"ArnEquals": {"aws:SourceArn": topic_arn}},
        }]});
        let allow = self.sqs().set_queue_attributes().queue_url(&queue.url);
        allow.attributes("Policy".into(), policy.to_string()).send().await.unwrap();
        let subscribe = self.sns().subscribe().topic_arn(topic_arn).protocol("sqs").endpoint(&queue.arn);
        let subscribe = subscribe.attributes("FilterPolicy", filter.to_string()).return_subscription_arn(true);
        let arn = subscribe.send().await.unwrap().subscription_arn.unwrap();
        self.remove_at_end(Created::Subscription { arn });
        queue
    }
}

impl Queue<'_> {
    /// Takes some of the available messages, at most `most`, which is at most ten.
    pub(crate) async fn take(&self, most: i32) -> Vec<Value> {
        let receive = self.cloud.sqs().receive_message().queue_url(&self.url).max_number_of_messages(most);
        let received = receive.send().await.unwrap().messages.unwrap_or_default();
        let mut messages = Vec::new();
        for message in received {
            messages.push(serde_json::from_str(&message.body.unwrap()).unwrap());
            let delete = self.cloud.sqs().delete_message().queue_url(&self.url);
            delete.receipt_handle(message.receipt_handle.unwrap()).send().await.unwrap();
        }
        messages
    }
}
