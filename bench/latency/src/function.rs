//! The built function as a process that takes one upload after another.

use crate::aws::Aws;
use crate::upload::Upload;
use serde_json::Value;
use std::error::Error;
use std::path::Path;
use std::process::Child;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use stubs::process::{self, Surroundings};
use stubs::runtime_api::{self, Exchange, RuntimeApi};
use stubs::{CpuLimit, Usage};

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
        let said = [process::drain(child.stdout.take()), process::drain(child.stderr.take())];
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
        let used = Usage::of(&self.child.id().to_string())?;
        self.child.kill()?;
        self.child.wait()?;
        let [log, _] = self.said.map(|thread| thread.join().unwrap_or_default());
        Ok(Used { cpu: used.processor, memory_kilobytes_max: used.memory_kilobytes_max, log_bytes: log.len() })
    }
}
