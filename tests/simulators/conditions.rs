//! The template under given parameters: conditions evaluated, `Fn::If` resolved, `AWS::NoValue` left out.

use serde_json::{Map, Value, json};

/// The template as it is deployed with these parameters, and with the defaults of the others.
pub(crate) fn deployed_with(template: &Value, parameters: &[(&str, Value)]) -> Value {
    let deployment = Deployment { template, parameters };
    let mut deployed = deployment.resolved(template).unwrap();
    let all = deployed["Resources"].as_object_mut().unwrap();
    all.retain(|_, resource| resource["Condition"].as_str().is_none_or(|name| deployment.holds(name)));
    deployed
}

struct Deployment<'a> {
    template: &'a Value,
    parameters: &'a [(&'a str, Value)],
}

impl Deployment<'_> {
    fn holds(&self, condition: &str) -> bool {
        self.is_true(&self.template["Conditions"][condition])
    }

    fn is_true(&self, condition: &Value) -> bool {
        let (function, argument) = condition.as_object().and_then(|only| only.iter().next()).unwrap();
        let parts = argument.as_array();
        match (function.as_str(), parts.map(Vec::as_slice)) {
            ("Fn::Equals", Some([left, right])) => self.text(left) == self.text(right),
            ("Fn::Not", Some([inner])) => !self.is_true(inner),
            ("Fn::And", Some(all)) => all.iter().all(|inner| self.is_true(inner)),
            ("Fn::Or", Some(any)) => any.iter().any(|inner| self.is_true(inner)),
            ("Condition", None) => self.holds(argument.as_str().unwrap()),
            _ => panic!("the condition {condition} is not supported here"),
        }
    }

    /// CloudFormation compares texts: a parameter's number is one too.
    fn text(&self, value: &Value) -> String {
        let value = match value["Ref"].as_str() {
            Some(name) => {
                let given = self.parameters.iter().find(|(parameter, _)| *parameter == name);
                given.map_or(&self.template["Parameters"][name]["Default"], |(_, value)| value)
            }
            None => value,
        };
        value.as_str().map_or_else(|| value.to_string(), str::to_owned)
    }

    /// The value without its `Fn::If`, or none where that leaves nothing.
    fn resolved(&self, value: &Value) -> Option<Value> {
        if let Some([condition, then, otherwise]) = value["Fn::If"].as_array().map(Vec::as_slice) {
            return self.resolved(if self.holds(condition.as_str().unwrap()) { then } else { otherwise });
        }
        if *value == json!({"Ref": "AWS::NoValue"}) {
            return None;
        }
        Some(match value {
            Value::Array(items) => items.iter().filter_map(|item| self.resolved(item)).collect(),
            Value::Object(members) => {
                let resolved = members.iter().filter_map(|(name, value)| Some((name.clone(), self.resolved(value)?)));
                Value::Object(resolved.collect::<Map<_, _>>())
            }
            other => other.clone(),
        })
    }
}
