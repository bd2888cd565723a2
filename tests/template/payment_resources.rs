//! The requirements of the resources for payments that the emulator does not enforce.

use crate::simulators::conditions::deployed_with;
use crate::support::template::{arn_of, resources, template};
use domain::payments::webhook::AmountBand;
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn properties(template: &Value, id: &str) -> Value {
    template["Resources"][id]["Properties"].clone()
}

#[test]
fn each_band_of_amounts_has_one_rule_and_one_target() {
    let template = template();
    for (rule, band, target) in [
        ("HighValueRule", AmountBand::High, json!({"Ref": "WebhookWorkflowStateMachine"})),
        ("MediumValueRule", AmountBand::Medium, json!({"Ref": "AlertsTopic"})),
        (
            "LowValueRule",
            AmountBand::Low,
            json!({"Fn::Sub": "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:${LowValueLogGroup}"}),
        ),
    ] {
        let rule = properties(&template, rule);
        assert_eq!((&rule["EventBusName"], &rule["State"]), (&json!({"Ref": "PaymentEventBus"}), &json!("ENABLED")));
        let pattern = json!({
            "source": ["webhook.transaction"], "detail-type": ["Transaction Created"],
            "detail": {"amount_band": [band.as_str()]},
        });
        assert_eq!(rule["EventPattern"], pattern);
        assert_eq!(rule["Targets"].as_array().unwrap().len(), 1, "exactly one route");
        assert_eq!(rule["Targets"][0]["Arn"], target);
    }
    let on_the_bus =
        |(_, rule): &(String, Value)| rule["Properties"]["EventBusName"] == json!({"Ref": "PaymentEventBus"});
    assert_eq!(resources(&template, "AWS::Events::Rule").iter().filter(|rule| on_the_bus(rule)).count(), 3);
}

#[test]
fn payments_are_restorable_and_indexed_by_day_and_customer() {
    let template = template();
    for table in ["PaymentsTable", "CustomersTable"] {
        let recovery = &properties(&template, table)["PointInTimeRecoverySpecification"];
        assert_eq!(recovery["RecoveryPeriodInDays"], 35, "{table}");
    }
    let table = properties(&template, "PaymentsTable");
    let ttl = json!({"AttributeName": "removable_from_seconds", "Enabled": true});
    assert_eq!(table["TimeToLiveSpecification"], ttl);
    let index = |name: &str, partition: &str, projection: Value| {
        json!({
            "IndexName": name,
            "KeySchema": [
                {"AttributeName": partition, "KeyType": "HASH"},
                {"AttributeName": "received_at_ms", "KeyType": "RANGE"},
            ],
            "Projection": projection,
        })
    };
    let of_customer = json!({"ProjectionType": "INCLUDE", "NonKeyAttributes": ["amount", "currency"]});
    let expected = json!([
        index("day-index", "day_shard", json!({"ProjectionType": "KEYS_ONLY"})),
        index("customer-index", "customer", of_customer),
        index("unfinished-index", "unfinished", json!({"ProjectionType": "KEYS_ONLY"})),
    ]);
    assert_eq!(table["GlobalSecondaryIndexes"], expected);
}

#[test]
fn the_archive_has_a_lifecycle_and_an_optional_lock() {
    let template = template();
    let bucket = properties(&template, "AuditBucket");
    let rules = bucket["LifecycleConfiguration"]["Rules"].as_array().unwrap();
    let age = rules.iter().find(|rule| rule["ExpirationInDays"] == 365).unwrap();
    let transitions = json!([
        {"StorageClass": "STANDARD_IA", "TransitionInDays": 30},
        {"StorageClass": "GLACIER", "TransitionInDays": 90},
    ]);
    assert_eq!((&age["Status"], &age["Transitions"]), (&json!("Enabled"), &transitions));
    let with = |days: u64| properties(&deployed_with(&template, &[("AuditLockDays", json!(days))]), "AuditBucket");
    assert!(with(0)["ObjectLockEnabled"].is_null() && with(0)["ObjectLockConfiguration"].is_null());
    let retention = &with(90)["ObjectLockConfiguration"]["Rule"]["DefaultRetention"];
    assert_eq!(*retention, json!({"Mode": "GOVERNANCE", "Days": {"Ref": "AuditLockDays"}}));
    assert_eq!(with(90)["ObjectLockEnabled"], true);
}

#[test]
fn payments_are_archived_every_night() {
    let template = template();
    let rule = properties(&template, "ArchivalRule");
    assert_eq!(rule["ScheduleExpression"], "cron(0 2-5 * * ? *)");
    assert_eq!(rule["Targets"][0]["Arn"], arn_of("TransactionArchivalFunction"));
    assert!(rule["EventBusName"].is_null(), "only the default bus has schedules");
}

#[test]
fn payment_alerts_have_no_subscriber_by_default() {
    let template = template();
    let subscribers = |parameters: &[(&str, Value)]| {
        let deployed = deployed_with(&template, parameters);
        let found = resources(&deployed, "AWS::SNS::Subscription").into_iter();
        let of_alerts = found.filter(|(_, found)| found["Properties"]["TopicArn"] == json!({"Ref": "AlertsTopic"}));
        of_alerts
            .map(|(_, found)| found["Properties"]["Protocol"].as_str().unwrap().to_owned())
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(subscribers(&[]), BTreeSet::new());
    assert_eq!(subscribers(&[("AlertEmail", json!("a@example.com"))]), BTreeSet::from(["email".to_owned()]));
    assert_eq!(subscribers(&[("AlertPhone", json!("+14155550100"))]), BTreeSet::from(["sms".to_owned()]));
}

#[test]
fn the_workflow_log_has_no_payment_data() {
    let machine = properties(&template(), "WebhookWorkflowStateMachine");
    assert_eq!(machine["LoggingConfiguration"]["IncludeExecutionData"], false);
}
