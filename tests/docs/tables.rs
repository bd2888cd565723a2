//! Writes the tables that follow from the template, and holds the documents against them: parameters, outputs, alarms, roles.
//!
//! `UPDATE_DOCS=1 cargo test -p acceptance -- tables` writes them anew.

mod alarms;
mod parameters;
mod roles;

use crate::support::template::{template, text_of};
use serde_json::Value;
use std::path::PathBuf;

const PARAMETERS: &str = "docs/reference/parameters.md";
const ALARMS: &str = "docs/operators/alarms-and-dashboard.md";
const ROLES: &str = "docs/reference/roles.md";

/// The marks around the part of a page that is generated.
const BEGIN: &str = "<!-- generated: alarms -->\n";
const END: &str = "<!-- end -->\n";

const LINE_CHARS_MAX: usize = 120;

/// Writes a generated page if it is asked to, and otherwise expects it to be what would be written.
fn check(path: &str, expected: &str) {
    let long = expected.lines().find(|line| line.chars().count() > LINE_CHARS_MAX);
    assert_eq!(long, None, "{path}: a line is too long");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, expected).unwrap();
    }
    let found = text_of(path);
    let differs = found.lines().zip(expected.lines()).find(|(found, expected)| found != expected);
    assert!(
        found == expected,
        "{path} is not what the template says. Write it anew: UPDATE_DOCS=1 cargo test -p acceptance -- tables. The first \
         line that differs: {differs:?}"
    );
}

#[test]
fn the_page_of_parameters_is_that_of_the_template() {
    check(PARAMETERS, &parameters::page(&template(), &text_of("template.yaml")));
}

#[test]
fn the_table_of_alarms_is_that_of_the_template() {
    let page = text_of(ALARMS);
    let (before, rest) = page.split_once(BEGIN).expect("the mark of the beginning");
    let (_, after) = rest.split_once(END).expect("the mark of the end");
    let table = alarms::table(&template(), &text_of("template.yaml"));
    check(ALARMS, &format!("{before}{BEGIN}\n{table}\n{END}{after}"));
}

#[test]
fn the_page_of_roles_is_that_of_the_template() {
    check(ROLES, &roles::page(&template(), &text_of("template.yaml")));
}

/// The names of a section of the template, in the order in which it has them.
fn names_of_section<'t>(source: &'t str, section: &str) -> Vec<&'t str> {
    let begin = format!("\n{section}:\n");
    let (_, rest) = source.split_once(&begin).unwrap_or_else(|| panic!("the template has no {section}"));
    let lines = rest.lines().take_while(|line| !line.starts_with(|letter: char| letter.is_ascii_alphabetic()));
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':'));
    names.filter(|name| name.chars().all(|letter| letter.is_ascii_alphanumeric())).collect()
}

/// The name of a resource without the environment and the account, which most names end in.
fn name_of(template: &Value, id: &str) -> String {
    const MEMBERS: [&str; 9] = [
        "AlarmName",
        "BucketName",
        "FunctionName",
        "LogGroupName",
        "Name",
        "QueueName",
        "RoleName",
        "StateMachineName",
        "TableName",
    ];
    let properties = &template["Resources"][id]["Properties"];
    let names = MEMBERS.iter().chain(&["TopicName"]).map(|member| &properties[*member]);
    let name = names.filter_map(|name| name["Fn::Sub"].as_str()).next();
    // A key has none.
    name.map_or_else(
        || id.to_owned(),
        |name| name.replace("-${AWS::AccountId}", "").replace("-${EnvironmentSuffix}", ""),
    )
}

/// A text in lines of at most `LINE_CHARS_MAX` characters, the later ones with this indent.
fn wrapped(text: &str, indent: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().unwrap();
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > LINE_CHARS_MAX - indent.len() {
            lines.push(format!("{indent}{word}"));
        } else {
            let space = if line.is_empty() { "" } else { " " };
            *line += &format!("{space}{word}");
        }
    }
    lines.join("\n")
}
