//! Who may do what, from the template alone. The emulator enforces the roles of the functions only; the roles of the
//! workflow and of the rule are derived here from what these do, and must be exactly that.

use crate::template::{definition, resource, resources, states, template};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Actions that know no resource level: AWS grants them on everything or not at all.
const ON_EVERYTHING: [&str; 12] = [
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
];

/// The statements of a role's own policies.
pub(crate) fn statements(role: &Value) -> Vec<Value> {
    let policies = role["Properties"]["Policies"].as_array().unwrap();
    policies.iter().flat_map(|policy| policy["PolicyDocument"]["Statement"].as_array().unwrap().clone()).collect()
}

/// What a role allows: pairs of an action and a resource.
fn grants(role: &Value) -> BTreeSet<(String, String)> {
    let pair = |statement: Value| (statement["Action"].as_str().unwrap().to_owned(), statement["Resource"].to_string());
    statements(role).into_iter().map(pair).collect()
}

fn grant(action: &str, resource: &Value) -> (String, String) {
    (action.to_owned(), resource.to_string())
}

fn arn_of(id: &str) -> Value {
    json!({"Fn::GetAtt": [id, "Arn"]})
}

/// The role that a reference to its ARN names.
fn role_of<'t>(template: &'t Value, reference: &Value) -> &'t Value {
    assert_eq!(reference["Fn::GetAtt"][1], "Arn", "{reference}");
    &template["Resources"][reference["Fn::GetAtt"][0].as_str().unwrap()]
}

#[test]
fn a_statement_is_one_action_on_one_resource() {
    let template = template();
    for (id, role) in resources(&template, "AWS::IAM::Role") {
        let mut sids = BTreeSet::new();
        for statement in statements(&role) {
            let names: Vec<&str> = statement.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(
                BTreeSet::from_iter(names),
                BTreeSet::from(["Action", "Effect", "Resource", "Sid"]),
                "{id}: {statement}"
            );
            assert_eq!(statement["Effect"], "Allow", "{id}: {statement}");
            let action = statement["Action"].as_str().unwrap_or_else(|| panic!("{id}: one action, not {statement}"));
            assert!(!action.contains('*'), "{id}: {statement}");
            let resource = &statement["Resource"];
            assert!(resource.is_string() || resource.is_object(), "{id}: one resource, not {statement}");
            assert_eq!(*resource == "*", ON_EVERYTHING.contains(&action), "{id}: {statement}");
            assert!(sids.insert(statement["Sid"].to_string()), "{id}: {} twice", statement["Sid"]);
        }
        assert_eq!(grants(&role).len(), statements(&role).len(), "{id}: the same grant twice");
        for other_source in ["ManagedPolicyArns", "PermissionsBoundary"] {
            assert!(role["Properties"][other_source].is_null(), "{id} has {other_source}");
        }
    }
    for kind in ["AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy"] {
        assert!(resources(&template, kind).is_empty(), "grants stand in their role alone");
    }
}

#[test]
fn each_role_has_one_user_and_trusts_its_service_alone() {
    let template = template();
    let mut users = BTreeMap::<String, Vec<&str>>::new();
    let (_, machine) = resource(&template, "AWS::Serverless::StateMachine");
    let (_, rule) = resource(&template, "AWS::Events::Rule");
    let functions = resources(&template, "AWS::Serverless::Function");
    for (_, function) in &functions {
        assert!(function["Properties"]["Policies"].is_null(), "SAM must add nothing to the role");
        users.entry(function["Properties"]["Role"].to_string()).or_default().push("lambda.amazonaws.com");
    }
    users.entry(machine["Properties"]["Role"].to_string()).or_default().push("states.amazonaws.com");
    for target in rule["Properties"]["Targets"].as_array().unwrap() {
        users.entry(target["RoleArn"].to_string()).or_default().push("events.amazonaws.com");
    }
    assert_eq!(users.len(), resources(&template, "AWS::IAM::Role").len(), "every role is used");
    for (role, services) in users {
        assert_eq!(services.len(), 1, "{role} is shared");
        let role = role_of(&template, &serde_json::from_str(&role).unwrap());
        let trust = role["Properties"]["AssumeRolePolicyDocument"]["Statement"].as_array().unwrap();
        assert_eq!(trust.len(), 1, "{trust:?}");
        assert_eq!(
            (&trust[0]["Principal"], &trust[0]["Action"]),
            (&json!({"Service": services[0]}), &json!("sts:AssumeRole"))
        );
    }
}

