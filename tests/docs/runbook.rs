//! The runbook has a section for each alarm, and everything that a page for operators names is there.

use super::pages::{
    Page, assigned_parameters, code_lines, commands, is_camel_case, is_path, pages_of, quoted, words_after,
};
use crate::support::template::{resources, template, text_of};
use serde_json::Value;
use std::collections::BTreeSet;

const OPERATORS: &str = "docs/operators";
const RUNBOOK: &str = "docs/operators/runbook.md";

/// What each section of an alarm has, in this order.
const PARTS: [&str; 6] =
    ["**What it means.**", "**Impact.**", "**Check.**", "**Fix.**", "**Resolved when**", "**Tested"];

/// The sections of the second level: their headings, and their texts.
fn sections(runbook: &str) -> Vec<(&str, &str)> {
    runbook.split("\n## ").skip(1).map(|section| section.split_once('\n').unwrap()).collect()
}

/// The names without the environment that resources of a type give themselves.
fn names(kind: &str, member: &str) -> BTreeSet<String> {
    let name = |text: &str| text.strip_suffix("-${EnvironmentSuffix}").unwrap_or_else(|| panic!("{text}")).to_owned();
    let found = resources(&template(), kind);
    found.iter().map(|(_, found)| name(found["Properties"][member]["Fn::Sub"].as_str().unwrap())).collect()
}

/// What follows the last `/` of the names of the saved queries.
fn saved_queries(template: &Value) -> BTreeSet<String> {
    let saved = resources(template, "AWS::Logs::QueryDefinition");
    saved
        .iter()
        .map(|(_, query)| {
            query["Properties"]["Name"]["Fn::Sub"].as_str().unwrap().rsplit_once('/').unwrap().1.to_owned()
        })
        .collect()
}

/// All pages for operators as one text.
fn all_pages() -> String {
    pages_of(OPERATORS).into_iter().map(|page| page.text + "\n").collect()
}

#[test]
fn every_alarm_has_a_section_that_says_what_to_do() {
    let runbook = text_of(RUNBOOK);
    let sections = sections(&runbook);
    for alarm in names("AWS::CloudWatch::Alarm", "AlarmName") {
        let heading = format!("`{alarm}`");
        let found: Vec<&str> =
            sections.iter().filter(|(title, _)| title.contains(&heading)).map(|(_, text)| *text).collect();
        assert_eq!(found.len(), 1, "{alarm} has a section");
        let positions: Vec<Option<usize>> = PARTS.iter().map(|part| found[0].find(part)).collect();
        assert!(positions.iter().all(Option::is_some) && positions.is_sorted(), "{alarm}: {positions:?}");
        assert!(runbook.contains(&format!("- [`{alarm}`](#{alarm})\n")), "{alarm} is listed at the top");
    }
    let alarms = names("AWS::CloudWatch::Alarm", "AlarmName");
    let headed = sections.iter().flat_map(|(title, _)| title.split('`').skip(1).step_by(2));
    for name in headed {
        assert!(alarms.contains(name), "the runbook has a section of {name}, which is no alarm");
    }
}

/// Words in double stars that are a name, as queries are written.
#[test]
fn queries_on_operator_pages_are_those_that_are_saved() {
    let pages = all_pages();
    let is_name =
        |text: &&str| text.contains('-') && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    let named: BTreeSet<String> = pages
        .split("**")
        .skip(1)
        .step_by(2)
        .filter(|text| is_name(text) || *text == "errors")
        .map(str::to_owned)
        .collect();
    assert_eq!(named, saved_queries(&template()));
}

#[test]
fn the_table_of_queries_has_every_saved_query() {
    let text = text_of("docs/operators/investigate.md");
    let rows = text.lines().filter_map(|line| Some(line.strip_prefix("| **")?.split_once("** |")?.0.to_owned()));
    assert_eq!(rows.collect::<BTreeSet<_>>(), saved_queries(&template()));
}

/// Names end in the environment: `csv-validator-$ENV` in commands, `csv-validator-{ENV}` in sentences.
#[test]
fn resources_on_operator_pages_exist() {
    let pages = all_pages();
    let source = text_of("template.yaml");
    let is_name = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-/".contains(letter);
    let ends = ["-$ENV", "-{ENV}"].into_iter().flat_map(|end| pages.match_indices(end));
    let resources: BTreeSet<&str> = ends
        .map(|(at, _)| &pages[..at])
        .map(|before| &before[before.rfind(|letter| !is_name(letter)).map_or(0, |at| at + 1)..])
        .collect();
    assert!(resources.len() > 10, "{resources:?}");
    for name in resources {
        assert!(source.contains(&format!("{name}-${{EnvironmentSuffix}}")), "{name}");
    }
}

