//! The time limits that handlers set themselves, from their sources: each is below the limit of their caller, so that a
//! response or a named error is returned before the caller cuts the handler off.

use crate::docs::limits::constants;
use crate::support::template::{machines, resources, template, text_of};

/// API Gateway responds itself after this long.
const GATEWAY_SECONDS: u64 = 29;
/// AWS ends an Express execution after this long.
const EXPRESS_SECONDS: u64 = 300;
/// The time of a handler for everything except waiting: its start, and sending the response.
const ROOM_SECONDS: u64 = 2;
/// The same for a range: its last writes are under way, and files are marked as superseded.
const RANGE_ROOM_SECONDS: u64 = 5;

/// A constant of a source file.
fn constant(path: &str, name: &str) -> u64 {
    let source = text_of(path);
    let lines: String = source.lines().filter(|line| line.contains(&format!("const {name}:"))).collect();
    let found = constants(&lines);
    assert_eq!(found.len(), 1, "{name} in {path}");
    found[0].1
}

#[test]
fn a_response_is_sent_before_the_gateway_times_out() {
    let response = constant("api/src/gateway.rs", "RESPONSE_SECONDS_MAX");
    assert!(response + ROOM_SECONDS <= GATEWAY_SECONDS, "{response} s");
    let template = template();
    for (id, permission) in resources(&template, "AWS::Lambda::Permission") {
        if permission["Properties"]["Principal"] != "apigateway.amazonaws.com" {
            continue;
        }
        let function = permission["Properties"]["FunctionName"]["Ref"].as_str().unwrap();
        let timeout = template["Resources"][function]["Properties"]["Timeout"].as_u64().unwrap();
        assert!(response < timeout && GATEWAY_SECONDS < timeout, "{id}: {function} is cut off after {timeout} s");
    }
    let call = constant("adapters/src/configuration.rs", "CALL_SECONDS_MAX");
    assert!(call < response, "one call of {call} s uses up the response's time");
}

#[test]
fn a_call_ends_before_the_state_that_waits_for_it() {
    let configuration = "adapters/src/configuration.rs";
    let (one_try, call) =
        (constant(configuration, "CALL_TRY_SECONDS_MAX"), constant(configuration, "CALL_SECONDS_MAX"));
    let write = constant("adapters/src/transaction_table.rs", "WRITE_SECONDS_MAX");
    assert!(one_try < call && call < write);
    for machine in machines(&template()) {
        for (name, state, function) in machine.calls() {
            let longest = if function == "DataTransformerFunction" { write } else { call };
            let timeout = state["TimeoutSeconds"].as_u64().unwrap();
            assert!(longest + ROOM_SECONDS <= timeout, "{name} waits {timeout} s, a call takes {longest} s");
        }
    }
}

/// A range that runs out of time names the cause: the state's own limit would not.
#[test]
fn a_transformer_ends_before_the_state_that_waits_for_it() {
    let template = template();
    let machines = machines(&template);
    let calls = machines.iter().flat_map(|machine| machine.calls());
    let ranges: Vec<_> = calls.filter(|(_, _, function)| *function == "DataTransformerFunction").collect();
    assert!(!ranges.is_empty());
    for (name, state, _) in ranges {
        let (seconds, timeout) =
            (state["Parameters"]["Payload"]["seconds_max"].as_u64(), state["TimeoutSeconds"].as_u64().unwrap());
        let expected = Some(timeout - RANGE_ROOM_SECONDS);
        assert_eq!(seconds, expected, "{name} waits {timeout} s and does not pass that to the transformer");
    }
    let by_itself = constant("functions/data-transformer/src/lib.rs", "RANGE_SECONDS");
    assert!(by_itself + RANGE_ROOM_SECONDS <= 65, "a caller that passes no limit waits 65 s");
}

#[test]
fn an_attempt_is_lost_only_after_the_workflow_timeout() {
    let attempt = constant("domain/src/limits.rs", "ATTEMPT_MILLISECONDS_MAX");
    assert!(attempt > EXPRESS_SECONDS * 1000, "{attempt} ms");
}
