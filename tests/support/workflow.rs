//! The bucket and the workflow from outside: objects put, executions started and awaited, dead letters read.

use crate::support::cloud::{Cloud, eventually, unique};
use crate::support::files;
use crate::support::template::{definition, states};
use crate::support::upload::number;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_sfn::types::ExecutionStatus;
use serde_json::{Value, json};

/// How many of the latest executions a test reads. Other tests start some too.
const EXECUTIONS_LISTED: i32 = 200;

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
    /// Puts an object into the bucket, not as the API.
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

    /// The bucket's event about an object, as EventBridge passes it to the workflow.
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

    /// How many of the latest executions were started by an event that contains this word.
    pub(crate) async fn executions_about(&self, word: &str) -> usize {
        let list = self.step_functions().list_executions().state_machine_arn(&self.stack.state_machine_arn);
        let listed = list.max_results(EXECUTIONS_LISTED).send().await.unwrap().executions;
        let described = listed
            .into_iter()
            .map(|execution| self.step_functions().describe_execution().execution_arn(execution.execution_arn).send());
        let described = futures::future::try_join_all(described).await.unwrap();
        described
            .iter()
            .filter(|execution| execution.input.as_deref().is_some_and(|input| input.contains(word)))
            .count()
    }

    /// Starts the workflow and waits until it has succeeded.
    pub(crate) async fn run_workflow(&self, input: &Value) {
        let arn = self.start_workflow(input).await;
        let ended = self.execution_ended(&arn).await;
        assert_eq!(ended.status, ExecutionStatus::Succeeded, "{ended:?}");
    }

    /// Waits for the dead letter about this object and takes it from the queue.
    pub(crate) async fn dead_letter(&self, key: &str) -> Value {
        eventually(&format!("the dead letter of {key}"), async || self.dead_letter_now(key).await).await
    }

    /// Takes the dead letter about this object from the queue, if it is among the next messages.
    pub(crate) async fn dead_letter_now(&self, key: &str) -> Option<Value> {
        let queue = &self.stack.dead_letter_queue_url;
        let received = self.sqs().receive_message().queue_url(queue).max_number_of_messages(10);
        let mut ours = None;
        for message in received.send().await.unwrap().messages.unwrap_or_default() {
            let dead_letter: Value = serde_json::from_str(message.body.as_deref().unwrap()).unwrap();
            let handle = message.receipt_handle.unwrap();
            if dead_letter["input"]["detail"]["object"]["key"] == key {
                self.sqs().delete_message().queue_url(queue).receipt_handle(handle).send().await.unwrap();
                ours = Some(dead_letter);
            } else {
                // Another test waits for this one.
                let put_back = self.sqs().change_message_visibility().queue_url(queue).receipt_handle(handle);
                put_back.visibility_timeout(0).send().await.unwrap();
            }
        }
        ours
    }

    /// Waits for the execution that rejected this object for this reason, which is its partner's error: the execution
    /// has succeeded, and there is no dead letter. Returns the execution with its input and output.
    pub(crate) async fn rejected_with(&self, key: &str, error: &str) -> Value {
        let ended = eventually(&format!("the rejection of {key}"), async || {
            let list = self.step_functions().list_executions().state_machine_arn(&self.stack.state_machine_arn);
            let listed = list.max_results(EXECUTIONS_LISTED).send().await.unwrap().executions;
            for execution in listed {
                let described = self.step_functions().describe_execution().execution_arn(&execution.execution_arn);
                let described = described.send().await.unwrap();
                let input: Value = serde_json::from_str(described.input.as_deref().unwrap_or("null")).unwrap();
                let output: Value = serde_json::from_str(described.output.as_deref().unwrap_or("null")).unwrap();
                let is_it = input["detail"]["object"]["key"] == key
                    && output["validation"]["rejection"]["error"] == error
                    && described.status == ExecutionStatus::Succeeded;
                if is_it {
                    return Some(json!({"execution": execution.execution_arn, "input": input, "output": output}));
                }
            }
            None
        })
        .await;
        assert_eq!(self.dead_letter_now(key).await, None, "a partner's error is no dead letter");
        ended
    }

    /// Waits for the dead letter about this object, checks that it can be redriven and that its execution failed with
    /// this error, and returns it.
    pub(crate) async fn failed_with(&self, key: &str, error: &str) -> Value {
        let dead_letter = self.dead_letter(key).await;
        assert_eq!(dead_letter["error"]["Error"], error, "{dead_letter}");
        assert!(dead_letter["error"]["Cause"].as_str().is_some_and(|cause| !cause.is_empty()), "{dead_letter}");
        assert_eq!(dead_letter["input"]["detail"]["bucket"]["name"], self.stack.bucket, "{dead_letter}");
        assert!(dead_letter["failed_at"].as_str().is_some_and(|at| at.starts_with("20")), "{dead_letter}");
        let ended = self.execution_ended(dead_letter["execution"].as_str().unwrap()).await;
        assert_eq!((ended.status, ended.error.as_str()), (ExecutionStatus::Failed, error), "{}", ended.cause);
        assert_eq!(ended.cause, dead_letter["error"]["Cause"]);
        dead_letter
    }
}

