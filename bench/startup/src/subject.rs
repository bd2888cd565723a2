//! What is started, and how one start is measured.

use crate::runtime_api::RuntimeApi;
use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;
use stubs::CpuLimit;
use stubs::process::{self, Surroundings};
use stubs::tls::Server;

/// One program to start.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    /// Its name in the table.
    pub(crate) name: String,
    /// Its program and arguments.
    pub(crate) command: Vec<String>,
    /// The event that it gets.
    pub(crate) event: String,
    /// What its answer must contain.
    pub(crate) expected: &'static str,
}

/// How long a start took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// From the start of the process to its first request for work.
    pub(crate) to_work: Duration,
    /// From the start of the process to its answer to the first event.
    pub(crate) to_answer: Duration,
}

/// The machine around a subject.
#[derive(Debug)]
pub(crate) struct Stage {
    /// AWS.
    pub(crate) aws: Server,
    /// The certificates that a subject trusts: the system's, and that of the stub.
    pub(crate) trusted: PathBuf,
}

impl Stage {
    /// Starts a subject once.
    ///
    /// # Errors
    /// It did not start, or its answer is not the expected one; says why.
    pub(crate) fn start(&self, subject: &Subject, limit: Option<&CpuLimit>) -> Result<Times, Box<dyn Error>> {
        let runtime = RuntimeApi::start(subject.event.clone())?;
        let around = Surroundings {
            function: &subject.name,
            runtime_api: &runtime.address,
            endpoint: &self.aws.endpoint,
            trusted: &self.trusted,
        };
        let mut child = process::launch(&subject.command, around, limit)?;
        let begun = process::go(&mut child)?;
        let outcome = runtime.wait();
        child.kill()?;
        let output = child.wait_with_output()?;
        let start = outcome.map_err(|error| {
            let said = [output.stdout, output.stderr].concat();
            format!("{}: {error}\n{}", subject.name, String::from_utf8_lossy(&said))
        })?;
        let answer = String::from_utf8_lossy(&start.answer);
        if !answer.contains(subject.expected) {
            return Err(format!("{} answered {answer}", subject.name).into());
        }
        Ok(Times { to_work: start.asked - begun, to_answer: start.answered - begun })
    }
}
