//! `txn redrive` of payments.

use crate::aws::{Cloud, eventually};
use crate::process::Person;
use crate::redrive::{did, redrive, turn};
use crate::unique;
use serde_json::{Value, json};

const PAYMENTS: &str = "webhook_dlq_url";

/// Sends a high payment whose risk cannot be assessed, and waits for its letter.
fn payment_that_fails(cloud: &Cloud, person: &Person) -> (String, Value) {
    let id = format!("txn-{}", unique());
    person.run(&["webhook", "send", "--amount", "20000", "--transaction-id", &id]).ended(0);
    let letter = eventually("the letter", || {
        cloud.letters(PAYMENTS).into_iter().find(|letter| letter["input"]["detail"]["transaction_id"] == *id)
    });
    (id, letter)
}

/// The status of a payment, and whether it has an analysis.
fn standing(cloud: &Cloud, id: &str) -> (String, bool) {
    let event_key = format!("{}#transaction.created", cloud.text("webhook_provider"));
    let key = [("transaction_id", id), ("event_key", &*event_key)];
    let item = cloud.item("webhook_table", &key).unwrap();
    (item["status"].as_s().unwrap().clone(), item.contains_key("analysis"))
}

#[test]
fn a_payment_is_assessed_once_the_cause_is_mended() {
    let (_turn, cloud) = turn();
    let person = cloud.person();
    let cause = cloud.set_variable("fraud-detector", "PAYMENTS_TABLE", "nowhere");
    let (id, letter) = payment_that_fails(&cloud, &person);
    // A second letter about the same payment is the same piece of work.
    cloud.put_into(PAYMENTS, &letter);
    assert_eq!(redrive(&person, &["--dry-run"], 0), did([(&*id, "would_start x2")]));
    assert_eq!(redrive(&person, &[], 1), did([(&*id, "failed_again x2")]));
    let left = cloud.letters(PAYMENTS);
    assert_eq!((left.len(), cloud.counts(PAYMENTS)), (1, (1, 0)), "{left:?}");
    assert_ne!(left[0]["execution"], letter["execution"]);
    assert_eq!(standing(&cloud, &id), ("pending".to_owned(), false));
    drop(cause);
    let told = person.run(&["redrive"]).ended(0).stdout;
    let line = format!("deleted  payment {id} of {}", cloud.text("webhook_provider"));
    assert!(told.contains(&line) && told.contains("Of payments: messages 1; processed 1\n"), "{told}");
    assert_eq!(standing(&cloud, &id), ("analyzed".to_owned(), true));
    assert_eq!(cloud.counts(PAYMENTS), (0, 0));
}

#[test]
fn a_payment_that_was_archived_before_it_was_assessed_keeps_its_message() {
    let (_turn, cloud) = turn();
    let person = cloud.person();
    let id = format!("txn-{}", unique());
    let event = json!({"detail-type": "Transaction Created", "source": "webhook.transaction", "detail": {
        "transaction_id": id, "provider": cloud.text("webhook_provider"), "amount": "20000", "amount_band": "high",
        "currency": "EUR", "customer_id": "C1"}});
    cloud.put_into(PAYMENTS, &json!({"input": event, "error": {"Error": "AccessDenied", "Cause": "c"}}));
    assert_eq!(redrive(&person, &[], 1), did([(&*id, "stays x1")]));
    let told = person.run(&["redrive"]).ended(1).stdout;
    assert!(told.contains("it was not assessed"), "{told}");
    assert_eq!(cloud.counts(PAYMENTS), (1, 0));
}

#[test]
fn an_event_that_was_not_delivered_is_published_again_and_a_schedule_goes_on() {
    let (_turn, cloud) = turn();
    let person = cloud.person();
    let cause = cloud.set_variable("fraud-detector", "PAYMENTS_TABLE", "nowhere");
    let (id, letter) = payment_that_fails(&cloud, &person);
    drop(cause);
    cloud.empty_queues();
    cloud.put_into(PAYMENTS, &letter["input"]);
    cloud.put_into(PAYMENTS, &json!({"detail-type": "Scheduled Event", "source": "aws.events", "detail": {}}));
    cloud.put_into(PAYMENTS, &json!({"task": "reconcile"}));
    cloud.put_into(PAYMENTS, &json!("no message of ours"));
    let schedule = Some(("schedule", "superseded x2"));
    // Twice: a message that comes again, because its deletion was not heard of, does the same again.
    for schedule in [schedule, None] {
        let expected = [(&*id, "published x1"), ("message", "stays x1")].into_iter().chain(schedule);
        let expected = expected.map(|(name, action)| (name.to_owned(), action.to_owned())).collect();
        assert_eq!(redrive(&person, &[], 1), expected);
        eventually("the payment to be assessed", || standing(&cloud, &id).1.then_some(()));
        assert_eq!(cloud.counts(PAYMENTS), (1, 0), "what is no message of ours stays");
        cloud.put_into(PAYMENTS, &letter["input"]);
    }
    let told = person.run(&["redrive", "--dry-run"]).ended(0).stdout;
    assert!(told.contains("would publish  payment") && told.contains("stays"), "{told}");
}
