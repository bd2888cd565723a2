//! `txn redrive` of payments.

use crate::aws::{Cloud, eventually};
use crate::process::User;
use crate::redrive::{actions_of, exclusive_stack, redrive};
use crate::unique;
use serde_json::{Value, json};

const PAYMENTS: &str = "webhook_dlq_url";

/// Sends a high payment whose risk cannot be assessed, and waits for its dead letter.
fn payment_that_fails(cloud: &Cloud, user: &User) -> (String, Value) {
    let id = format!("txn-{}", unique());
    user.run(&["webhook", "send", "--amount", "20000", "--transaction-id", &id]).expect_code(0);
    let dead_letter = eventually("the dead letter", || {
        cloud.messages(PAYMENTS).into_iter().find(|dead_letter| dead_letter["input"]["detail"]["transaction_id"] == *id)
    });
    (id, dead_letter)
}

/// The status of a payment, and whether it has an analysis.
fn payment_state(cloud: &Cloud, id: &str) -> (String, bool) {
    let event_key = format!("{}#transaction.created", cloud.text("webhook_provider"));
    let key = [("transaction_id", id), ("event_key", &*event_key)];
    let item = cloud.item("webhook_table", &key).unwrap();
    (item["status"].as_s().unwrap().clone(), item.contains_key("analysis"))
}

#[test]
fn assesses_a_payment_after_the_cause_is_fixed() {
    let (_lock, cloud) = exclusive_stack();
    let user = cloud.user();
    let cause = cloud.override_variable("fraud-detector", "PAYMENTS_TABLE", "nowhere");
    let (id, dead_letter) = payment_that_fails(&cloud, &user);
    // A second message about the same payment is the same piece of work.
    cloud.put_into(PAYMENTS, &dead_letter);
    assert_eq!(redrive(&user, &["--dry-run"], 0), actions_of([(&*id, "would_start x2")]));
    assert_eq!(redrive(&user, &[], 1), actions_of([(&*id, "failed_again x2")]));
    let left = cloud.messages(PAYMENTS);
    assert_eq!((left.len(), cloud.counts(PAYMENTS)), (1, (1, 0)), "{left:?}");
    assert_ne!(left[0]["execution"], dead_letter["execution"]);
    assert_eq!(payment_state(&cloud, &id), ("pending".to_owned(), false));
    drop(cause);
    let text = user.run(&["redrive"]).expect_code(0).stdout;
    let line = format!("deleted  payment {id} of {}", cloud.text("webhook_provider"));
    assert!(text.contains(&line) && text.contains("Of payments: messages 1; processed 1\n"), "{text}");
    assert_eq!(payment_state(&cloud, &id), ("analyzed".to_owned(), true));
    assert_eq!(cloud.counts(PAYMENTS), (0, 0));
}

#[test]
fn keeps_the_message_of_an_archived_unassessed_payment() {
    let (_lock, cloud) = exclusive_stack();
    let user = cloud.user();
    let id = format!("txn-{}", unique());
    let event = json!({"detail-type": "Transaction Created", "source": "webhook.transaction", "detail": {
        "transaction_id": id, "provider": cloud.text("webhook_provider"), "amount": "20000", "amount_band": "high",
        "currency": "EUR", "customer_id": "C1"}});
    cloud.put_into(PAYMENTS, &json!({"input": event, "error": {"Error": "AccessDenied", "Cause": "c"}}));
    assert_eq!(redrive(&user, &[], 1), actions_of([(&*id, "stays x1")]));
    let text = user.run(&["redrive"]).expect_code(1).stdout;
    assert!(text.contains("it was not assessed"), "{text}");
    assert_eq!(cloud.counts(PAYMENTS), (1, 0));
}

#[test]
fn publishes_undelivered_events_and_deletes_scheduled_ones() {
    let (_lock, cloud) = exclusive_stack();
    let user = cloud.user();
    let cause = cloud.override_variable("fraud-detector", "PAYMENTS_TABLE", "nowhere");
    let (id, dead_letter) = payment_that_fails(&cloud, &user);
    drop(cause);
    cloud.empty_queues();
    cloud.put_into(PAYMENTS, &dead_letter["input"]);
    cloud.put_into(PAYMENTS, &json!({"detail-type": "Scheduled Event", "source": "aws.events", "detail": {}}));
    cloud.put_into(PAYMENTS, &json!({"task": "reconcile"}));
    cloud.put_into(PAYMENTS, &json!("not a message of the system"));
    let schedule = Some(("schedule", "superseded x2"));
    // Twice: a message that is received again does the same again.
    for schedule in [schedule, None] {
        let expected = [(&*id, "published x1"), ("message", "stays x1")].into_iter().chain(schedule);
        let expected = expected.map(|(name, action)| (name.to_owned(), action.to_owned())).collect();
        assert_eq!(redrive(&user, &[], 1), expected);
        eventually("the payment to be assessed", || payment_state(&cloud, &id).1.then_some(()));
        assert_eq!(cloud.counts(PAYMENTS), (1, 0), "an unknown message stays");
        cloud.put_into(PAYMENTS, &dead_letter["input"]);
    }
    let text = user.run(&["redrive", "--dry-run"]).expect_code(0).stdout;
    assert!(text.contains("would publish  payment") && text.contains("stays"), "{text}");
}
