//! Failed deliveries and invocations: every rule's target and every function has a queue, and each queue accepts only
//! messages from those. From the template alone: the emulator sends nothing there.

use crate::support::template::{arn_of, id_in_reference, resources, template};
use crate::template::policies::targets;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const RETENTION_SECONDS: u64 = 14 * 24 * 60 * 60;

#[test]
fn every_rule_and_function_has_a_dead_letter_queue() {
    let template = template();
    let is_queue = |reference: &Value| template["Resources"][id_in_reference(reference)]["Type"] == "AWS::SQS::Queue";
    for (rule, target) in targets(&template) {
        assert!(is_queue(&target["DeadLetterConfig"]["Arn"]), "{rule}");
        // Without a policy of its own a target is retried for a day, and nobody is notified until then.
        let policy = &target["RetryPolicy"];
        assert!(policy["MaximumRetryAttempts"].is_u64() && policy["MaximumEventAgeInSeconds"].is_u64(), "{rule}");
    }
    for (id, function) in resources(&template, "AWS::Lambda::Function") {
        assert!(is_queue(&function["Properties"]["DeadLetterConfig"]["TargetArn"]), "{id}");
    }
}

#[test]
fn queues_are_encrypted_and_keep_messages_for_two_weeks() {
    for (id, queue) in resources(&template(), "AWS::SQS::Queue") {
        assert_eq!(queue["Properties"]["MessageRetentionPeriod"], RETENTION_SECONDS, "{id}");
        // EventBridge cannot send to a queue under an AWS-managed key of KMS.
        assert_eq!(queue["Properties"]["SqsManagedSseEnabled"], true, "{id}");
        assert!(queue["Properties"]["KmsMasterKeyId"].is_null(), "{id}");
    }
}

/// A rule sends an undelivered event to the queue as the service, not under a role. A sender with a role needs nothing
/// from the queue.
#[test]
fn a_queue_accepts_only_undelivered_events_of_its_rules() {
    let template = template();
    let mut expected = BTreeMap::<String, BTreeSet<String>>::new();
    for (rule, target) in targets(&template) {
        let queue = id_in_reference(&target["DeadLetterConfig"]["Arn"]).to_owned();
        expected.entry(queue).or_default().insert(arn_of(&rule).to_string());
    }
    let mut found = BTreeMap::<String, BTreeSet<String>>::new();
    for (id, policy) in resources(&template, "AWS::SQS::QueuePolicy") {
        let queues = policy["Properties"]["Queues"].as_array().unwrap();
        assert_eq!(queues.len(), 1, "{id}: a policy for each queue");
        let queue = id_in_reference(&queues[0]);
        for statement in policy["Properties"]["PolicyDocument"]["Statement"].as_array().unwrap() {
            let source = &statement["Condition"]["ArnEquals"]["aws:SourceArn"];
            let only = json!({
                "Sid": statement["Sid"], "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage", "Resource": arn_of(queue),
                "Condition": {"ArnEquals": {"aws:SourceArn": source}},
            });
            assert_eq!(*statement, only, "{id}");
            let sources = source.as_array().cloned().unwrap_or_else(|| vec![source.clone()]);
            found.entry(queue.to_owned()).or_default().extend(sources.iter().map(Value::to_string));
        }
    }
    assert_eq!(found, expected);
}
