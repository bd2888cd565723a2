//! The limits of time that handlers set themselves, from their sources: each lies below the limit of who waits for it,
//! so that an answer or a named error comes before somebody else cuts it off.

use crate::docs::limits::constants;
use crate::support::template::{machines, resources, template, text_of};

/// After this long API Gateway answers for the function.
const GATEWAY_SECONDS: u64 = 29;
/// After this long AWS ends an Express execution.
const EXPRESS_SECONDS: u64 = 300;
/// What is left of a handler's time for all else than waiting: its start, and sending the answer.
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
fn an_answer_comes_before_the_gateway_gives_up() {
    let answer = constant("api/src/gateway.rs", "RESPONSE_SECONDS_MAX");
    assert!(answer + ROOM_SECONDS <= GATEWAY_SECONDS, "{answer} s");
    let template = template();
    for (id, permission) in resources(&template, "AWS::Lambda::Permission") {
        if permission["Properties"]["Principal"] != "apigateway.amazonaws.com" {
            continue;
        }
        let function = permission["Properties"]["FunctionName"]["Ref"].as_str().unwrap();
        let timeout = template["Resources"][function]["Properties"]["Timeout"].as_u64().unwrap();
        assert!(answer < timeout && GATEWAY_SECONDS < timeout, "{id}: {function} is cut off after {timeout} s");
    }
    let call = constant("adapters/src/configuration.rs", "CALL_SECONDS_MAX");
    assert!(call < answer, "one call of {call} s uses up the answer's time");
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

/// A range that time runs out for says what held it up: the state's own limit would not.
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
        assert_eq!(seconds, expected, "{name} waits {timeout} s and does not tell the transformer so");
    }
    let by_itself = constant("functions/data-transformer/src/lib.rs", "RANGE_SECONDS");
    assert!(by_itself + RANGE_ROOM_SECONDS <= 65, "what calls it without a word waits 65 s");
}

#[test]
fn an_attempt_counts_as_lost_only_after_the_workflow_can_no_longer_end_it() {
    let attempt = constant("domain/src/limits.rs", "ATTEMPT_MILLISECONDS_MAX");
    assert!(attempt > EXPRESS_SECONDS * 1000, "{attempt} ms");
}
