//! What the trials know of how the system is spoken to.

use aws_sdk_sfn::types::ExecutionStatus;
use serde_json::{Value, json};

/// The query of a request to have a file processed again, whose sender has seen it at this attempt.
pub(super) fn reprocess_query(attempt: u64) -> String {
    format!("?reprocess_attempt={attempt}")
}

/// How an execution ends that found that a file is bad: a sender's mistake is no failure.
pub(super) fn end_of_bad_file() -> ExecutionStatus {
    ExecutionStatus::Succeeded
}

/// Whether a dead letter may be about this: never about what a partner got wrong in a file.
pub(super) fn may_be_a_dead_letter(dead_letter: &Value) -> bool {
    dead_letter["error"]["Error"] != json!("InvalidCsv")
}
