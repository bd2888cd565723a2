//! Inputs of the steps of the state machines, and the events that start them: with any JSON, a step succeeds or fails with a
//! named error.

use crate::api::tracer;
use crate::{ARRIVAL_MS, cloud};
use adapters::{Failure, FailureKind, Tracer, invocation};
use serde_json::Value;
use std::future::Future;
use std::sync::OnceLock;

/// Sends one input to each step.
pub fn check(bytes: &[u8]) {
    let Ok(input) = serde_json::from_slice::<Value>(bytes) else {
        return;
    };
    if input.get("httpMethod").is_some() {
        return; // A request of the API, which another target tests.
    }
    judge(csv_validator(&input));
    judge(data_transformer(&input));
    judge(notification_sender(&input));
    judge(fraud_detector(&input));
}

fn csv_validator(input: &Value) -> Result<Value, Failure> {
    static PORTS: OnceLock<csv_validator::Ports> = OnceLock::new();
    let ports = PORTS.get_or_init(|| ports(csv_validator::Ports::new));
    step(input, |event, tracer| async move { csv_validator::handle(event, ports, &tracer, ARRIVAL_MS).await })
}

fn data_transformer(input: &Value) -> Result<Value, Failure> {
    static PORTS: OnceLock<data_transformer::Ports> = OnceLock::new();
    let ports = PORTS.get_or_init(|| ports(data_transformer::Ports::new));
    step(input, |task, tracer| async move { data_transformer::handle(task, ports, &tracer).await })
}

fn notification_sender(input: &Value) -> Result<Value, Failure> {
    static PORTS: OnceLock<notification_sender::Ports> = OnceLock::new();
    let ports = PORTS.get_or_init(|| ports(notification_sender::Ports::new));
    step(input, |task, tracer| async move { notification_sender::handle(task, ports, &tracer, ARRIVAL_MS).await })
}

fn fraud_detector(input: &Value) -> Result<Value, Failure> {
    static PORTS: OnceLock<fraud_detector::Ports> = OnceLock::new();
    let ports = PORTS.get_or_init(|| ports(fraud_detector::Ports::new));
    step(input, |task, tracer| async move { fraud_detector::handle(task, ports, &tracer, ARRIVAL_MS).await })
}

fn ports<Ports>(new: impl Fn(&adapters::Configuration) -> Result<Ports, Failure>) -> Ports {
    new(cloud::configuration()).expect("every variable is set")
}

/// Runs a step as the function does: reads the input, does the work, writes the output.
fn step<Task, Output, Work>(input: &Value, handle: impl FnOnce(Task, Tracer) -> Work) -> Result<Value, Failure>
where
    Task: serde::de::DeserializeOwned,
    Output: serde::Serialize,
    Work: Future<Output = Result<Output, Failure>>,
{
    let task =
        invocation::read(input.clone()).inspect_err(|failure| assert_eq!(failure.kind, FailureKind::InvalidInput))?;
    let output = cloud::block_on(handle(task, tracer()))?;
    Ok(serde_json::to_value(output).expect("an output can be written"))
}

/// A failure must not be transient or a missing permission, because the cloud works.
fn judge(result: Result<Value, Failure>) {
    if let Err(failure) = result {
        assert!(!failure.kind.is_transient() && failure.kind != FailureKind::AccessDenied, "{failure}");
    }
}
