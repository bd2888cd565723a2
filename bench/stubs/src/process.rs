//! A function's process, started as Lambda starts it.

use crate::cpu_limit::{self, CpuLimit};
use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Instant;

/// Joins the control group, if one is given, and says so; then waits for a line and becomes the process to measure. So
/// neither the shell's own start nor the joining is counted, only the change into the other program.
const LAUNCHER: &str = r#"if [ -n "$0" ]; then echo $$ > "$0"; fi; echo ready; read -r go; exec "$@""#;

/// What a function finds around itself.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
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
pub fn launch(command: &[String], around: Surroundings<'_>, limit: Option<&CpuLimit>) -> io::Result<Child> {
    let members = limit.map(CpuLimit::members).unwrap_or_default();
    let mut launcher = Command::new("/bin/sh");
    launcher.arg("-c").arg(LAUNCHER).arg(members).args(command).env_clear();
    // As Lambda sets them, then as the Dockerfile does, then as the template does; the endpoint and the certificates are those
    // of the stub.
    for (name, value) in [
        ("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ("TZ", ":UTC"),
        ("AWS_LAMBDA_RUNTIME_API", around.runtime_api),
        ("AWS_REGION", "us-east-1"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "none"),
        ("AWS_SECRET_ACCESS_KEY", "none"),
        ("AWS_SESSION_TOKEN", "none"),
        ("AWS_LAMBDA_FUNCTION_NAME", around.function),
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
        ("AWS_ENDPOINT_URL", around.endpoint),
    ] {
        launcher.env(name, value);
    }
    launcher.env("SSL_CERT_FILE", around.trusted).env("AWS_CA_BUNDLE", around.trusted);
    launcher.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
}

/// Lets a launched process go, once it is ready, and tells when that was.
///
/// # Errors
/// The process could not join the control group.
pub fn go(child: &mut Child) -> Result<Instant, Box<dyn Error>> {
    let (stdin, stdout) = (child.stdin.take(), child.stdout.as_mut());
    let (mut stdin, stdout) = stdin.zip(stdout).ok_or("the launcher has no pipes")?;
    let mut ready = String::new();
    // A small buffer, so that nothing is taken of what the function itself writes later.
    BufReader::with_capacity("ready\n".len(), stdout).read_line(&mut ready)?;
    if ready.trim() != "ready" {
        return Err("the launcher could not join the control group".into());
    }
    // What the launcher has used of its share of the processor must not be missing from the start.
    thread::sleep(cpu_limit::PERIOD);
    let begun = Instant::now();
    stdin.write_all(b"go\n")?;
    Ok(begun)
}

/// The command of a program that was built beside the one that runs.
///
/// # Errors
/// Its path is not UTF-8.
pub fn built(name: &str) -> Result<Vec<String>, Box<dyn Error>> {
    let path = std::env::current_exe()?.with_file_name(name);
    Ok(vec![path.into_os_string().into_string().map_err(|path| format!("{path:?} is not UTF-8"))?])
}

/// Reads on to the end, so that the process never waits for a reader.
pub fn drain(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut said = Vec::new();
        // What could be read before an error is all that there is.
        let _ = pipe.map(|mut pipe| pipe.read_to_end(&mut said));
        said
    })
}
