//! `template.yaml` and the state machine, read as they are deployed.

use serde_json::{Map, Value, json};
use std::path::PathBuf;

/// The logical id and the resource of each resource of one type.
pub(crate) type Resources = Vec<(String, Value)>;

/// The text of a file of the repository.
pub(crate) fn text_of(path: &str) -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    std::fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The template, its short forms (`!Ref`) written out (`{"Ref": …}`).
pub(crate) fn template() -> Value {
    plain(yaml_serde::from_str(&text_of("template.yaml")).unwrap())
}

/// The resources of a type.
pub(crate) fn resources(template: &Value, kind: &str) -> Resources {
    let all = template["Resources"].as_object().unwrap();
    all.iter().filter(|(_, resource)| resource["Type"] == kind).map(|(id, found)| (id.clone(), found.clone())).collect()
}

/// The only resource of a type.
pub(crate) fn resource(template: &Value, kind: &str) -> (String, Value) {
    let mut found = resources(template, kind);
    assert_eq!(found.len(), 1, "{kind}");
    found.remove(0)
}

/// The text of the state machine's definition, with its placeholders.
pub(crate) fn definition_text() -> String {
    text_of("statemachine/workflow.asl.json")
}

/// The state machine's definition.
pub(crate) fn definition() -> Value {
    serde_json::from_str(&definition_text()).unwrap()
}

/// Every state of the definition by its name, those inside a Map too.
pub(crate) fn states(definition: &Value) -> Map<String, Value> {
    let mut all = Map::new();
    for (name, state) in definition["States"].as_object().unwrap() {
        if state["ItemProcessor"].is_object() {
            all.extend(states(&state["ItemProcessor"]));
        }
        all.insert(name.clone(), state.clone());
    }
    all
}

fn plain(value: yaml_serde::Value) -> Value {
    match value {
        yaml_serde::Value::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            let name = tag.trim_start_matches('!');
            let argument = plain(tagged.value);
            match (name, argument) {
                ("Ref" | "Condition", argument) => json!({ name: argument }),
                ("GetAtt", Value::String(path)) => {
                    let (resource, attribute) = path.split_once('.').unwrap();
                    json!({ "Fn::GetAtt": [resource, attribute] })
                }
                (name, argument) => json!({ format!("Fn::{name}"): argument }),
            }
        }
        yaml_serde::Value::Mapping(mapping) => Value::Object(
            mapping.into_iter().map(|(name, value)| (name.as_str().unwrap().to_owned(), plain(value))).collect(),
        ),
        yaml_serde::Value::Sequence(sequence) => sequence.into_iter().map(plain).collect(),
        other => serde_json::to_value(other).unwrap(),
    }
}