#[test]
fn outputs_and_parameters_on_operator_pages_exist() {
    let (pages, template, bootstrap) = (all_pages(), template(), text_of("bootstrap.yaml"));
    let outputs = words_after(&pages, "$(output ", |letter| letter.is_ascii_alphanumeric());
    assert!(outputs.len() > 5, "{outputs:?}");
    let stages = words_after(&pages, "$(stage ", |letter| letter.is_ascii_alphanumeric());
    for output in outputs.into_iter().chain(stages) {
        assert!(template["Outputs"][output].is_object(), "{output}");
    }
    let parameters = assigned_parameters(&pages);
    assert!(parameters.len() > 5, "{parameters:?}");
    for parameter in parameters {
        assert!(template["Parameters"][parameter].is_object(), "{parameter}");
    }
    // Every name that is written as theirs: it is one of them, or one that other sources have.
    let sources = ["template.yaml", "adapters/src/failure.rs", "domain/src/files/task.rs"].map(text_of).join("\n");
    for name in quoted(&pages).into_iter().filter(|text| is_camel_case(text)) {
        let is_known = template["Parameters"][name].is_object() || template["Outputs"][name].is_object();
        let is_elsewhere = sources.contains(name) || bootstrap.contains(&format!("\n  {name}:"));
        assert!(is_known || is_elsewhere || OF_AWS.contains(&name), "nothing is called {name}");
    }
}

/// An action of DynamoDB, and members of resources that a deployer may add to the template.
const OF_AWS: [&str; 4] = ["BatchWriteItem", "KMSMasterKeyId", "SecurityPolicy", "VPCEndpointIds"];

#[test]
fn make_targets_on_operator_pages_exist() {
    let makefile = text_of("Makefile");
    let mut targets = BTreeSet::new();
    for page in pages_of(OPERATORS) {
        for command in commands(&page.text, "make") {
            let mut words = command.split('#').next().unwrap().split_whitespace().skip(1);
            let target = words.next().unwrap();
            assert!(makefile.contains(&format!("\n{target}:")), "{}: make {target}", page.path);
            let variables = words.filter_map(|word| word.split_once('=')).map(|(name, _)| name.to_owned());
            // What PARAMETERS assigns has a test of its own.
            for name in variables.filter(|name| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')) {
                let is_read = makefile.contains(&format!("$({name})")) || makefile.contains(&format!("$${name}\""));
                assert!(is_read, "{}: make {target} reads no {name}", page.path);
            }
            targets.insert(target.to_owned());
        }
    }
    for target in ["bootstrap", "deploy", "partner", "operator", "provider", "redrive", "cost", "destroy"] {
        assert!(targets.contains(target), "no page for operators shows make {target}");
    }
}

#[test]
fn commands_of_txn_on_operator_pages_exist() {
    let known = text_of("txn/src/cli.rs");
    let (_, known) = known.split_once("enum Command {").unwrap();
    let pages = all_pages();
    let commands = commands(&pages, "txn");
    assert!(commands.len() > 2, "{commands:?}");
    for command in commands {
        let name = command.split_whitespace().nth(1).unwrap();
        let variant = name[..1].to_uppercase() + &name[1..];
        let found = known.lines().any(|line| line.trim_start().starts_with(&format!("{variant}(")));
        assert!(found, "{command}");
    }
}

#[test]
fn python_modules_on_operator_pages_exist() {
    for page in pages_of(OPERATORS) {
        for command in commands(&page.text, "python3") {
            if let Some(module) = command.strip_prefix("python3 -m ").and_then(|rest| rest.split_whitespace().next()) {
                assert!(!text_of(&format!("{module}/__main__.py")).is_empty(), "{}: {command}", page.path);
            }
        }
    }
}

/// What the pages link to or name as a file is there, and so is what their commands send.
#[test]
fn files_on_operator_pages_exist() {
    for page in pages_of(OPERATORS) {
        let sent = code_lines(&page.text).flat_map(|line| line.split("file").skip(1));
        let sent = sent.filter_map(|rest| rest.strip_prefix("b://")?.split_whitespace().next());
        let named = quoted(&page.text).into_iter().filter(|text| is_path(text) && !is_made(text));
        let made_here = |path: &&str| path.contains('/');
        for path in sent.filter(made_here).chain(named.filter(made_here)) {
            assert!(!text_of(path).is_empty(), "{}: {path}", page.path);
        }
        for path in page.linked_files() {
            assert!(!text_of(&path).is_empty(), "{}: {path}", page.path);
        }
    }
}

/// Whether a path is of what the commands write.
fn is_made(path: &str) -> bool {
    [".local/", ".aws-sam/", "target/"].iter().any(|folder| path.starts_with(folder))
}

#[test]
fn every_operator_page_is_listed_in_their_readme() {
    let listed = Page::open("docs/operators/README.md").linked_files();
    for page in pages_of(OPERATORS).iter().filter(|page| !page.path.ends_with("/README.md")) {
        assert!(listed.contains(&page.path), "{}", page.path);
    }
}
