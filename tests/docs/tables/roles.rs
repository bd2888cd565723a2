//! The roles: who uses each, and what it may do.

use super::{LINE_CHARS_MAX, name_of, names_of_section, wrapped};
use crate::support::template::{id_in_reference, machines, resources};
use crate::template::policies::{statements, targets};
use serde_json::Value;

const INTRODUCTION: &str = "# Roles

What each role of the stack may do. There is one role for each function and workflow, and for each rule that needs one.
A statement of a policy is one action on one resource. No function may delete anything or change a permission; the
workflows may manage the delivery of their logs. This page is generated from [`template.yaml`](../../template.yaml); a
test holds it against the template (`tests/docs/tables.rs`).

Names of resources are without their ending, the environment (and the account number, of buckets).
[SECURITY.md][security] says what a stolen role can do.

[security]: ../../SECURITY.md#what-a-stolen-role-can-do
";

/// The words for the types of resources.
const KINDS: [(&str, &str); 9] = [
    ("AWS::DynamoDB::Table", "table"),
    ("AWS::Events::EventBus", "event bus"),
    ("AWS::KMS::Key", "key"),
    ("AWS::Lambda::Function", "function"),
    ("AWS::Logs::LogGroup", "log group"),
    ("AWS::S3::Bucket", "bucket"),
    ("AWS::SNS::Topic", "topic"),
    ("AWS::SQS::Queue", "queue"),
    ("AWS::StepFunctions::StateMachine", "workflow"),
];

/// The whole page.
pub(crate) fn page(template: &Value, source: &str) -> String {
    let mut page = String::from(INTRODUCTION);
    for id in names_of_section(source, "Resources") {
        let role = &template["Resources"][id];
        if role["Type"] == "AWS::IAM::Role" {
            let user = wrapped(&format!("Used by {}.", user_of(template, id)), "");
            page += &format!("\n## `{}`\n\n{user}\n\n| resource | actions |\n| --- | --- |\n", name_of(template, id));
            page += &rows(template, role);
        }
    }
    page
}

fn user_of(template: &Value, role: &str) -> String {
    let uses = |reference: &Value| !reference.is_null() && id_in_reference(reference) == role;
    let functions = resources(template, "AWS::Lambda::Function").into_iter();
    let functions = functions.filter(|(_, function)| uses(&function["Properties"]["Role"]));
    let functions = functions.map(|(id, _)| format!("the function `{}`", name_of(template, &id)));
    let machines = machines(template).into_iter().filter(|machine| uses(&machine.properties["RoleArn"]));
    let machines = machines.map(|machine| format!("the workflow `{}`", name_of(template, &machine.id)));
    let rules = targets(template).into_iter().filter(|(_, target)| uses(&target["RoleArn"]));
    let rules = rules.map(|(id, _)| format!("the rule `{}`", name_of(template, &id)));
    let users: Vec<String> = functions.chain(machines).chain(rules).collect();
    assert_eq!(users.len(), 1, "{role}: {users:?}");
    users.concat()
}

/// A row for each resource with its actions, or more where they do not fit into a line.
fn rows(template: &Value, role: &Value) -> String {
    let mut resources: Vec<(String, Vec<String>)> = Vec::new();
    for statement in statements(role) {
        let resource = described(template, &statement["Resource"]) + &condition(&statement["Condition"]);
        let action = format!("`{}`", statement["Action"].as_str().unwrap());
        match resources.iter_mut().find(|(known, _)| *known == resource) {
            Some((_, actions)) => actions.push(action),
            None => resources.push((resource, vec![action])),
        }
    }
    let mut rows = String::new();
    for (resource, actions) in resources {
        let mut row = format!("| {resource} | ");
        let begin = row.chars().count();
        for action in actions {
            let is_first = row.chars().count() == begin;
            if !is_first && row.chars().count() + action.chars().count() + ",  |".len() > LINE_CHARS_MAX {
                rows += &format!("{row} |\n");
                row = format!("| {resource} | {action}");
            } else {
                row += if is_first { "" } else { ", " };
                row += &action;
            }
        }
        rows += &format!("{row} |\n");
    }
    rows
}

fn described(template: &Value, resource: &Value) -> String {
    if *resource == "*" {
        return "all (no resource level)".to_owned();
    }
    let Some(text) = resource["Fn::Sub"].as_str() else { return kind_and_name(template, id_in_reference(resource)) };
    if let Some((_, secrets)) = text.split_once(":secret:") {
        return format!("secrets `{}`", secrets.replace("${EnvironmentSuffix}", "{ENV}"));
    }
    let part = text.strip_prefix("${").and_then(|rest| rest.split_once(".Arn}/"));
    let (id, part) = part.unwrap_or_else(|| panic!("say here what {text} is"));
    let part = match part.strip_prefix("index/") {
        Some(index) => format!("index `{index}`"),
        None => format!("`{part}`"),
    };
    format!("{}, {part}", kind_and_name(template, id))
}

fn kind_and_name(template: &Value, id: &str) -> String {
    let kind = template["Resources"][id]["Type"].as_str().unwrap_or_else(|| panic!("there is no {id}"));
    let (_, word) = KINDS.iter().find(|(known, _)| *known == kind).unwrap_or_else(|| panic!("what is {kind}?"));
    format!("{word} `{}`", name_of(template, id))
}

/// The condition of a statement, of which each has at most one key.
fn condition(condition: &Value) -> String {
    let Some(operators) = condition.as_object() else { return String::new() };
    assert_eq!(operators.len(), 1, "{condition}");
    let keys = operators.values().next().unwrap().as_object().unwrap();
    assert_eq!(keys.len(), 1, "{condition}");
    let (key, values) = keys.iter().next().unwrap();
    let values = values.as_array().cloned().unwrap_or_else(|| vec![values.clone()]);
    let values: Vec<String> = values.iter().map(|value| format!("`{}`", value.as_str().unwrap())).collect();
    format!(", if `{key}` is {}", values.join(" or "))
}
