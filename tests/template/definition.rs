//! The state machines, from their text alone: what they retry, how long they may take, where every failure goes.

use crate::support::template::{Machine, definition, id_in_reference, machines, states, template};
use crate::template::policies::statements;
use adapters::FailureKind;
use domain::limits::{FILE_RANGES_MAX, RETRIED_FILE_BYTES_MAX};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The errors of Lambda itself that a second try may resolve, as AWS advises for every task that calls a function.
const LAMBDA_TRANSIENT: [&str; 7] = [
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "Runtime.ExitError",
    "States.Timeout",
];

/// The errors of Lambda before a function begins. The steps of a large file retry nothing else, because two tries would
/// not fit into the time of Express.
const BEFORE_ANY_WORK: &str = "Lambda.TooManyRequestsException";

/// The steps of large files, and the corresponding standard ones.
const LARGE: [(&str, &str); 3] =
    [("ValidateLargeFile", "Validation"), ("ProcessLargeFile", "Processing"), ("ProcessLargeRange", "ProcessRange")];

/// Express ends after 300 s and no Catch runs then, so each path through the states must be well below it, retries
/// included.
const SECONDS_MAX: u64 = 260;

fn names(list: &Value) -> BTreeSet<String> {
    list.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

/// The transient errors that a function can raise, from the services that its role lets it call.
fn transient_errors(template: &Value, function_id: &str) -> BTreeSet<String> {
    let role = id_in_reference(&template["Resources"][function_id]["Properties"]["Role"]);
    let services: BTreeSet<String> = statements(&template["Resources"][role])
        .iter()
        .map(|statement| statement["Action"].as_str().unwrap().split(':').next().unwrap().to_owned())
        .collect();
    let raised_by = |kind: FailureKind| match kind {
        FailureKind::StoreUnavailable => services.contains("s3") || services.contains("dynamodb"),
        FailureKind::TopicUnavailable => services.contains("sns"),
        FailureKind::BusUnavailable => services.contains("events"),
        FailureKind::SecretsUnavailable => services.contains("secretsmanager"),
        other => panic!("{} is transient: its service is not known here", other.name()),
    };
    let transient = FailureKind::ALL.into_iter().filter(|kind| kind.is_transient() && raised_by(*kind));
    transient.map(|kind| kind.name().to_owned()).collect()
}

#[test]
fn retries_exactly_the_transient_errors() {
    let template = template();
    let permanent: BTreeSet<&str> =
        FailureKind::ALL.into_iter().filter(|kind| !kind.is_transient()).map(FailureKind::name).collect();
    let retried = |state: &Value| -> BTreeSet<String> {
        state["Retry"].as_array().unwrap().iter().flat_map(|retrier| names(&retrier["ErrorEquals"])).collect()
    };
    for machine in machines(&template) {
        for (name, state) in machine.tasks() {
            let retried = retried(&state);
            assert!(
                retried.iter().all(|error| !permanent.contains(error.as_str())),
                "{name} retries a permanent error"
            );
            assert!(!retried.contains("States.ALL"), "{name}");
        }
        for (name, state, function) in machine.calls() {
            let mut expected = BTreeSet::from([BEFORE_ANY_WORK.to_owned()]);
            if LARGE.iter().all(|(large, _)| *large != name) {
                expected.extend(transient_errors(&template, function));
                expected.extend(LAMBDA_TRANSIENT.map(str::to_owned));
            }
            assert_eq!(retried(&state), expected, "{name}");
        }
    }
}

#[test]
fn every_retry_backs_off_with_jitter() {
    for (name, state) in machines(&template()).iter().flat_map(Machine::tasks) {
        for retrier in state["Retry"].as_array().unwrap() {
            assert_eq!((&retrier["BackoffRate"], &retrier["JitterStrategy"]), (&json!(2), &json!("FULL")), "{name}");
            assert!(retrier["MaxDelaySeconds"].is_u64() && retrier["IntervalSeconds"].is_u64(), "{name}");
            assert!(retrier["MaxAttempts"].as_u64().is_some_and(|attempts| (1..=2).contains(&attempts)), "{name}");
        }
    }
}

#[test]
fn each_path_fits_into_the_time_of_an_express_workflow() {
    for machine in machines(&template()) {
        let seconds = longest_path(&machine.definition, machine.definition["StartAt"].as_str().unwrap());
        assert!(seconds <= SECONDS_MAX, "{}: {seconds} s", machine.id);
        let states = states(&machine.definition);
        for (name, state) in states.iter().filter(|(_, state)| state["Type"] == "Map") {
            let at_once = state["MaxConcurrency"].as_u64().unwrap();
            assert!(at_once >= FILE_RANGES_MAX as u64, "{name} would work in rounds, each with its own time");
            assert!(state["Retry"].is_null(), "{name} would repeat all of its items");
        }
        assert!(states.values().all(|state| state["Type"] != "Wait"), "{}", machine.id);
    }
}

/// The seconds of the longest path from a state to an end. No path has a cycle, or this would not end.
fn longest_path(machine: &Value, name: &str) -> u64 {
    let state = &machine["States"][name];
    let all = |field: &str| state[field].as_array().cloned().unwrap_or_default();
    let inner = all("Branches").into_iter().chain(state.get("ItemProcessor").cloned());
    let within = inner.map(|inner| longest_path(&inner, inner["StartAt"].as_str().unwrap())).max();
    let own = if state["Type"] == "Task" { longest_task(name, state) } else { within.unwrap_or(0) };
    let rules = [all("Choices"), all("Catch")].concat();
    let next = rules.iter().map(|rule| &rule["Next"]).chain([&state["Next"], &state["Default"]]);
    own + next.filter_map(Value::as_str).map(|next| longest_path(machine, next)).max().unwrap_or(0)
}

/// The seconds of a task with all its retries. A call that Lambda rejects before a function begins takes no time.
fn longest_task(name: &str, state: &Value) -> u64 {
    let timeout = state["TimeoutSeconds"].as_u64().unwrap_or_else(|| panic!("{name} has no TimeoutSeconds"));
    let retriers = state["Retry"].as_array().unwrap();
    let works = |retrier: &&Value| retrier["ErrorEquals"] != json!([BEFORE_ANY_WORK]);
    let retries: u64 = retriers.iter().filter(works).map(|retrier| retrier["MaxAttempts"].as_u64().unwrap()).sum();
    timeout * (1 + retries) + retriers.iter().map(longest_delays).sum::<u64>()
}

#[test]
fn a_large_file_takes_the_same_steps_with_one_longer_try() {
    let definition = definition();
    let states = states(&definition);
    let ways = |name: &str| {
        let way = states[name]["Choices"].as_array().unwrap().iter().find(|choice| choice["And"].is_array()).unwrap();
        (way["Next"].as_str().unwrap().to_owned(), way["And"].clone(), states[name]["Default"].as_str().unwrap())
    };
    let size = "$.detail.object.size";
    // A path to a missing member ends an execution without a Catch, and an operator may pass an event without a size.
    let is_large = json!([
        {"Variable": size, "IsPresent": true},
        {"Variable": size, "NumericGreaterThan": RETRIED_FILE_BYTES_MAX},
    ]);
    let large = |name: &str| LARGE.into_iter().find(|(_, other)| *other == name).unwrap().0.to_owned();
    for choice in ["ChooseTimeToValidate", "NeedsProcessing"] {
        let (next, condition, otherwise) = ways(choice);
        assert_eq!((next, condition), (large(otherwise), is_large.clone()), "{choice}");
    }
    let bare = |state: &Value| {
        let mut state = state.clone();
        for member in ["Comment", "TimeoutSeconds", "Retry", "ItemProcessor"] {
            state.as_object_mut().unwrap().remove(member);
        }
        // The time limit that a function receives follows from the state's.
        if let Some(payload) = state.pointer_mut("/Parameters/Payload").and_then(Value::as_object_mut) {
            payload.remove("seconds_max");
        }
        state
    };
    let time_left = |state: &Value| {
        let seconds_max = state["Parameters"]["Payload"]["seconds_max"].as_u64();
        seconds_max.map(|seconds_max| state["TimeoutSeconds"].as_u64().unwrap() - seconds_max)
    };
    for (large, other) in LARGE {
        assert_eq!(bare(&states[large]), bare(&states[other]), "{large}");
        assert_eq!(
            time_left(&states[large]),
            time_left(&states[other]),
            "{large} receives another time limit than its state has"
        );
        assert!(states[large]["TimeoutSeconds"].as_u64() >= states[other]["TimeoutSeconds"].as_u64(), "{large}");
    }
}

fn longest_delays(retrier: &Value) -> u64 {
    let number = |name: &str| retrier[name].as_u64().unwrap();
    let delay = |attempt: u32| (number("IntervalSeconds") * 2_u64.pow(attempt)).min(number("MaxDelaySeconds"));
    (0..u32::try_from(number("MaxAttempts")).unwrap()).map(delay).sum()
}

#[test]
fn a_function_outlives_the_state_that_calls_it() {
    let template = template();
    for machine in machines(&template) {
        for (name, state, function) in machine.calls() {
            let function = template["Resources"][function]["Properties"]["Timeout"].as_u64();
            assert!(function >= state["TimeoutSeconds"].as_u64(), "{name}: {function:?} against {state:?}");
        }
    }
}

#[test]
fn every_failure_is_queued_and_fails_the_execution() {
    for machine in machines(&template()) {
        failures_go_to_the_queue(&machine);
    }
}

fn failures_go_to_the_queue(machine: &Machine) {
    let states = states(&machine.definition);
    let caught = inner_states(&machine.definition);
    let queue = "SendToDeadLetterQueue";
    for (name, state) in &states {
        let catches = state["Catch"].as_array().cloned().unwrap_or_default();
        let all: Vec<&Value> = catches.iter().filter(|catch| catch["ErrorEquals"] == json!(["States.ALL"])).collect();
        match (state["Type"].as_str().unwrap(), name.as_str()) {
            // Its failures are those of the Map or the Parallel around it.
            ("Task", name) if caught.contains(name) => assert!(catches.is_empty(), "{name}"),
            ("Task", "SendToDeadLetterQueue") => {
                assert_eq!(all[0]["Next"], state["Next"], "whether or not the message is sent, the execution fails")
            }
            ("Task", "RecordFailure") => {
                assert_eq!((&all[0]["Next"], &state["Next"]), (&json!("Failed"), &json!("Failed")))
            }
            ("Task" | "Map" | "Parallel", _) => {
                assert_eq!((&all[0]["Next"], &all[0]["ResultPath"]), (&json!(queue), &json!("$.error")), "{name}");
            }
            ("Choice", _) => assert!(!state["Default"].is_null(), "{name}"),
            ("Succeed" | "Fail", _) => {}
            (kind, _) => panic!("{name} is a {kind}: its failures are not known here"),
        }
    }
    // After the queue, no path ends in success.
    let mut reached = vec![queue.to_owned()];
    let mut at = 0;
    while at < reached.len() {
        let state = &states[&reached[at]];
        assert_ne!(state["Type"], "Succeed", "{reached:?}");
        let catches = state["Catch"].as_array().into_iter().flatten().map(|catch| &catch["Next"]);
        let next: Vec<String> =
            [&state["Next"]].into_iter().chain(catches).filter_map(|next| next.as_str().map(str::to_owned)).collect();
        reached.extend(next.into_iter().filter(|next| !reached.contains(next)).collect::<Vec<_>>());
        at += 1;
    }
    assert_eq!(states["Failed"]["Type"], "Fail");
    let body = &states[queue]["Parameters"]["MessageBody"];
    assert_eq!((&body["input.$"], &body["error.$"]), (&json!("$$.Execution.Input"), &json!("$.error")));
}

/// The names of the states inside Maps and Parallels.
fn inner_states(definition: &Value) -> BTreeSet<String> {
    let outer = definition["States"].as_object().unwrap();
    states(definition).into_iter().map(|(name, _)| name).filter(|name| !outer.contains_key(name)).collect()
}

#[test]
fn account_names_come_only_from_substitutions() {
    for machine in machines(&template()) {
        let text = &machine.text;
        let used: BTreeSet<&str> = text.split("${").skip(1).map(|rest| rest.split_once('}').unwrap().0).collect();
        let given = machine.properties["DefinitionSubstitutions"].as_object().unwrap();
        assert_eq!(used, given.keys().map(String::as_str).collect(), "{}", machine.id);
        for arn in text.split("\"arn:").skip(1) {
            assert!(arn.starts_with("aws:states:::"), "an ARN of one account: arn:{}", arn.split('"').next().unwrap());
        }
    }
}
