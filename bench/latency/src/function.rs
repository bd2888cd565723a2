//! The built function, which processes one upload after another.

use crate::aws::Aws;
use crate::upload::Upload;
use serde_json::Value;
use std::error::Error;
use std::path::Path;
use std::time::Duration;
use stubs::CpuLimit;
use stubs::process::{self, built};
use stubs::runtime_api::Exchange;

const NAME: &str = "csv-validator";

/// The process, which [`Function::end`] ends.
#[derive(Debug)]
pub(crate) struct Function(process::Function);

/// What a process used and logged.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Used {
    /// Processor time.
    pub(crate) cpu: Duration,
    /// Peak memory, in kilobytes.
    pub(crate) memory_kilobytes_max: u64,
    /// The size of its log.
    pub(crate) log_bytes: usize,
}

impl Function {
    /// Starts it.
    ///
    /// # Errors
    /// It was not built, or cannot join the control group.
    pub(crate) fn start(aws: &Aws, trusted: &Path, limit: Option<&CpuLimit>) -> Result<Self, Box<dyn Error>> {
        Ok(Self(process::Function::start(NAME, &built(NAME)?, &aws.server, trusted, limit)?))
    }

    /// Sends the upload of this number. The function must store the file, and respond that it did.
    ///
    /// # Errors
    /// It failed, stored something else, or returned another response.
    pub(crate) fn send(&mut self, aws: &Aws, upload: &mut Upload, number: u32) -> Result<Exchange, Box<dyn Error>> {
        let exchange = self.0.exchange(&upload.event(number))?;
        let response: Value = serde_json::from_slice(&exchange.response)?;
        let body: Value = serde_json::from_str(response["body"].as_str().unwrap_or_default())?;
        let is_new = response["statusCode"] == 200 && body["status"] == "validated" && body["duplicate"] == false;
        if !is_new || body["row_count"] != upload.rows() {
            return Err(format!("the response was {response}").into());
        }
        if aws.take_object() != upload.file() {
            return Err("the stored object is not the file that was sent".into());
        }
        Ok(exchange)
    }

    /// The time from the start of the process to the end of this exchange.
    pub(crate) fn since_start(&self, exchange: &Exchange) -> Duration {
        self.0.since_start(exchange.responded)
    }

    /// Ends it and returns what it used.
    ///
    /// # Errors
    /// It had ended before.
    pub(crate) fn end(self) -> Result<Used, Box<dyn Error>> {
        let used = self.0.usage()?;
        let log_bytes = self.0.end()?.stdout.len();
        Ok(Used { cpu: used.processor, memory_kilobytes_max: used.memory_kilobytes_max, log_bytes })
    }
}
