//! The built function, which validates the file once.

use crate::aws::Aws;
use crate::file::{Content, LargeFile};
use domain::limits::FILE_RANGES_MAX;
use serde_json::{Value, json};
use std::error::Error;
use std::path::Path;
use std::time::Duration;
use stubs::process::built;
use stubs::{CpuLimit, Function, Usage};

const NAME: &str = "csv-validator";

/// What the validation of a file used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Used {
    /// The time from event to response.
    pub(crate) time: Duration,
    /// The processor time of the whole process.
    pub(crate) cpu: Duration,
    /// The peak memory, in kilobytes.
    pub(crate) memory_kilobytes_max: u64,
}

/// Starts the function, validates the file, and ends it.
///
/// # Errors
/// It was not built, cannot join the control group, or its response is wrong for the content of the file.
pub(crate) fn validate(
    aws: &Aws,
    trusted: &Path,
    limit: Option<&CpuLimit>,
    file: &LargeFile,
) -> Result<Used, Box<dyn Error>> {
    let function = Function::start(NAME, &built(NAME)?, &aws.server, trusted, limit)?;
    let outcome = function.exchange(step(file).to_string().as_bytes());
    let used = function.usage();
    let output = function.end()?;
    let exchange = outcome.map_err(|error| format!("{error}\n{output}"))?;
    check(&serde_json::from_slice(&exchange.response)?, file)?;
    let Usage { processor, memory_kilobytes_max, .. } = used?;
    Ok(Used { time: exchange.time(), cpu: processor, memory_kilobytes_max })
}

/// The event of the state machine's step.
fn step(file: &LargeFile) -> Value {
    let object = json!({ "key": "incoming/acme/large-file.csv", "size": file.bytes, "version-id": "1" });
    json!({ "step": "validate", "event": { "detail": { "object": object } }, "execution": "large-file" })
}

fn check(response: &Value, file: &LargeFile) -> Result<(), Box<dyn Error>> {
    let ranges = response["ranges"].as_array().map_or(0, Vec::len);
    let is_expected = match file.content {
        Content::Valid => {
            response["outcome"] == "process" && response["file"]["rows"] == file.rows && ranges <= FILE_RANGES_MAX
        }
        Content::Invalid => {
            let errors = format!("errors: {};", 2 * u64::from(file.rows));
            let cause = response["rejection"]["cause"].as_str().unwrap_or_default();
            response["rejection"]["error"] == "InvalidCsv" && cause.contains(&errors)
        }
    };
    if is_expected { Ok(()) } else { Err(format!("the response was {response}").into()) }
}
