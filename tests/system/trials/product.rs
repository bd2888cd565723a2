//! What the trials know of the system's interface.

use aws_sdk_sfn::types::ExecutionStatus;
use serde_json::{Value, json};

/// The query of a request to process a file again, whose sender has seen it at this attempt.
pub(super) fn reprocess_query(attempt: u64) -> String {
    format!("?reprocess_attempt={attempt}")
}

/// The output of an execution that rejected a file: a sender's error is no failure.
pub(super) fn end_of_bad_file() -> ExecutionStatus {
    ExecutionStatus::Succeeded
}

/// Whether this may be a dead letter: never for a partner's error in a file.
pub(super) fn may_be_a_dead_letter(dead_letter: &Value) -> bool {
    dead_letter["error"]["Error"] != json!("InvalidCsv")
}
