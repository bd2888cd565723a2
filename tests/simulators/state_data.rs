//! The data that the states of a machine pass on: the paths, templates and results of the Amazon States Language, as
//! far as our definitions use them. An execution is played with every outcome of each of its tasks.

use serde_json::{Map, Value, json};

/// How a task may end: with a result, or with an error's name and cause.
pub(crate) type Ending = Result<Value, Value>;

/// Data that a service limits: what they are, and their size as JSON in bytes.
pub(crate) type Sizes = Vec<(String, usize)>;

/// Plays every execution of a machine.
pub(crate) struct Play<'a> {
    /// Each outcome of the task of this name.
    pub(crate) endings: &'a dyn Fn(&str) -> Vec<Ending>,
    /// The context object (`$$`), without the item of a Map.
    pub(crate) context: Value,
    /// All data seen.
    pub(crate) sizes: Sizes,
}

impl Play<'_> {
    /// Plays a machine from its first state. Returns each of its outcomes.
    pub(crate) fn run(&mut self, machine: &Value, input: Value) -> Vec<Ending> {
        self.enter(machine, machine["StartAt"].as_str().unwrap(), input)
    }

    fn enter(&mut self, machine: &Value, name: &str, input: Value) -> Vec<Ending> {
        let state = &machine["States"][name];
        self.measure(name, "input", &input);
        match state["Type"].as_str().unwrap() {
            "Succeed" => vec![Ok(input)],
            "Fail" => {
                let at = |path: &str| self.read(state[path].as_str().unwrap(), &input);
                vec![Err(json!({"Error": at("ErrorPath"), "Cause": at("CausePath")}))]
            }
            "Choice" => {
                let choices = state["Choices"].as_array().unwrap();
                let chosen = choices.iter().find(|choice| self.holds(choice, &input));
                let next = chosen.map_or(&state["Default"], |choice| &choice["Next"]);
                self.enter(machine, next.as_str().unwrap(), input)
            }
            "Pass" => {
                let result = self.filled(&state["Parameters"], &input);
                self.leave(machine, name, &input, Ok(result))
            }
            "Task" => {
                let payload = self.filled(&state["Parameters"], &input);
                self.measure(name, "task", &payload);
                let endings = (self.endings)(name);
                endings.into_iter().flat_map(|ending| self.leave(machine, name, &input, ending)).collect()
            }
            "Map" => {
                let endings = self.map(name, state, &input);
                endings.into_iter().flat_map(|ending| self.leave(machine, name, &input, ending)).collect()
            }
            other => panic!("states of type {other} are not supported here"),
        }
    }

    /// Either all items succeed, or one fails.
    fn map(&mut self, name: &str, state: &Value, input: &Value) -> Vec<Ending> {
        let mut results = Vec::new();
        let mut errors = Vec::new();
        for item in self.read(state["ItemsPath"].as_str().unwrap(), input).as_array().unwrap() {
            self.context["Map"]["Item"]["Value"] = item.clone();
            let selected = self.filled(&state["ItemSelector"], input);
            let endings = self.run(&state["ItemProcessor"], selected);
            let (well, ill): (Vec<_>, Vec<_>) = endings.into_iter().partition(Result::is_ok);
            results.extend(well.into_iter().flatten().next());
            errors = ill;
        }
        self.context.as_object_mut().unwrap().remove("Map");
        let result = Value::Array(results);
        self.measure(name, "result", &result);
        errors.push(Ok(result));
        errors
    }

    /// Continues after a state: its result, or the error that it catches, becomes a part of the data.
    fn leave(&mut self, machine: &Value, name: &str, input: &Value, ending: Ending) -> Vec<Ending> {
        let state = &machine["States"][name];
        let (rule, output) = match ending {
            Ok(result) => {
                self.measure(name, "result", &result);
                let result = match &state["ResultSelector"] {
                    Value::Null => result,
                    selector => self.filled(selector, &result),
                };
                let with_result = with_result(state, result, input);
                (state, state["OutputPath"].as_str().map_or(with_result.clone(), |path| self.read(path, &with_result)))
            }
            Err(error) => match state["Catch"].as_array() {
                Some(catches) => (&catches[0], with_result(&catches[0], error, input)),
                None => return vec![Err(error)],
            },
        };
        self.measure(name, "output", &output);
        match rule["Next"].as_str() {
            Some(next) => self.enter(machine, next, output),
            None => vec![Ok(output)],
        }
    }

    fn holds(&self, choice: &Value, input: &Value) -> bool {
        if let Some(all) = choice["And"].as_array() {
            return all.iter().all(|choice| self.holds(choice, input));
        }
        let value = self.read(choice["Variable"].as_str().unwrap(), input);
        let rule = choice.as_object().unwrap().iter().find(|(name, _)| !["Variable", "Next"].contains(&name.as_str()));
        match rule.map(|(name, expected)| (name.as_str(), expected)) {
            Some(("StringEquals", expected)) => value == *expected,
            Some(("NumericGreaterThan", expected)) => value.as_u64().unwrap() > expected.as_u64().unwrap(),
            // The data that a condition reads must exist.
            Some(("IsPresent", expected)) => *expected == true,
            other => panic!("the condition {other:?} is not supported here"),
        }
    }

    /// The value at a path. A missing one fails the execution on AWS.
    fn read(&self, path: &str, data: &Value) -> Value {
        let (root, path) = path.strip_prefix("$$").map_or((data, &path[1..]), |rest| (&self.context, rest));
        root.pointer(&path.replace('.', "/")).unwrap_or_else(|| panic!("{path} is missing")).clone()
    }

    /// A template, with its values by path (`"member.$": "$.path"`).
    fn filled(&self, template: &Value, data: &Value) -> Value {
        let Some(members) = template.as_object() else { return template.clone() };
        let filled = members.iter().map(|(name, value)| match name.strip_suffix(".$") {
            Some(name) => (name.to_owned(), self.read(value.as_str().unwrap(), data)),
            None => (name.clone(), self.filled(value, data)),
        });
        Value::Object(filled.collect::<Map<_, _>>())
    }

    fn measure(&mut self, name: &str, what: &str, value: &Value) {
        self.sizes.push((format!("{name}: {what}"), value.to_string().len()));
    }
}

/// The data with a result where `ResultPath` says: nowhere, at one member, or in place of all.
fn with_result(rule: &Value, result: Value, data: &Value) -> Value {
    match rule.get("ResultPath") {
        None => result,
        Some(Value::Null) => data.clone(),
        Some(path) => {
            let mut data = data.clone();
            let member = path.as_str().and_then(|path| path.strip_prefix("$.")).unwrap_or_else(|| panic!("{path}"));
            assert!(!member.contains('.'), "{path}: one member only");
            data[member] = result;
            data
        }
    }
}
