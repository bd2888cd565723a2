//! Runs a workflow and waits for its result.

use super::dead_letter::Failure;
use super::{Aws, aws_problem};
use crate::problem::Problem;
use aws_sdk_sfn::Client;
use aws_sdk_sfn::types::SyncExecutionStatus;
use serde_json::Value;
use std::time::Duration;

/// The result of an execution.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum ExecutionResult {
    Succeeded {
        output: Value,
    },
    /// It failed, and left a message in the dead-letter queue.
    Failed {
        execution: String,
        failure: Failure,
    },
    /// It timed out, or has not ended yet.
    Unknown,
}

/// A workflow. Its state machine is found by name, so that the account's number is not needed.
pub(crate) struct Workflow {
    client: Client,
    arn: String,
    /// The endpoint of all services, if there is one.
    endpoint: Option<String>,
}

impl Workflow {
    pub(crate) async fn open(aws: &Aws, name: &str) -> Result<Self, Problem> {
        let client = aws.step_functions();
        let mut token = None;
        loop {
            let page = client.list_state_machines().set_next_token(token).send().await;
            let page = page.map_err(|error| aws_problem("states:ListStateMachines", &error))?;
            if let Some(found) = page.state_machines.into_iter().find(|machine| machine.name == name) {
                return Ok(Self { client, arn: found.state_machine_arn, endpoint: aws.endpoint() });
            }
            token = page.next_token;
            if token.is_none() {
                let message = format!("No workflow {name} was found. Check --env and the region.");
                return Err(Problem::usage("aws_not_found", message));
            }
        }
    }

    /// Runs it with this input. An Express workflow returns the result of an execution only to the caller.
    pub(crate) async fn run(&self, input: String, timeout: Duration) -> Result<ExecutionResult, Problem> {
        let start = self.client.start_sync_execution().state_machine_arn(&self.arn).input(input).customize();
        let endpoint = self.endpoint.clone();
        // At AWS, this call has a separate host name, which an emulator does not have.
        let start = start.mutate_request(move |request| {
            if let Some(endpoint) = &endpoint {
                // The endpoint is a valid URL, because other calls use it.
                let _ = request.set_uri(format!("{}/", endpoint.trim_end_matches('/')));
            }
        });
        let Ok(response) = tokio::time::timeout(timeout, start.send()).await else {
            return Ok(ExecutionResult::Unknown);
        };
        let response = response.map_err(|error| aws_problem("states:StartSyncExecution", &error))?;
        Ok(match response.status {
            SyncExecutionStatus::Succeeded => {
                let output = response.output.and_then(|output| serde_json::from_str(&output).ok());
                ExecutionResult::Succeeded { output: output.unwrap_or_default() }
            }
            SyncExecutionStatus::Failed => ExecutionResult::Failed {
                execution: response.execution_arn,
                failure: Failure::new(response.error, response.cause),
            },
            _ => ExecutionResult::Unknown,
        })
    }
}
