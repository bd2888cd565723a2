//! The parameters and outputs of the stack.

use super::{names_of_section, wrapped};
use serde_json::Value;
use std::collections::BTreeSet;

const INTRODUCTION: &str = "# Parameters and outputs

Parameters of the stack, which `make deploy` and `sam deploy` set, and its outputs. This page is generated from
[`template.yaml`](../../template.yaml); a test holds it against the template (`tests/docs/tables.rs`).

<!-- not run: it deploys to AWS -->
```sh
make deploy ENV=dev PARAMETERS='DailyQuota=5000 AlarmEmail=ops@example.com'
```

A parameter that you leave out keeps its value from the previous deployment, or gets its default.

";

/// The whole page.
pub(crate) fn page(template: &Value, source: &str) -> String {
    let names = names_of_section(source, "Parameters");
    let groups = groups(source);
    let grouped: BTreeSet<&str> = groups.iter().flat_map(|group| group.parameters.iter().copied()).collect();
    assert_eq!(
        grouped,
        names.iter().copied().collect(),
        "each parameter is in a group of AWS::CloudFormation::Interface"
    );
    let mut page = String::from(INTRODUCTION);
    page += "| parameter | what it sets | default |\n| --- | --- | --- |\n";
    for name in groups.iter().flat_map(|group| &group.parameters) {
        let default = default_of(&template["Parameters"][*name]);
        page += &format!("| [`{name}`](#{}) | {} | {default} |\n", name.to_lowercase(), label_of(source, name));
    }
    for group in &groups {
        page += &format!("\n## {}\n", group.label);
        for name in &group.parameters {
            page += &section(name, &template["Parameters"][*name]);
        }
    }
    page + &outputs(template, source)
}

/// Parameters that the console and this page show together.
struct Group<'t> {
    label: &'t str,
    parameters: Vec<&'t str>,
}

/// The groups of the template's `AWS::CloudFormation::Interface`, which the transformed template lacks.
fn groups(source: &str) -> Vec<Group<'_>> {
    let (_, groups) = source.split_once("    ParameterGroups:\n").expect("groups of parameters");
    let groups = groups.split("    ParameterLabels:\n").next().unwrap().split("- Label:").skip(1);
    groups
        .map(|group| {
            let (_, names) = group.split_once("Parameters: [").unwrap();
            let names = names.split(']').next().unwrap().split(',');
            Group { label: default_in(group), parameters: names.map(str::trim).collect() }
        })
        .collect()
}

fn label_of<'t>(source: &'t str, name: &str) -> &'t str {
    let (_, labels) = source.split_once("    ParameterLabels:\n").expect("labels of parameters");
    let begin = format!("      {name}:");
    let line = labels.lines().find(|line| line.starts_with(&begin)).unwrap_or_else(|| panic!("{name} has no label"));
    default_in(line)
}

/// The text in `{ default: text }`.
fn default_in(text: &str) -> &str {
    let (_, text) = text.split_once("{ default: ").unwrap_or_else(|| panic!("{text} has no default"));
    text.split(" }").next().unwrap().trim_matches('"')
}

fn section(name: &str, parameter: &Value) -> String {
    let mut facts = vec![format!("Type: {}", text(&parameter["Type"])), format!("Default: {}", default_of(parameter))];
    for (member, words) in [("MinValue", "Minimum"), ("MaxValue", "Maximum")] {
        if !parameter[member].is_null() {
            facts.push(format!("{words}: {}", text(&parameter[member])));
        }
    }
    if let Some(values) = parameter["AllowedValues"].as_array() {
        let values: Vec<String> = values.iter().map(|value| format!("`{}`", text(value))).collect();
        facts.push(format!("Allowed values: {}", values.join(", ")));
    }
    facts.extend(parameter["ConstraintDescription"].as_str().map(|constraint| format!("Form: {constraint}")));
    let facts: Vec<String> =
        facts.iter().map(|fact| format!("- {}\n", wrapped(fact.trim_end_matches('.'), "  "))).collect();
    let description =
        wrapped(parameter["Description"].as_str().unwrap_or_else(|| panic!("{name}: no description")), "");
    format!("\n### {name}\n\n{description}\n\n{}", facts.concat())
}

fn outputs(template: &Value, source: &str) -> String {
    let mut table = String::from("\n## Outputs\n\n| output | meaning |\n| --- | --- |\n");
    for name in names_of_section(source, "Outputs") {
        let description = template["Outputs"][name]["Description"].as_str();
        let description = description.unwrap_or_else(|| panic!("{name}: no description"));
        table += &format!("| `{name}` | {description} |\n");
    }
    table
}

fn default_of(parameter: &Value) -> String {
    match &parameter["Default"] {
        Value::Null => "none, required".to_owned(),
        value if text(value).is_empty() => "empty".to_owned(),
        value => format!("`{}`", text(value)),
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
