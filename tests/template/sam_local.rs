//! The settings of `sam local` on the local cloud are in several files, because SAM resolves no names of resources and
//! sets only the variables that the template declares. They must agree.

use crate::support::template::{id_in_reference, resources, template, text_of};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

const VARIABLES_FILE: &str = "tools/sam-local.json";
const SECTIONS: [&str; 3] = [
    "[default.local_invoke.parameters]",
    "[default.local_start_api.parameters]",
    "[default.local_start_lambda.parameters]",
];

/// The variables that `sam local` sets.
fn variables() -> Map<String, Value> {
    let file: Value = serde_json::from_str(&text_of(VARIABLES_FILE)).unwrap();
    file["Parameters"].as_object().unwrap().clone()
}

/// The value in a line `name = value` of a file, without quotation marks, after `heading`.
fn setting(path: &str, heading: &str, name: &str) -> String {
    let text = text_of(path);
    let (_, after) = text.split_once(heading).unwrap_or_else(|| panic!("{path} lacks {heading}"));
    let lines = after.lines().skip(1).take_while(|line| !line.starts_with('['));
    let mut values = lines.filter_map(|line| line.split_once(" = ").filter(|(found, _)| *found == name));
    let (_, value) = values.next().unwrap_or_else(|| panic!("{path} lacks {name} after {heading}"));
    value.trim_matches('"').to_owned()
}

/// A text of the template with its placeholders, as it is in the local cloud.
fn local_text(text: &Value) -> String {
    let pattern = text["Fn::Sub"].as_str().unwrap();
    pattern.replace("${EnvironmentSuffix}", "local").replace("${AWS::AccountId}", "000000000000")
}

/// The variables of all functions, by name. A variable has the same value in each function.
fn declared(template: &Value) -> Map<String, Value> {
    let mut declared = Map::new();
    for (id, function) in resources(template, "AWS::Lambda::Function") {
        for (name, value) in function["Properties"]["Environment"]["Variables"].as_object().unwrap() {
            let before = declared.insert(name.clone(), value.clone());
            assert!(before.is_none_or(|before| before == *value), "{name} of {id}");
        }
    }
    declared
}

#[test]
fn sam_local_sets_every_variable_it_cannot_resolve() {
    let mut declared = declared(&template());
    // The suffix is a parameter that samconfig.toml gives.
    assert!(declared.remove("ENVIRONMENT").is_some());
    let set = variables();
    assert_eq!(set.keys().collect::<BTreeSet<_>>(), declared.keys().collect::<BTreeSet<_>>());
}

#[test]
fn sam_local_names_what_the_local_cloud_has() {
    let template = template();
    let (set, declared) = (variables(), declared(&template));
    for (variable, property, prefix) in [
        ("S3_BUCKET", "BucketName", ""),
        ("STATUS_TABLE", "TableName", ""),
        ("TRANSACTIONS_TABLE", "TableName", ""),
        ("SNS_TOPIC_ARN", "TopicName", "arn:aws:sns:us-east-1:000000000000:"),
        ("PAYMENTS_TABLE", "TableName", ""),
        ("CUSTOMERS_TABLE", "TableName", ""),
        ("EVENT_BUS", "Name", ""),
        ("ALERTS_TOPIC_ARN", "TopicName", "arn:aws:sns:us-east-1:000000000000:"),
        ("AUDIT_BUCKET", "BucketName", ""),
    ] {
        let resource = &template["Resources"][id_in_reference(&declared[variable])];
        let name = local_text(&resource["Properties"][property]);
        assert_eq!(set[variable], format!("{prefix}{name}"), "{variable}");
    }
    assert_eq!(set["SIGNING_SECRETS_PREFIX"], local_text(&declared["SIGNING_SECRETS_PREFIX"]));
    let refresh = &template["Parameters"][id_in_reference(&declared["SECRETS_REFRESH_SECONDS"])]["Default"];
    assert_eq!(set["SECRETS_REFRESH_SECONDS"], refresh.to_string());
    assert_eq!(setting("local/up.py", "PORT_DEFAULT", "SUFFIX"), "local");
    for (variable, constant) in [("BUCKET_PARTNERS", "PARTNERS"), ("WEBHOOK_PROVIDERS", "PROVIDERS")] {
        let names = set[variable].as_str().unwrap().split(',');
        let quoted: Vec<String> = names.map(|name| format!("\"{name}\"")).collect();
        assert_eq!(setting("local/deployment.py", "import", constant), format!("({})", quoted.join(", ")));
    }
}

#[test]
fn sam_local_calls_the_relay() {
    let port = setting("tools/sam_relay.py", "import", "PORT");
    let host = "host.docker.internal";
    assert_eq!(variables()["AWS_ENDPOINT_URL"], format!("http://{host}:{port}"));
    for section in SECTIONS {
        assert_eq!(setting("samconfig.toml", section, "env_vars"), VARIABLES_FILE);
        assert_eq!(setting("samconfig.toml", section, "add_host"), format!("{host}:host-gateway"));
        assert_eq!(setting("samconfig.toml", section, "parameter_overrides"), "EnvironmentSuffix=local");
    }
}

#[test]
fn the_default_function_of_sam_local_invoke_exists() {
    let named = setting("samconfig.toml", SECTIONS[0], "function_logical_id");
    let functions = resources(&template(), "AWS::Lambda::Function");
    assert!(functions.iter().any(|(id, _)| *id == named), "{named}");
}
