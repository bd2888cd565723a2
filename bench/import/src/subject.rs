//! The importers: the built function, and its peer in Python.

use crate::aws::Aws;
use serde_json::Value;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;
use stubs::process::{self, Environment};
use stubs::{CpuLimit, Usage, in_repository};

const NAME: &str = "data-transformer";

/// What one import used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Import {
    /// The time from the task to the response.
    pub(crate) time: Duration,
    /// The importer's processor time for it, and its peak memory.
    pub(crate) used: Usage,
    /// The processor time of this process, which simulates AWS.
    pub(crate) stub_processor: Duration,
}

/// The environment of an importer.
#[derive(Debug)]
pub(crate) struct Stage {
    /// The stub of AWS.
    pub(crate) aws: Aws,
    /// The certificates that an importer trusts.
    pub(crate) trusted: PathBuf,
    /// The interpreter that has boto3.
    pub(crate) python: String,
}

impl Stage {
    /// Starts the built function.
    ///
    /// # Errors
    /// It was not built, or cannot join the control group.
    pub(crate) fn function(&self, limit: Option<&CpuLimit>) -> Result<Function, Box<dyn Error>> {
        let command = process::built(NAME)?;
        process::Function::start(NAME, &command, &self.aws.server, &self.trusted, limit).map(Function)
    }

    /// Imports a file with the peer.
    ///
    /// # Errors
    /// It failed. The error has its output.
    pub(crate) fn python(&self, file: &Path, limit: Option<&CpuLimit>) -> Result<Import, Box<dyn Error>> {
        let script = in_repository("bench/import/python/peer.py").display().to_string();
        let command = [self.python.clone(), script, file.display().to_string()];
        let own = Usage::of("self")?;
        let environment = Environment {
            function: "peer",
            runtime_api: "127.0.0.1:9",
            endpoint: &self.aws.server.endpoint,
            trusted: &self.trusted,
        };
        let mut child = process::launch(&command, environment, limit)?;
        process::go(&mut child)?;
        let output = child.wait_with_output()?;
        let printed: Value = serde_json::from_slice(&output.stdout)
            .map_err(|_| format!("the peer failed: {}", String::from_utf8_lossy(&output.stderr)))?;
        let number = |name: &str| printed[name].as_u64().unwrap_or_default();
        Ok(Import {
            time: Duration::from_micros(number("microseconds")),
            used: Usage {
                processor: Duration::from_micros(number("processor_microseconds")),
                memory_kilobytes_max: number("memory_kilobytes_max"),
                ..Usage::default()
            },
            stub_processor: Usage::of("self")?.processor.saturating_sub(own.processor),
        })
    }
}

/// The process of the function.
#[derive(Debug)]
pub(crate) struct Function(process::Function);

impl Function {
    /// Sends a task. Returns what the import used, and the response.
    ///
    /// # Errors
    /// It failed.
    pub(crate) fn import(&self, task: &Value) -> Result<(Import, Value), Box<dyn Error>> {
        let (before, own) = (self.0.usage()?, Usage::of("self")?);
        let exchange = self.0.exchange(task.to_string().as_bytes())?;
        let (after, own_after) = (self.0.usage()?, Usage::of("self")?);
        let processor = after.processor.saturating_sub(before.processor);
        let import = Import {
            time: exchange.time(),
            used: Usage { processor, waited: after.waited.saturating_sub(before.waited), ..after },
            stub_processor: own_after.processor.saturating_sub(own.processor),
        };
        Ok((import, serde_json::from_slice(&exchange.response)?))
    }

    /// Ends it.
    ///
    /// # Errors
    /// It had ended before. The error has its output.
    pub(crate) fn end(self) -> Result<(), Box<dyn Error>> {
        let output = self.0.end()?;
        if output.was_running { Ok(()) } else { Err(format!("it ended: {output}").into()) }
    }
}
