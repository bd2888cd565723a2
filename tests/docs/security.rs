//! THREATS.md names nothing that is not there: each test that it calls as a witness, each file, parameter, output and command;
//! and what it says of roles is what the template gives them.

use crate::support::template::{referred, resources, template, text_of};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const THREATS: &str = "THREATS.md";

/// What every function may do: log, trace, and keep the events that it failed on.
const BESIDE: [&str; 3] = ["logs:", "xray:", "sqs:"];

/// What stands between single backquotes, outside of blocks of commands.
fn quoted(text: &str) -> Vec<&str> {
    let outside = text.split("```").step_by(2);
    outside.flat_map(|text| text.split('`').skip(1).step_by(2)).collect()
}

fn is_path(text: &str) -> bool {
    let is_ending = |ending: &str| ["rs", "py", "toml", "yml", "yaml", "md"].contains(&ending);
    !text.contains(' ') && text.rsplit_once('.').is_some_and(|(name, ending)| !name.is_empty() && is_ending(ending))
}

#[test]
fn every_witness_is_there() {
    let threats = text_of(THREATS);
    let witnesses: Vec<(&str, &str)> = quoted(&threats).into_iter().filter_map(|text| text.split_once("::")).collect();
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
fn every_file_that_it_names_is_there() {
    let threats = text_of(THREATS);
    let links = threats.split("](").skip(1).map(|rest| rest.split(')').next().unwrap());
    let files = links.map(|link| link.split('#').next().unwrap()).filter(|path| !path.is_empty());
    for path in quoted(&threats).into_iter().filter(|text| is_path(text)).chain(files) {
        assert!(!text_of(path).is_empty(), "{path}");
    }
}

/// Of what follows each `start` in the text, the word that it begins with.
fn words_after<'t>(text: &'t str, start: &str) -> BTreeSet<&'t str> {
    let words = text.split(start).skip(1).map(|rest| {
        let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(rest.len());
        &rest[..end]
    });
    words.filter(|word| !word.is_empty()).collect()
}

#[test]
fn every_command_parameter_and_output_that_it_names_is_there() {
    let (threats, template, makefile) = (text_of(THREATS), template(), text_of("Makefile"));
    for target in words_after(&threats, "`make ") {
        assert!(makefile.contains(&format!("\n{target}:")), "make {target}");
    }
    for output in words_after(&threats, "$(output ").into_iter().chain(words_after(&threats, "$(stage ")) {
        assert!(template["Outputs"][output].is_object(), "{output}");
    }
    // Assignments in PARAMETERS, and what is quoted by itself and written as parameters are.
    let assigned = threats.split("PARAMETERS='").skip(1).flat_map(|rest| rest.split('\'').next().unwrap().split(' '));
    let assigned = assigned.filter_map(|assignment| assignment.split('=').next());
    let names: Vec<&str> = assigned.chain(quoted(&threats).into_iter().filter(|text| is_parameter(text))).collect();
    assert!(names.len() > 5, "{names:?}");
    for name in names {
        assert!(template["Parameters"][name].is_object(), "the template has no parameter {name}");
    }
}

/// Names of the template that are no parameters: members of resources.
const MEMBERS: [&str; 4] = ["EndpointConfiguration", "KMSMasterKeyId", "SecurityPolicy", "VPCEndpointIds"];

fn is_parameter(text: &str) -> bool {
    let is_name = text.chars().all(|letter| letter.is_ascii_alphanumeric());
    is_name
        && text.starts_with(|letter: char| letter.is_ascii_uppercase())
        && text.contains(char::is_lowercase)
        && !MEMBERS.contains(&text)
}

/// What the role of each function may do, beside what every role may.
fn actions_of_functions(template: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let functions = resources(template, "AWS::Lambda::Function");
    functions
        .iter()
        .map(|(_, function)| {
            let name = function["Properties"]["FunctionName"]["Fn::Sub"].as_str().unwrap();
            let role = &template["Resources"][referred(&function["Properties"]["Role"])];
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
    let threats = text_of(THREATS);
    let (_, section) = threats.split_once("\n### What a stolen role can do\n").unwrap();
    let rows = section.lines().take_while(|line| !line.starts_with("## ")).filter(|line| line.starts_with("| `"));
    let told: BTreeMap<String, BTreeSet<String>> = rows
        .map(|row| {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            let actions = quoted(cells[2]).into_iter().map(str::to_owned).collect();
            (cells[1].trim_matches('`').to_owned(), actions)
        })
        .collect();
    assert_eq!(told, actions_of_functions(&template()));
}