#[test]
fn the_workflow_may_do_exactly_what_its_states_do() {
    let template = template();
    let (_, machine) = resource(&template, "AWS::Serverless::StateMachine");
    let properties = &machine["Properties"];
    // `${Name}` in the definition stands for what the template puts in its place.
    let substituted = |placeholder: &Value| {
        let name = placeholder.as_str().unwrap().strip_prefix("${").unwrap().strip_suffix('}').unwrap();
        properties["DefinitionSubstitutions"][name].clone()
    };
    let mut expected = BTreeSet::new();
    for (name, state) in states(&definition()).iter().filter(|(_, state)| state["Type"] == "Task") {
        match state["Resource"].as_str().unwrap() {
            "arn:aws:states:::lambda:invoke" => {
                let function = substituted(&state["Parameters"]["FunctionName"]);
                expected.insert(grant("lambda:InvokeFunction", &function));
            }
            "arn:aws:states:::sqs:sendMessage" => {
                let queue = substituted(&state["Parameters"]["QueueUrl"]);
                expected.insert(grant("sqs:SendMessage", &arn_of(queue["Ref"].as_str().unwrap())));
            }
            other => panic!("{name} calls {other}: say here what that needs"),
        }
    }
    let everything = json!("*");
    if properties["Logging"]["Level"] != "OFF" {
        expected.extend(
            ON_EVERYTHING.iter().filter(|action| action.starts_with("logs:")).map(|action| grant(action, &everything)),
        );
    }
    if properties["Tracing"]["Enabled"] == true {
        expected.extend(
            ON_EVERYTHING.iter().filter(|action| action.starts_with("xray:")).map(|action| grant(action, &everything)),
        );
    }
    assert_eq!(grants(role_of(&template, &properties["Role"])), expected);
}

#[test]
fn the_rule_may_do_exactly_what_its_targets_need() {
    let template = template();
    let (machine_id, _) = resource(&template, "AWS::Serverless::StateMachine");
    let (rule_id, rule) = resource(&template, "AWS::Events::Rule");
    let (queue_id, _) = resource(&template, "AWS::SQS::Queue");
    let mut expected = BTreeMap::<String, BTreeSet<_>>::new();
    for target in rule["Properties"]["Targets"].as_array().unwrap() {
        assert_eq!(target["Arn"], json!({"Ref": machine_id}), "say here what another target needs");
        let grants = expected.entry(target["RoleArn"].to_string()).or_default();
        grants.insert(grant("states:StartExecution", &target["Arn"]));
        assert_eq!(target["DeadLetterConfig"]["Arn"], arn_of(&queue_id));
        assert!(
            target["RetryPolicy"]["MaximumRetryAttempts"].is_u64()
                && target["RetryPolicy"]["MaximumEventAgeInSeconds"].is_u64()
        );
    }
    for (role, expected) in expected {
        assert_eq!(grants(role_of(&template, &serde_json::from_str(&role).unwrap())), expected);
    }
    // What the rule cannot deliver it sends to the queue in its own name, not under the role.
    let (_, policy) = resource(&template, "AWS::SQS::QueuePolicy");
    let statement = json!({
        "Sid": "KeepUndeliveredEvents", "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage", "Resource": arn_of(&queue_id),
        "Condition": {"ArnEquals": {"aws:SourceArn": arn_of(&rule_id)}},
    });
    assert_eq!(policy["Properties"]["PolicyDocument"]["Statement"], json!([statement]));
    assert_eq!(policy["Properties"]["Queues"], json!([{"Ref": queue_id}]));
}

#[test]
fn a_function_writes_logs_to_its_own_group_alone() {
    let template = template();
    for (id, function) in resources(&template, "AWS::Serverless::Function") {
        let group = function["Properties"]["LoggingConfig"]["LogGroup"]["Ref"].as_str().unwrap();
        let name = function["Properties"]["FunctionName"]["Fn::Sub"].as_str().unwrap();
        let group_name = &template["Resources"][group]["Properties"]["LogGroupName"]["Fn::Sub"];
        assert_eq!(group_name, &json!(format!("/aws/lambda/{name}")), "{id}");
        let mut expected = BTreeSet::new();
        expected.extend(["logs:CreateLogStream", "logs:PutLogEvents"].map(|action| grant(action, &arn_of(group))));
        expected.extend(["xray:PutTraceSegments", "xray:PutTelemetryRecords"].map(|action| grant(action, &json!("*"))));
        let mut found = grants(role_of(&template, &function["Properties"]["Role"]));
        found.retain(|(action, _)| action.starts_with("logs:") || action.starts_with("xray:"));
        assert_eq!(found, expected, "{id}");
    }
}
