//! The built function, which validates the file once.

use crate::aws::Aws;
use crate::file::{Content, LargeFile};
use domain::limits::FILE_RANGES_MAX;
use serde_json::{Value, json};
use std::error::Error;
use std::path::Path;
use std::time::Duration;
use stubs::process::{self, Surroundings};
use stubs::runtime_api::{self, RuntimeApi};
use stubs::{CpuLimit, Usage};

const NAME: &str = "csv-validator";

/// What the validation of a file took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Used {
    /// From event to answer.
    pub(crate) time: Duration,
    /// Processor time of the process in its whole life.
    pub(crate) cpu: Duration,
    /// Most memory at a time, in kilobytes.
    pub(crate) memory_kilobytes_max: u64,
}

/// Starts the function, lets it validate the file, and ends it.
///
/// # Errors
/// It was not built, cannot join the control group, or its answer is not what the file's content asks for.
pub(crate) fn validate(
    aws: &Aws,
    trusted: &Path,
    limit: Option<&CpuLimit>,
    file: &LargeFile,
) -> Result<Used, Box<dyn Error>> {
    let runtime = RuntimeApi::start()?;
    let around =
        Surroundings { function: NAME, runtime_api: &runtime.address, endpoint: &aws.server.endpoint, trusted };
    let mut child = process::launch(&process::built(NAME)?, around, limit)?;
    process::go(&mut child)?;
    let said = [process::drain(child.stdout.take()), process::drain(child.stderr.take())];
    let outcome = runtime.exchange(runtime_api::response(step(file).to_string().as_bytes()));
    let used = Usage::of(&child.id().to_string());
    child.kill()?;
    child.wait()?;
    let [out, errors] = said.map(|thread| thread.join().unwrap_or_default());
    let exchange = outcome.map_err(|error| format!("{error}\n{}", String::from_utf8_lossy(&[out, errors].concat())))?;
    check(&serde_json::from_slice(&exchange.answer)?, file)?;
    let Usage { processor, memory_kilobytes_max, .. } = used?;
    Ok(Used { time: exchange.answered - exchange.handed_out, cpu: processor, memory_kilobytes_max })
}

/// The step as the state machine hands it to the function.
fn step(file: &LargeFile) -> Value {
    let object = json!({ "key": "incoming/acme/large-file.csv", "size": file.bytes, "version-id": "1" });
    json!({ "step": "validate", "event": { "detail": { "object": object } }, "execution": "large-file" })
}

fn check(answer: &Value, file: &LargeFile) -> Result<(), Box<dyn Error>> {
    let ranges = answer["ranges"].as_array().map_or(0, Vec::len);
    let is_right = match file.content {
        Content::Valid => {
            answer["outcome"] == "process" && answer["file"]["rows"] == file.rows && ranges <= FILE_RANGES_MAX
        }
        Content::Faulty => {
            let errors = format!("errors: {};", 2 * u64::from(file.rows));
            let cause = answer["rejection"]["cause"].as_str().unwrap_or_default();
            answer["rejection"]["error"] == "InvalidCsv" && cause.contains(&errors)
        }
    };
    if is_right { Ok(()) } else { Err(format!("the answer was {answer}").into()) }
}
