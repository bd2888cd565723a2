//! SECURITY.md and the page on hardening name nothing that is not there: each test that they call as a witness, each file,
//! parameter, output and command. What is said of roles is what the template gives them.

use super::pages::{Page, assigned_parameters, commands, is_camel_case, is_path, quoted, words_after};
use crate::support::template::{id_in_reference, resources, template, text_of};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const SECURITY: &str = "SECURITY.md";
const HARDENING: &str = "docs/operators/hardening.md";

/// What every function may do: log, trace, and keep the events that it failed on.
const BESIDE: [&str; 3] = ["logs:", "xray:", "sqs:"];

fn pages() -> [Page; 2] {
    [SECURITY, HARDENING].map(Page::open)
}

#[test]
fn every_witness_is_there() {
    let security = text_of(SECURITY);
    let witnesses: Vec<(&str, &str)> = quoted(&security).into_iter().filter_map(|text| text.split_once("::")).collect();
    assert!(witnesses.len() > 30, "{witnesses:?}");
    for (path, name) in witnesses {
        let source = text_of(path);
        let is_test = if path.ends_with(".rs") {
            let before = source.split(&format!("fn {name}(")).next().unwrap();
            source.contains(&format!("fn {name}(")) && before.rsplit("\n\n").next().unwrap().contains("test]")
        } else {
            name.starts_with("test_") && source.contains(&format!("def {name}(self"))
        };
        assert!(is_test, "{path} has no test {name}");
    }
}

#[test]
fn every_threat_has_a_witness() {
    let security = text_of(SECURITY);
    let sections = security.split("\n## ").filter(|section| section.starts_with("Threats "));
    let threats: Vec<&str> = sections.flat_map(|section| section.split("\n- **").skip(1)).collect();
    assert!(threats.len() > 20, "{}", threats.len());
    for threat in threats {
        let (_, witnesses) = threat.split_once("\n  - Tests:").unwrap_or_else(|| panic!("no test shows it: {threat}"));
        assert!(quoted(witnesses).iter().any(|text| text.contains("::")), "no test shows it: {threat}");
    }
}

#[test]
fn every_file_that_is_named_is_there() {
    for page in pages() {
        let named = quoted(&page.text).into_iter().filter(|text| is_path(text)).map(str::to_owned);
        for path in named.chain(page.linked_files()) {
            assert!(!text_of(&path).is_empty(), "{path}");
        }
    }
}

#[test]
fn every_command_parameter_and_output_that_is_named_is_there() {
    let (template, makefile) = (template(), text_of("Makefile"));
    let mut parameters = BTreeSet::new();
    for page in pages() {
        for command in commands(&page.text, "make") {
            let target = command.split_whitespace().nth(1).unwrap();
            assert!(makefile.contains(&format!("\n{target}:")), "make {target}");
        }
        let is_part = |letter: char| letter.is_ascii_alphanumeric();
        let outputs = words_after(&page.text, "$(output ", is_part).into_iter();
        for output in outputs.chain(words_after(&page.text, "$(stage ", is_part)) {
            assert!(template["Outputs"][output].is_object(), "{output}");
        }
        // Assignments in PARAMETERS, and what is quoted by itself and written as parameters are.
        parameters.extend(assigned_parameters(&page.text).into_iter().map(str::to_owned));
        let quoted = quoted(&page.text).into_iter().filter(|text| is_camel_case(text) && !MEMBERS.contains(text));
        parameters.extend(quoted.map(str::to_owned));
    }
    assert!(parameters.len() > 5, "{parameters:?}");
    for name in parameters {
        assert!(template["Parameters"][&name].is_object(), "the template has no parameter {name}");
    }
}

/// Names of the template that are no parameters: members of resources.
const MEMBERS: [&str; 4] = ["EndpointConfiguration", "KMSMasterKeyId", "SecurityPolicy", "VPCEndpointIds"];

/// What the role of each function may do, beside what every role may.
fn actions_of_functions(template: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let functions = resources(template, "AWS::Lambda::Function");
    functions
        .iter()
        .map(|(_, function)| {
            let name = function["Properties"]["FunctionName"]["Fn::Sub"].as_str().unwrap();
            let role = &template["Resources"][id_in_reference(&function["Properties"]["Role"])];
            let policies = role["Properties"]["Policies"].as_array().unwrap();
            let statements =
                policies.iter().flat_map(|policy| policy["PolicyDocument"]["Statement"].as_array().unwrap());
            let actions = statements.map(|statement| statement["Action"].as_str().unwrap().to_owned());
            let own = actions.filter(|action| !BESIDE.iter().any(|beside| action.starts_with(beside)));
            (name.trim_end_matches("-${EnvironmentSuffix}").to_owned(), own.collect())
        })
        .collect()
}

#[test]
fn what_a_stolen_role_can_do_is_what_the_template_allows() {
    let security = text_of(SECURITY);
    let (_, section) = security.split_once("\n## What a stolen role can do\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let roles = section.split("\n- **`").skip(1).filter_map(|item| item.split_once("`**: "));
    let described: BTreeMap<String, BTreeSet<String>> = roles
        .map(|(name, rest)| {
            let (actions, at_worst) = rest.split_once("\n  - At worst it ").unwrap_or_else(|| panic!("{name}"));
            assert!(!at_worst.is_empty(), "{name}");
            (name.to_owned(), quoted(actions).into_iter().map(str::to_owned).collect())
        })
        .collect();
    let actions = actions_of_functions(&template());
    assert_eq!(described, actions);
    for action in actions.values().flatten() {
        assert!(!action.contains("Delete") && !action.starts_with("iam:"), "{action}");
    }
}
