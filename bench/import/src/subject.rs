//! What imports: the built function, and its peer in Python.

use crate::aws::Aws;
use serde_json::Value;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;
use stubs::process::{self, Surroundings};
use stubs::runtime_api::{self, RuntimeApi};
use stubs::{CpuLimit, Usage, in_repository};

const NAME: &str = "data-transformer";

/// What one import took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Import {
    /// From the task to the answer.
    pub(crate) time: Duration,
    /// What the importer used of the processor meanwhile, and of memory until its end.
    pub(crate) used: Usage,
    /// What this process, which plays AWS, used of the processor meanwhile.
    pub(crate) stub_processor: Duration,
}

/// The machine around a subject.
#[derive(Debug)]
pub(crate) struct Stage {
    /// AWS.
    pub(crate) aws: Aws,
    /// The certificates that a subject trusts.
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
        let runtime = RuntimeApi::start()?;
        let around = self.surroundings(NAME, &runtime.address);
        let mut child = process::launch(&process::built(NAME)?, around, limit)?;
        renice(0, child.id());
        process::go(&mut child)?;
        let said = [process::drain(child.stdout.take()), process::drain(child.stderr.take())];
        Ok(Function { child, runtime, said })
    }

    /// Has the peer import a file, and tells what it took.
    ///
    /// # Errors
    /// It failed; says what it said.
    pub(crate) fn python(&self, file: &Path, limit: Option<&CpuLimit>) -> Result<Import, Box<dyn Error>> {
        let script = in_repository("bench/import/python/peer.py").display().to_string();
        let command = [self.python.clone(), script, file.display().to_string()];
        let own = Usage::of("self")?;
        let mut child = process::launch(&command, self.surroundings("peer", "127.0.0.1:9"), limit)?;
        renice(0, child.id());
        process::go(&mut child)?;
        let output = child.wait_with_output()?;
        let said: Value = serde_json::from_slice(&output.stdout)
            .map_err(|_| format!("the peer failed: {}", String::from_utf8_lossy(&output.stderr)))?;
        let number = |name: &str| said[name].as_u64().unwrap_or_default();
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

    fn surroundings<'a>(&'a self, function: &'a str, runtime_api: &'a str) -> Surroundings<'a> {
        Surroundings { function, runtime_api, endpoint: &self.aws.server.endpoint, trusted: &self.trusted }
    }
}

/// Gives a process its place among those that want a processor. Only root may move one to the front; without that, the
/// figures are those of a busier machine.
pub(crate) fn renice(niceness: i32, process: u32) {
    let (niceness, process) = (niceness.to_string(), process.to_string());
    let _ = Command::new("renice").args(["-n", &niceness, "-p", &process]).stdout(Stdio::null()).status();
}

/// The process of the function.
#[derive(Debug)]
pub(crate) struct Function {
    child: Child,
    runtime: RuntimeApi,
    said: [JoinHandle<Vec<u8>>; 2],
}

impl Function {
    /// Hands it a task. Tells what the import took, and the answer.
    ///
    /// # Errors
    /// It failed; says why.
    pub(crate) fn import(&self, task: &Value) -> Result<(Import, Value), Box<dyn Error>> {
        let id = self.child.id().to_string();
        let (before, own) = (Usage::of(&id)?, Usage::of("self")?);
        let exchange = self.runtime.exchange(runtime_api::response(task.to_string().as_bytes()))?;
        let (after, own_after) = (Usage::of(&id)?, Usage::of("self")?);
        let processor = after.processor.saturating_sub(before.processor);
        let import = Import {
            time: exchange.answered - exchange.handed_out,
            used: Usage { processor, waited: after.waited.saturating_sub(before.waited), ..after },
            stub_processor: own_after.processor.saturating_sub(own.processor),
        };
        Ok((import, serde_json::from_slice(&exchange.answer)?))
    }

    /// Ends it.
    ///
    /// # Errors
    /// It had ended before; tells what it said.
    pub(crate) fn end(mut self) -> Result<(), Box<dyn Error>> {
        let is_alive = self.child.try_wait()?.is_none();
        self.child.kill()?;
        self.child.wait()?;
        let [out, error] = self.said.map(|thread| thread.join().unwrap_or_default());
        if is_alive {
            return Ok(());
        }
        Err(format!("it ended: {}{}", String::from_utf8_lossy(&out), String::from_utf8_lossy(&error)).into())
    }
}
