//! The built function as a process that takes one upload after another.

use crate::aws::Aws;
use crate::upload::Upload;
use serde_json::Value;
use std::error::Error;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Child;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use stubs::CpuLimit;
use stubs::process::{self, Surroundings};
use stubs::runtime_api::{self, Exchange, RuntimeApi};

const NAME: &str = "csv-validator";

/// The process. It is ended by [`Function::end`].
#[derive(Debug)]
pub(crate) struct Function {
    child: Child,
    begun: Instant,
    runtime: RuntimeApi,
    said: [JoinHandle<Vec<u8>>; 2],
}

/// What a process used and wrote in its whole life.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Used {
    /// Processor time.
    pub(crate) cpu: Duration,
    /// Most memory at a time, in kilobytes.
    pub(crate) memory_kilobytes_max: u64,
    /// Its log.
    pub(crate) log_bytes: usize,
}

impl Function {
    /// Starts it.
    ///
    /// # Errors
    /// It was not built, or cannot join the control group.
    pub(crate) fn start(aws: &Aws, trusted: &Path, limit: Option<&CpuLimit>) -> Result<Self, Box<dyn Error>> {
        let runtime = RuntimeApi::start()?;
        let around =
            Surroundings { function: NAME, runtime_api: &runtime.address, endpoint: &aws.server.endpoint, trusted };
        let mut child = process::launch(&process::built(NAME)?, around, limit)?;
        let begun = process::go(&mut child)?;
        let said = [drain(child.stdout.take()), drain(child.stderr.take())];
        Ok(Self { child, begun, runtime, said })
    }

    /// Lets it take the upload of this number. What it stored must be the file, and its answer must say so.
    ///
    /// # Errors
    /// It failed, or stored or answered anything else.
    pub(crate) fn take(&mut self, aws: &Aws, upload: &mut Upload, number: u32) -> Result<Exchange, Box<dyn Error>> {
        let event = runtime_api::response(&upload.event(number));
        let exchange = self.runtime.exchange(event)?;
        let answer: Value = serde_json::from_slice(&exchange.answer)?;
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap_or_default())?;
        let is_new = answer["statusCode"] == 200 && body["status"] == "validated" && body["duplicate"] == false;
        if !is_new || body["row_count"] != upload.rows() {
            return Err(format!("the answer was {answer}").into());
        }
        if aws.take_object() != upload.file() {
            return Err("what was stored is not the file that was sent".into());
        }
        Ok(exchange)
    }

    /// From the start of the process to the end of this exchange.
    pub(crate) fn since_start(&self, exchange: &Exchange) -> Duration {
        exchange.answered - self.begun
    }

    /// Ends it and tells what it used.
    ///
    /// # Errors
    /// It had ended before.
    pub(crate) fn end(mut self) -> Result<Used, Box<dyn Error>> {
        let process = format!("/proc/{}", self.child.id());
        let (status, stat) =
            (fs::read_to_string(format!("{process}/status"))?, fs::read_to_string(format!("{process}/stat"))?);
        self.child.kill()?;
        self.child.wait()?;
        let [log, _] = self.said.map(|thread| thread.join().unwrap_or_default());
        Ok(Used { cpu: cpu(&stat)?, memory_kilobytes_max: memory_kilobytes_max(&status)?, log_bytes: log.len() })
    }
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
