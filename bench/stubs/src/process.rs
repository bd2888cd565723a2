//! A function's process, started as on Lambda.

use crate::cpu_limit::{self, CpuLimit};
use crate::runtime_api::{self, Exchange, RuntimeApi};
use crate::tls::Server;
use crate::usage::Usage;
use std::error::Error;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Joins the control group, if one is given, and reports that; then waits for a line and becomes the process to measure. So
/// neither the shell's own start nor the joining is measured, only the exec of the program.
const LAUNCHER: &str = r#"if [ -n "$0" ]; then echo $$ > "$0"; fi; echo ready; read -r go; exec "$@""#;

/// The environment of a function.
#[derive(Clone, Copy, Debug)]
pub struct Environment<'a> {
    /// Its name.
    pub function: &'a str,
    /// `AWS_LAMBDA_RUNTIME_API`.
    pub runtime_api: &'a str,
    /// `AWS_ENDPOINT_URL`.
    pub endpoint: &'a str,
    /// The certificates that it trusts.
    pub trusted: &'a Path,
}

/// Starts `command`, which waits for [`go`].
///
/// # Errors
/// It cannot be started.
pub fn launch(command: &[String], environment: Environment<'_>, limit: Option<&CpuLimit>) -> io::Result<Child> {
    let members = limit.map(CpuLimit::members).unwrap_or_default();
    let mut launcher = Command::new("/bin/sh");
    launcher.arg("-c").arg(LAUNCHER).arg(members).args(command).env_clear();
    // As set by Lambda, then by the Dockerfile, then by the template; the endpoint and the certificates are those of the stub.
    for (name, value) in [
        ("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ("TZ", ":UTC"),
        ("AWS_LAMBDA_RUNTIME_API", environment.runtime_api),
        ("AWS_REGION", "us-east-1"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "none"),
        ("AWS_SECRET_ACCESS_KEY", "none"),
        ("AWS_SESSION_TOKEN", "none"),
        ("AWS_LAMBDA_FUNCTION_NAME", environment.function),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/startup"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "startup"),
        ("MALLOC_TRIM_THRESHOLD_", "134217728"),
        ("MALLOC_MMAP_THRESHOLD_", "33554432"),
        ("S3_BUCKET", "files"),
        ("STATUS_TABLE", "status"),
        ("TRANSACTIONS_TABLE", "transactions"),
        ("SNS_TOPIC_ARN", "arn:aws:sns:us-east-1:123456789012:notifications"),
        ("ENVIRONMENT", "startup"),
        ("BUCKET_PARTNERS", "acme"),
        ("PAYMENTS_TABLE", "payments"),
        ("CUSTOMERS_TABLE", "customers"),
        ("EVENT_BUS", "payments"),
        ("ALERTS_TOPIC_ARN", "arn:aws:sns:us-east-1:123456789012:alerts"),
        ("AUDIT_BUCKET", "audit"),
        ("WEBHOOK_PROVIDERS", "acme-pay"),
        ("SIGNING_SECRETS_PREFIX", "webhook-signing/startup/"),
        ("AWS_ENDPOINT_URL", environment.endpoint),
    ] {
        launcher.env(name, value);
    }
    launcher.env("SSL_CERT_FILE", environment.trusted).env("AWS_CA_BUNDLE", environment.trusted);
    let child = launcher.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    // The stub may have a higher priority, which the child would inherit.
    renice(0, child.id());
    Ok(child)
}

/// Lets a launched process continue, once it is ready. Returns when that was.
///
/// # Errors
/// The process could not join the control group.
pub fn go(child: &mut Child) -> Result<Instant, Box<dyn Error>> {
    let (stdin, stdout) = (child.stdin.take(), child.stdout.as_mut());
    let (mut stdin, stdout) = stdin.zip(stdout).ok_or("the launcher has no pipes")?;
    let mut ready = String::new();
    // A small buffer, so that nothing is read of the function's own output.
    BufReader::with_capacity("ready\n".len(), stdout).read_line(&mut ready)?;
    if ready.trim() != "ready" {
        return Err("the launcher could not join the control group".into());
    }
    // The processor time that the launcher has used must not reduce the share of the function at its start.
    thread::sleep(cpu_limit::PERIOD);
    let started = Instant::now();
    stdin.write_all(b"go\n")?;
    Ok(started)
}

/// Sets the priority of a process. Only root may raise one; without that, the figures are those of a busier machine.
pub fn renice(niceness: i32, process: u32) {
    let (niceness, process) = (niceness.to_string(), process.to_string());
    let _ = Command::new("renice")
        .args(["-n", &niceness, "-p", &process])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}

/// The command of a program that was built beside this one.
///
/// # Errors
/// Its path is not UTF-8.
pub fn built(name: &str) -> Result<Vec<String>, Box<dyn Error>> {
    let path = std::env::current_exe()?.with_file_name(name);
    Ok(vec![path.into_os_string().into_string().map_err(|path| format!("{path:?} is not UTF-8"))?])
}

/// A running function, with a stub of Lambda's Runtime API.
#[derive(Debug)]
pub struct Function {
    child: Child,
    started: Instant,
    runtime: RuntimeApi,
    output: [JoinHandle<Vec<u8>>; 2],
}

impl Function {
    /// Starts the function `name` by its command. It calls AWS at `server` and trusts the certificates in `trusted`.
    ///
    /// # Errors
    /// It was not built, or cannot join the control group.
    pub fn start(
        name: &str,
        command: &[String],
        server: &Server,
        trusted: &Path,
        limit: Option<&CpuLimit>,
    ) -> Result<Self, Box<dyn Error>> {
        let runtime = RuntimeApi::start()?;
        let environment =
            Environment { function: name, runtime_api: &runtime.address, endpoint: &server.endpoint, trusted };
        let mut child = launch(command, environment, limit)?;
        let started = go(&mut child)?;
        let output = [drain(child.stdout.take()), drain(child.stderr.take())];
        Ok(Self { child, started, runtime, output })
    }

    /// Delivers an event and waits for the response.
    ///
    /// # Errors
    /// The function reported an error, or did not respond.
    pub fn exchange(&self, event: &[u8]) -> Result<Exchange, String> {
        self.runtime.exchange(runtime_api::response(event))
    }

    /// The time from the start of the process until `instant`.
    #[must_use]
    pub fn since_start(&self, instant: Instant) -> Duration {
        instant - self.started
    }

    /// What the process has used so far.
    ///
    /// # Errors
    /// It has ended.
    pub fn usage(&self) -> Result<Usage, Box<dyn Error>> {
        Usage::of(&self.child.id().to_string())
    }

    /// Ends the process.
    ///
    /// # Errors
    /// It cannot be ended.
    pub fn end(mut self) -> io::Result<Output> {
        let was_running = self.child.try_wait()?.is_none();
        self.child.kill()?;
        self.child.wait()?;
        let [stdout, stderr] = self.output.map(|thread| thread.join().unwrap_or_default());
        Ok(Output { was_running, stdout, stderr })
    }
}

/// The output of a function that was ended.
#[derive(Debug)]
pub struct Output {
    /// Whether it was running until then.
    pub was_running: bool,
    /// Its log.
    pub stdout: Vec<u8>,
    /// Its errors.
    pub stderr: Vec<u8>,
}

impl fmt::Display for Output {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}{}", String::from_utf8_lossy(&self.stdout), String::from_utf8_lossy(&self.stderr))
    }
}

/// Reads to the end, so that the process never waits for a reader.
fn drain(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut output = Vec::new();
        // On an error, the output ends there.
        let _ = pipe.map(|mut pipe| pipe.read_to_end(&mut output));
        output
    })
}