/// The data that the workflow's steps pass on about a file, from its row.
pub(crate) fn task_of(row: &Value) -> Value {
    json!({
        "file_id": row["file_id"], "attempt": number(&row["attempt"]), "partner": row["partner"],
        "key": row["key"], "version_id": row["version_id"], "received_at_ms": number(&row["received_at"]),
        "columns": row["columns"], "rows": number(&row["rows"]), "totals": row["totals"],
    })
}

/// The emulator takes a path to a missing member for null; AWS fails the execution there. So each path of the state
/// machine into a response is followed here in real responses.
#[tokio::test]
async fn every_path_of_the_state_machine_is_in_the_responses() {
    let cloud = Cloud::open().await;
    let partner = format!("bank-{}", unique());
    let file = files::file(&[files::record("T1")]);
    let id = files::file_id(&partner, &file);
    assert_eq!(cloud.put_received(&partner, &file, 1_768_471_200_123).await, id);
    let states = states(&definition());
    let object = cloud.put_object(&format!("validated/{id}.csv"), &file, &[]).await;
    let step = json!({"step": "validate", "event": cloud.event_of(&object), "execution": "by hand"});
    let processing = cloud.invoke("csv-validator", &step).await.unwrap();
    cloud.ended(&id, 1).await;
    let done = cloud.invoke("csv-validator", &step).await.unwrap();
    // A partner's error is no error of the function, or it would raise the alarm for our own errors.
    let bad = cloud.put_object(&format!("incoming/{partner}/day.csv"), &file, &[]).await;
    let step = json!({"step": "validate", "event": cloud.event_of(&bad), "execution": "by hand"});
    let rejected = cloud.invoke("csv-validator", &step).await.unwrap();
    cloud.rejected_with(&bad.key, "UnknownPartner").await;
    assert_eq!((&done["outcome"], &rejected["outcome"]), (&json!("done"), &json!("rejected")));
    for response in [&processing, &done, &rejected] {
        for path in states["Validation"]["ResultSelector"].as_object().unwrap().values() {
            let pointer = path.as_str().unwrap().strip_prefix("$.Payload").unwrap().replace('.', "/");
            assert!(response.pointer(&pointer).is_some(), "{path} is missing in {response}");
        }
    }
    assert!(rejected["rejection"]["error"].is_string() && rejected["rejected"].is_null(), "{rejected}");
}

/// The errors of the functions when a step has wrong input.
#[tokio::test]
async fn a_step_that_does_not_match_its_file_fails_by_name() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let (_, row) = bank.upload_and_complete(&files::file(&[files::record("T1"), files::record("T2")])).await;
    let file = task_of(&row);
    let part =
        json!({"index": 0, "rows": 1, "stored": 1, "unchanged": 0, "superseded": 0, "control_sum": "0".repeat(32)});
    let range =
        |start: u64, end: u64| json!({"index": 0, "start": start, "end": end, "first_record": 1, "first_line": 2});
    let (start, end) = (number(&row["ranges"][0]["start"]), number(&row["ranges"][0]["end"]));
    let with = |member: &str, value: Value| {
        let mut file = file.clone();
        file[member] = value;
        file
    };
    let nothing = json!("00000000000000000000000000000000");
    for (what, function, payload, error) in [
        (
            "rows are missing",
            "notification-sender",
            json!({"step": "notify", "file": file, "processed": [part]}),
            "ControlTotalsDiffer",
        ),
        (
            "money is missing",
            "notification-sender",
            json!({"step": "notify", "file": file, "processed": [part, part]}),
            "ControlTotalsDiffer",
        ),
        (
            "nothing was processed",
            "notification-sender",
            json!({"step": "notify", "file": file, "processed": []}),
            "ControlTotalsDiffer",
        ),
        (
            "a range inside a record",
            "data-transformer",
            json!({"file": file, "range": range(start + 4, end)}),
            "InvalidInput",
        ),
        (
            "a range that ends early",
            "data-transformer",
            json!({"file": file, "range": range(start, end - 4)}),
            "InvalidInput",
        ),
        (
            "no such version",
            "data-transformer",
            json!({"file": with("version_id", nothing), "range": range(start, end)}),
            "ObjectMissing",
        ),
        ("no step", "csv-validator", json!({"step": "validate", "event": {}}), "InvalidInput"),
    ] {
        let failed = cloud.invoke(function, &payload).await.err().unwrap_or_else(|| panic!("{what}: no error"));
        assert_eq!(failed["errorType"], error, "{what}: {failed}");
    }
    assert_eq!(cloud.status_row(row["file_id"].as_str().unwrap()).await.unwrap(), row, "none of it changed the file");
}
