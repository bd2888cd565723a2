//! A workflow of an environment, started and run to its end.

use super::dead_letter::Failure;
use super::{Aws, aws_problem};
use crate::problem::Problem;
use aws_sdk_sfn::Client;
use aws_sdk_sfn::types::SyncExecutionStatus;
use serde_json::Value;
use std::time::Duration;

/// How an execution ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Ended {
    Well {
        /// What it came to.
        output: Value,
    },
    /// It failed, and said so in a message of its own.
    Badly { execution: String, failure: Failure },
    /// Its time ran out, so that it could say nothing; or nobody knows yet.
    Unknown,
}

/// A workflow. Its state machine is found by its name: the ARN has the account's number, which nobody has to know.
pub(crate) struct Workflow {
    client: Client,
    arn: String,
    /// The one address of all services, where there is one.
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
                let message = format!("There is no workflow {name}. Check --env and the region.");
                return Err(Problem::usage("aws_not_found", message));
            }
        }
    }

    /// Runs it with this input. Of an Express workflow nobody else can ask how an execution ended.
    pub(crate) async fn run(&self, input: String, timeout: Duration) -> Result<Ended, Problem> {
        let start = self.client.start_sync_execution().state_machine_arn(&self.arn).input(input).customize();
        let endpoint = self.endpoint.clone();
        // This call alone has a host of its own at AWS, which an address of all services has not.
        let start = start.mutate_request(move |request| {
            if let Some(endpoint) = &endpoint {
                // What was an address before is one.
                let _ = request.set_uri(format!("{}/", endpoint.trim_end_matches('/')));
            }
        });
        let Ok(answer) = tokio::time::timeout(timeout, start.send()).await else {
            return Ok(Ended::Unknown);
        };
        let answer = answer.map_err(|error| aws_problem("states:StartSyncExecution", &error))?;
        Ok(match answer.status {
            SyncExecutionStatus::Succeeded => {
                let output = answer.output.and_then(|output| serde_json::from_str(&output).ok());
                Ended::Well { output: output.unwrap_or_default() }
            }
            SyncExecutionStatus::Failed => {
                Ended::Badly { execution: answer.execution_arn, failure: Failure::new(answer.error, answer.cause) }
            }
            _ => Ended::Unknown,
        })
    }
}
