//! What is started, and how one start is measured.

use crate::aws::Aws;
use crate::cpu_limit::{self, CpuLimit};
use crate::runtime_api::RuntimeApi;
use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Joins the control group, if one is given, and says so; then waits for a line and becomes the process to measure. So
/// neither the shell's own start nor the joining is counted, only the change into the other program.
const LAUNCHER: &str = r#"if [ -n "$0" ]; then echo $$ > "$0"; fi; echo ready; read -r go; exec "$@""#;

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
    pub(crate) aws: Aws,
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
        let mut child = self.launch(subject, limit, &runtime.address)?;
        let begun = go(&mut child)?;
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

    fn launch(&self, subject: &Subject, limit: Option<&CpuLimit>, runtime: &str) -> Result<Child, Box<dyn Error>> {
        let members = limit.map(CpuLimit::members).unwrap_or_default();
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(LAUNCHER).arg(members).args(&subject.command).env_clear();
        // As Lambda sets them, and then as the template does; the endpoint and the certificates are those of the stub.
        command.env("AWS_LAMBDA_RUNTIME_API", runtime);
        for (name, value) in [
            ("PATH", "/usr/local/bin:/usr/bin:/bin"),
            ("TZ", ":UTC"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_DEFAULT_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "none"),
            ("AWS_SECRET_ACCESS_KEY", "none"),
            ("AWS_SESSION_TOKEN", "none"),
            ("AWS_LAMBDA_FUNCTION_NAME", &subject.name),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/startup"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "startup"),
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
            ("AWS_ENDPOINT_URL", &self.aws.endpoint),
        ] {
            command.env(name, value);
        }
        command.env("SSL_CERT_FILE", &self.trusted).env("AWS_CA_BUNDLE", &self.trusted);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Ok(command.spawn()?)
    }
}

/// Lets a launched process go, once it is ready, and tells when that was.
fn go(child: &mut Child) -> Result<Instant, Box<dyn Error>> {
    let (stdin, stdout) = (child.stdin.take(), child.stdout.as_mut());
    let (mut stdin, stdout) = stdin.zip(stdout).ok_or("the launcher has no pipes")?;
    let mut ready = String::new();
    BufReader::with_capacity(16, stdout).read_line(&mut ready)?;
    if ready.trim() != "ready" {
        return Err("the launcher could not join the control group".into());
    }
    // What the launcher has used of its share of the processor must not be missing from the start.
    thread::sleep(cpu_limit::PERIOD);
    let begun = Instant::now();
    stdin.write_all(b"go\n")?;
    Ok(begun)
}

/// The path of a file of the repository.
pub(crate) fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}
