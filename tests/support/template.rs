//! The template after SAM's transform, and the state machines' definitions.

use crate::support::files::digest;
use serde_json::{Map, Value, json};
use std::path::PathBuf;

/// The logical id and the resource of each resource of one type.
pub(crate) type Resources = Vec<(String, Value)>;

/// The text of a file of the repository.
pub(crate) fn text_of(path: &str) -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    std::fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The template after the SAM transform. `python3 -m local run` makes it, and so does `python3 -m tools transform`.
pub(crate) fn template() -> Value {
    let template: Value = serde_json::from_str(&text_of(".local/transformed.json")).unwrap();
    let source = digest(text_of("template.yaml").as_bytes());
    assert_eq!(template["Metadata"]["TemplateSha256"], source.as_str(), "create it: python3 -m tools transform");
    template
}

/// The resources of a type.
pub(crate) fn resources(template: &Value, kind: &str) -> Resources {
    let all = template["Resources"].as_object().unwrap();
    all.iter().filter(|(_, resource)| resource["Type"] == kind).map(|(id, found)| (id.clone(), found.clone())).collect()
}

/// A reference to the ARN of a resource.
pub(crate) fn arn_of(id: &str) -> Value {
    json!({"Fn::GetAtt": [id, "Arn"]})
}

/// The logical id in a reference to a resource: to itself or to its ARN.
pub(crate) fn id_in_reference(reference: &Value) -> &str {
    let arn = &reference["Fn::GetAtt"];
    let id = if arn[1] == "Arn" { arn[0].as_str() } else { reference["Ref"].as_str() };
    id.unwrap_or_else(|| panic!("{reference} is no reference to a resource"))
}

/// A state machine of the template.
pub(crate) struct Machine {
    pub(crate) id: String,
    pub(crate) properties: Value,
    /// The text of its definition, with its placeholders.
    pub(crate) text: String,
    pub(crate) definition: Value,
}

/// Every state machine of the template.
pub(crate) fn machines(template: &Value) -> Vec<Machine> {
    let machine = |(id, found): (String, Value)| {
        let properties = found["Properties"].clone();
        let text = text_of(properties["DefinitionS3Location"]["Key"].as_str().unwrap());
        let definition = serde_json::from_str(&text).unwrap();
        Machine { id, properties, text, definition }
    };
    resources(template, "AWS::StepFunctions::StateMachine").into_iter().map(machine).collect()
}

impl Machine {
    /// The substitution of `${Name}` in the template.
    pub(crate) fn substituted(&self, placeholder: &Value) -> &Value {
        let name = placeholder.as_str().unwrap().trim_start_matches("${").trim_end_matches('}');
        &self.properties["DefinitionSubstitutions"][name]
    }

    /// Every task of the definition, by its state's name.
    pub(crate) fn tasks(&self) -> Vec<(String, Value)> {
        states(&self.definition).into_iter().filter(|(_, state)| state["Type"] == "Task").collect()
    }

    /// The tasks that call a function, each with the function's logical id.
    pub(crate) fn calls(&self) -> Vec<(String, Value, &str)> {
        let calls = |state: &Value| state["Resource"] == "arn:aws:states:::lambda:invoke";
        let tasks = self.tasks().into_iter().filter(|(_, state)| calls(state));
        tasks
            .map(|(name, state)| {
                let function = id_in_reference(self.substituted(&state["Parameters"]["FunctionName"]));
                (name, state, function)
            })
            .collect()
    }
}

/// The definition of the workflow of transaction files.
pub(crate) fn definition() -> Value {
    serde_json::from_str(&text_of("statemachine/workflow.asl.json")).unwrap()
}

/// Every state of the definition by its name, those inside a Map or a Parallel too.
pub(crate) fn states(definition: &Value) -> Map<String, Value> {
    let mut all = Map::new();
    for (name, state) in definition["States"].as_object().unwrap() {
        let branches = state["Branches"].as_array().into_iter().flatten();
        for inner in branches.chain(state.get("ItemProcessor")) {
            all.extend(states(inner));
        }
        all.insert(name.clone(), state.clone());
    }
    all
}
