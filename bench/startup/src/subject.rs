//! A program, and the measurement of its start.

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;
use stubs::tls::Server;
use stubs::{CpuLimit, Function};

/// One program to start.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    /// Its name in the table.
    pub(crate) name: String,
    /// Its program and arguments.
    pub(crate) command: Vec<String>,
    /// Its event.
    pub(crate) event: String,
    /// What its response must contain.
    pub(crate) expected: &'static str,
}

/// How long a start took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// From the start of the process to its first request for an event.
    pub(crate) to_request: Duration,
    /// From the start of the process to its first response.
    pub(crate) to_response: Duration,
}

/// The environment of a subject.
#[derive(Debug)]
pub(crate) struct Stage {
    /// AWS.
    pub(crate) aws: Server,
    /// The certificates that a subject trusts: Amazon's, and that of the stub.
    pub(crate) trusted: PathBuf,
}

impl Stage {
    /// Starts a subject once.
    ///
    /// # Errors
    /// It did not start, or its response is not the expected one.
    pub(crate) fn start(&self, subject: &Subject, limit: Option<&CpuLimit>) -> Result<Times, Box<dyn Error>> {
        let function = Function::start(&subject.name, &subject.command, &self.aws, &self.trusted, limit)?;
        let outcome = function.exchange(subject.event.as_bytes());
        let times = outcome.as_ref().ok().map(|exchange| Times {
            to_request: function.since_start(exchange.delivered),
            to_response: function.since_start(exchange.responded),
        });
        let output = function.end()?;
        let exchange = outcome.map_err(|error| format!("{}: {error}\n{output}", subject.name))?;
        let response = String::from_utf8_lossy(&exchange.response);
        match times {
            Some(times) if response.contains(subject.expected) => Ok(times),
            _ => Err(format!("{} returned {response}", subject.name).into()),
        }
    }
}
