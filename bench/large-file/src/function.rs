//! The built function, which validates the file once.

use crate::aws::Aws;
use crate::file::{Content, LargeFile};
use crate::runtime_api::RuntimeApi;
use domain::limits::FILE_RANGES_MAX;
use serde_json::{Value, json};
use std::error::Error;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Child;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use stubs::CpuLimit;
use stubs::process::{self, Surroundings};

const NAME: &str = "csv-validator";

/// What the validation of a file took.
#[derive(Clone, Copy, Debug, Default)]
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
    let runtime = RuntimeApi::start(step(file).to_string())?;
    let around =
        Surroundings { function: NAME, runtime_api: &runtime.address, endpoint: &aws.server.endpoint, trusted };
    let mut child = process::launch(&process::built(NAME)?, around, limit)?;
    process::go(&mut child)?;
    let said = [drain(child.stdout.take()), drain(child.stderr.take())];
    let outcome = runtime.wait();
    let used = used(&mut child);
    let [out, errors] = said.map(|thread| thread.join().unwrap_or_default());
    let (time, answer) =
        outcome.map_err(|error| format!("{error}\n{}", String::from_utf8_lossy(&[out, errors].concat())))?;
    check(&serde_json::from_slice(&answer)?, file)?;
    Ok(Used { time, ..used? })
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
            let cause = answer["refusal"]["cause"].as_str().unwrap_or_default();
            answer["refusal"]["error"] == "InvalidCsv" && cause.contains(&errors)
        }
    };
    if is_right { Ok(()) } else { Err(format!("the answer was {answer}").into()) }
}

/// Ends the process and tells what it used.
fn used(child: &mut Child) -> Result<Used, Box<dyn Error>> {
    let process = format!("/proc/{}", child.id());
    let (status, stat) =
        (fs::read_to_string(format!("{process}/status")), fs::read_to_string(format!("{process}/stat")));
    child.kill()?;
    child.wait()?;
    let (cpu, memory_kilobytes_max) = (cpu(&stat?)?, memory_kilobytes_max(&status?)?);
    Ok(Used { cpu, memory_kilobytes_max, ..Used::default() })
}

/// Reads on to the end, so that the process never waits for a reader.
fn drain(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut said = Vec::new();
        // What could be read before an error is all that there is.
        let _ = pipe.map(|mut pipe| pipe.read_to_end(&mut said));
        said
    })
}

/// User and system time of `/proc/PID/stat`, whose unit is a hundredth of a second on every Linux.
fn cpu(stat: &str) -> Result<Duration, Box<dyn Error>> {
    // The second field is the program's name in brackets and may contain blanks; user time is the fourteenth.
    let (_, after_name) = stat.rsplit_once(')').ok_or("no process")?;
    let ticks = after_name.split_whitespace().skip(11).take(2).map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    Ok(Duration::from_millis(ticks * 10))
}

fn memory_kilobytes_max(status: &str) -> Result<u64, Box<dyn Error>> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no memory is told")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_process_used_is_read_from_its_files() {
        let stat = "7 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 150 25 0 0 20 0";
        assert_eq!(cpu(stat).unwrap(), Duration::from_millis(1750));
        assert_eq!(memory_kilobytes_max("VmPeak:\t 9 kB\nVmHWM:\t   5128 kB\nX: 1\n").unwrap(), 5128);
    }
}
