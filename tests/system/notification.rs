//! The notifications, as a subscriber receives them.

use crate::support::cloud::{Cloud, eventually, unique};
use crate::support::files::{self, record};
use crate::support::queues::Queue;
use domain::Timestamp;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::Mutex;

/// A queue that receives one partner's notifications, with a filter on the message attributes.
pub(crate) struct Subscriber<'c> {
    queue: Queue<'c>,
    /// Notifications that were received and not read yet.
    waiting: Mutex<VecDeque<Notification>>,
}

/// A notification and its attributes.
#[derive(Debug)]
pub(crate) struct Notification {
    pub(crate) message: Value,
    attributes: Value,
}

impl Cloud {
    /// Subscribes a new queue to the notifications that match `filter`.
    pub(crate) async fn subscribe(&self, filter: Value) -> Subscriber<'_> {
        let queue = self.queue_of_topic("subscriber", &self.stack.topic_arn, &filter).await;
        Subscriber { queue, waiting: Mutex::default() }
    }
}

impl Subscriber<'_> {
    /// Waits for a notification.
    pub(crate) async fn next(&self) -> Notification {
        eventually("a notification", async || {
            self.receive().await;
            self.waiting.lock().unwrap().pop_front()
        })
        .await
    }

    /// Waits for a notification about a day. Other tests have other days reported.
    pub(crate) async fn next_of_day(&self, day: &str) -> Value {
        loop {
            let message = self.next().await.message;
            if message["day"] == day {
                return message;
            }
        }
    }

    /// Waits for a notification about a file. Other tests have other files of the same partner.
    pub(crate) async fn next_of_file(&self, file_id: &str) -> Notification {
        loop {
            let notification = self.next().await;
            if notification.message["file_id"] == file_id {
                return notification;
            }
        }
    }

    /// All further notifications received by now.
    pub(crate) async fn all(&self) -> Vec<Notification> {
        while self.receive().await > 0 {}
        self.waiting.lock().unwrap().drain(..).collect()
    }

    /// Receives some of the available messages and returns how many.
    async fn receive(&self) -> usize {
        let messages = self.queue.take(10).await;
        for envelope in &messages {
            self.waiting.lock().unwrap().push_back(Notification {
                message: serde_json::from_str(envelope["Message"].as_str().unwrap()).unwrap(),
                attributes: envelope["MessageAttributes"].clone(),
            });
        }
        messages.len()
    }
}

#[tokio::test]
async fn a_subscriber_receives_the_outcome_once() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let subscriber = cloud.subscribe(json!({"partner": [bank.partner]})).await;
    let file = files::file(&[record("T1"), record("T2").replace("12.34,USD", "500,JPY"), record("T3")]);
    bank.upload_and_complete(&file).await;
    let got = subscriber.next().await;
    let file_id = files::file_id(&bank.partner, &file);
    let id = format!("{file_id}-1-completed");
    let timestamp = got.message["timestamp"].as_str().unwrap().to_owned();
    assert!(Timestamp::parse(timestamp.as_bytes()).is_ok(), "{timestamp}");
    let message = json!({
        "notification_id": id, "file_id": file_id, "partner": bank.partner, "attempt": 1, "status": "completed",
        "records_processed": 3, "rows_superseded": 0, "rows_replaced": 0, "replaced_files": {},
        "totals": {"JPY": "500", "USD": "24.68"},
        "timestamp": timestamp, "environment": cloud.stack.suffix,
    });
    assert_eq!(got.message, message);
    let text = |value: &str| json!({"Type": "String", "Value": value});
    let attributes = json!({
        "notification_id": text(&id), "status": text("completed"), "partner": text(&bank.partner),
        "environment": text(&cloud.stack.suffix),
    });
    assert_eq!(got.attributes, attributes);
    assert!(subscriber.all().await.is_empty(), "nothing went wrong, so nothing is repeated");
}

#[tokio::test]
async fn a_subscriber_may_filter_by_failure() {
    let cloud = Cloud::open().await;
    let partner = cloud.stack.bucket_partners[0].as_str();
    let good = files::file(&[record(&unique())]);
    let bad = files::file(&[record(&unique()).replace("USD", "usd")]);
    let filter = json!({"partner": [partner], "status": [{"suffix": "_failed"}]});
    let subscriber = cloud.subscribe(filter).await;
    cloud.put_object(&format!("incoming/{partner}/{}.csv", unique()), &good, &[]).await;
    let key = format!("incoming/{partner}/{}.csv", unique());
    cloud.put_object(&key, &bad, &[]).await;
    cloud.rejected_with(&key, "InvalidCsv").await;
    let (good_id, bad_id) = (files::file_id(partner, &good), files::file_id(partner, &bad));
    let mut seen = Vec::new();
    eventually("the notification of the invalid file", async || {
        seen.extend(subscriber.all().await);
        seen.iter().any(|got| got.message["file_id"] == bad_id.as_str()).then_some(())
    })
    .await;
    cloud.ended(&good_id, 1).await;
    seen.extend(subscriber.all().await);
    assert!(seen.iter().all(|got| got.message["status"].as_str().unwrap().ends_with("_failed")), "{seen:?}");
    let of_bad = seen.iter().find(|got| got.message["file_id"] == bad_id.as_str()).unwrap();
    assert_eq!(of_bad.message["status"], "validation_failed");
    assert_eq!(of_bad.message["notification_id"], format!("{bad_id}-1-validation_failed"));
    assert!(seen.iter().all(|got| got.message["file_id"] != good_id.as_str()), "{seen:?}");
}
