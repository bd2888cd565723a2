//! The bucket and the workflow as seen from outside: objects put, executions started and awaited, dead letters read.

use crate::cloud::{Cloud, eventually};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_sfn::types::ExecutionStatus;
use serde_json::{Value, json};

/// How long a dead letter that is not ours stays hidden from the other tests that look for theirs, in seconds.
const LOOK_SECONDS: i32 = 1;

/// One version of an object.
#[derive(Clone, Debug)]
pub(crate) struct ObjectVersion {
    pub(crate) key: String,
    pub(crate) version_id: String,
    pub(crate) bytes: usize,
}

/// An execution that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExecutionStatus,
    pub(crate) error: String,
    pub(crate) cause: String,
}

impl Cloud {
    /// Puts an object into the bucket, as somebody who is not the API.
    pub(crate) async fn put_object(&self, key: &str, bytes: &[u8], metadata: &[(&str, String)]) -> ObjectVersion {
        let mut put = self.s3().put_object().bucket(&self.stack.bucket).key(key).body(ByteStream::from(bytes.to_vec()));
        for (name, value) in metadata {
            put = put.metadata(*name, value);
        }
        let version_id = put.send().await.unwrap().version_id.unwrap();
        ObjectVersion { key: key.to_owned(), version_id, bytes: bytes.len() }
    }

    /// The present version of an object.
    pub(crate) async fn object(&self, key: &str) -> ObjectVersion {
        let head = self.s3().head_object().bucket(&self.stack.bucket).key(key).send().await.unwrap();
        let bytes = usize::try_from(head.content_length.unwrap()).unwrap();
        ObjectVersion { key: key.to_owned(), version_id: head.version_id.unwrap(), bytes }
    }

    /// The event by which the bucket tells of an object, as EventBridge hands it to the workflow.
    pub(crate) fn event_of(&self, object: &ObjectVersion) -> Value {
        json!({
            "version": "0",
            "id": "17793124-05d4-b198-2fde-7ededc63b103",
            "detail-type": "Object Created",
            "source": "aws.s3",
            "account": "000000000000",
            "time": "2026-01-15T10:00:00Z",
            "region": self.stack.region,
            "resources": [format!("arn:aws:s3:::{}", self.stack.bucket)],
            "detail": {
                "version": "0",
                "bucket": {"name": self.stack.bucket},
                "object": {
                    "key": object.key, "size": object.bytes, "version-id": object.version_id,
                    "etag": "b1946ac92492d2347c6235b4d2611184", "sequencer": "00617F08299329D189",
                },
                "request-id": "N4N7GDK58NMKJ12R", "requester": "123456789012",
                "source-ip-address": "127.0.0.1", "reason": "PutObject",
            },
        })
    }

    /// Starts the workflow with this input and returns the execution's ARN.
    pub(crate) async fn start_workflow(&self, input: &Value) -> String {
        let start = self.step_functions().start_execution().state_machine_arn(&self.stack.state_machine_arn);
        start.input(input.to_string()).send().await.unwrap().execution_arn
    }

    /// Waits until an execution has ended.
    pub(crate) async fn execution_ended(&self, arn: &str) -> Ended {
        eventually("the execution to end", async || {
            let execution = self.step_functions().describe_execution().execution_arn(arn).send().await.unwrap();
            (execution.status != ExecutionStatus::Running).then(|| Ended {
                status: execution.status,
                error: execution.error.unwrap_or_default(),
                cause: execution.cause.unwrap_or_default(),
            })
        })
        .await
    }

    /// Starts the workflow and waits until it has succeeded.
    pub(crate) async fn run_workflow(&self, input: &Value) {
        let arn = self.start_workflow(input).await;
        let ended = self.execution_ended(&arn).await;
        assert_eq!(ended.status, ExecutionStatus::Succeeded, "{ended:?}");
    }

    /// Waits for the dead letter about this object and takes it from the queue.
    pub(crate) async fn dead_letter(&self, key: &str) -> Value {
        let queue = &self.stack.dead_letter_queue_url;
        eventually(&format!("the dead letter of {key}"), async || {
            let received = self.sqs().receive_message().queue_url(queue).max_number_of_messages(10);
            let received = received.visibility_timeout(LOOK_SECONDS).send().await.unwrap();
            for message in received.messages.unwrap_or_default() {
                let letter: Value = serde_json::from_str(message.body.as_deref().unwrap()).unwrap();
                if letter["input"]["detail"]["object"]["key"] == key {
                    let delete = self.sqs().delete_message().queue_url(queue);
                    delete.receipt_handle(message.receipt_handle.unwrap()).send().await.unwrap();
                    return Some(letter);
                }
            }
            None
        })
        .await
    }

    /// Waits for the dead letter about this object, checks that it can be redriven and that its execution failed with
    /// this error, and returns it.
    pub(crate) async fn failed_with(&self, key: &str, error: &str) -> Value {
        let letter = self.dead_letter(key).await;
        assert_eq!(letter["error"]["Error"], error, "{letter}");
        assert!(letter["error"]["Cause"].as_str().is_some_and(|cause| !cause.is_empty()), "{letter}");
        assert_eq!(letter["input"]["detail"]["bucket"]["name"], self.stack.bucket, "{letter}");
        assert!(letter["failed_at"].as_str().is_some_and(|at| at.starts_with("20")), "{letter}");
        let ended = self.execution_ended(letter["execution"].as_str().unwrap()).await;
        assert_eq!((ended.status, ended.error.as_str()), (ExecutionStatus::Failed, error), "{}", ended.cause);
        assert_eq!(ended.cause, letter["error"]["Cause"]);
        letter
    }
}
