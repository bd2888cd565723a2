//! The runbook has a section for each alarm, and everything that it names is there.

use crate::support::template::{resources, template, text_of};
use std::collections::BTreeSet;

const RUNBOOK: &str = "docs/runbook.md";

/// What each section of an alarm tells, in this order.
const PARTS: [&str; 4] = ["**What it means.**", "**Where to look.**", "**What to do.**", "**It is over**"];

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

#[test]
fn every_alarm_has_a_section_that_tells_what_to_do() {
    let runbook = text_of(RUNBOOK);
    let sections = sections(&runbook);
    for alarm in names("AWS::CloudWatch::Alarm", "AlarmName") {
        let heading = format!("`{alarm}`");
        let found: Vec<&str> =
            sections.iter().filter(|(title, _)| title.contains(&heading)).map(|(_, text)| *text).collect();
        assert_eq!(found.len(), 1, "{alarm} has a section");
        let places: Vec<Option<usize>> = PARTS.iter().map(|part| found[0].find(part)).collect();
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{alarm}: {places:?}");
        assert!(found[0].contains("Tried"), "{alarm}: whether it was tried on the local cloud");
    }
    let alarms = names("AWS::CloudWatch::Alarm", "AlarmName");
    let headed = sections.iter().flat_map(|(title, _)| title.split('`').skip(1).step_by(2));
    for name in headed {
        assert!(alarms.contains(name), "the runbook has a section of {name}, which is no alarm");
    }
}

/// Words in double stars that are a name, as queries are written.
#[test]
fn every_query_that_it_names_is_saved_and_every_saved_one_is_named() {
    let runbook = text_of(RUNBOOK);
    let is_name =
        |text: &&str| text.contains('-') && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    let named: BTreeSet<&str> =
        runbook.split("**").skip(1).step_by(2).filter(|text| is_name(text) || *text == "errors").collect();
    let template = template();
    let saved = resources(&template, "AWS::Logs::QueryDefinition");
    let saved: BTreeSet<&str> = saved
        .iter()
        .map(|(_, query)| query["Properties"]["Name"]["Fn::Sub"].as_str().unwrap().rsplit_once('/').unwrap().1)
        .collect();
    assert_eq!(named, saved);
}

/// Of what follows each `start` in the text, the word that it begins with.
fn words_after<'t>(text: &'t str, start: &str, more: fn(char) -> bool) -> BTreeSet<&'t str> {
    let rests = text.split(start).skip(1);
    rests
        .map(|rest| &rest[..rest.find(|letter| !more(letter)).unwrap_or(rest.len())])
        .filter(|word| !word.is_empty())
        .collect()
}

#[test]
fn every_resource_output_target_and_parameter_that_it_names_is_there() {
    let runbook = text_of(RUNBOOK);
    let template = template();
    let source = text_of("template.yaml");
    let is_name = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-/".contains(letter);
    // Names end in the environment: `csv-validator-$ENV`.
    let ends = runbook.match_indices("-$ENV").map(|(at, _)| &runbook[..at]);
    let resources: BTreeSet<&str> =
        ends.map(|before| &before[before.rfind(|letter| !is_name(letter)).map_or(0, |at| at + 1)..]).collect();
    assert!(resources.len() > 5, "{resources:?}");
    for name in resources {
        assert!(source.contains(&format!("{name}-${{EnvironmentSuffix}}")), "{name}");
    }
    let outputs = words_after(&runbook, "$(output ", |letter| letter.is_ascii_alphanumeric());
    assert!(outputs.len() > 2, "{outputs:?}");
    for output in outputs {
        assert!(template["Outputs"][output].is_object(), "{output}");
    }
    let makefile = text_of("Makefile");
    for target in words_after(&runbook, "make ", |letter| letter.is_ascii_lowercase() || letter == '-') {
        // Where it is no command: "make sure".
        let known = makefile.contains(&format!("\n{target}: "));
        assert!(known || !runbook.contains(&format!("`make {target}")), "make {target}");
    }
    for parameter in words_after(&runbook, "PARAMETERS='", |letter| letter.is_ascii_alphanumeric()) {
        assert!(template["Parameters"][parameter].is_object(), "{parameter}");
    }
    for path in words_after(&runbook, "](", |letter| letter != ')').iter().filter(|path| !path.starts_with('#')) {
        text_of(&format!("docs/{}", path.split('#').next().unwrap()));
    }
}
