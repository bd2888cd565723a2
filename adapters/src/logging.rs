//! JSON logs. Every line of an invocation carries its request id, its trace id and, once they are known, its file id
//! and partner, or its payment's transaction id. The saved queries of the template use these fields.
//!
//! What may be logged: ids, counts, durations, error names, scores of risk. What may not: a file's content, an API key,
//! a token.

use lambda_runtime::Context;
use tracing::{Span, field};
use tracing_subscriber::EnvFilter;

/// `info` and above of everything except the Lambda runtime, which repeats each failure without its file id and at its
/// lowest levels would log the event itself.
const DEFAULT_FILTER: &str = "info,lambda_runtime=off";

/// Begins to log. `LOG_LEVEL` may choose something other than [`DEFAULT_FILTER`].
pub fn start() {
    let filter = EnvFilter::try_from_env("LOG_LEVEL").unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_span_list(false)
        .with_target(false)
        .with_ansi(false)
        .with_env_filter(filter)
        .init();
    log_panics_by_location();
}

/// The message of a panic may contain what must not be logged: a failed slice of a string, for example, quotes the
/// string. Its location is enough.
fn log_panics_by_location() {
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(event = "panicked", location, "panicked");
    }));
}

/// The span of one invocation.
#[must_use]
pub fn invocation(context: &Context) -> Span {
    tracing::info_span!(
        "invocation",
        request_id = context.request_id,
        trace_id = context.xray_trace_id.as_deref().unwrap_or_default(),
        file_id = field::Empty,
        partner = field::Empty,
        transaction_id = field::Empty,
    )
}

/// Adds a payment's transaction id to every later line of this invocation.
pub fn set_transaction_id(transaction_id: &str) {
    Span::current().record("transaction_id", transaction_id);
}

/// Adds the partner to every later line of this invocation.
pub fn set_partner(partner: &str) {
    Span::current().record("partner", partner);
}

/// Adds the file id to every later line of this invocation.
pub fn set_file_id(file_id: &str) {
    Span::current().record("file_id", file_id);
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    /// Run by the test below in its own process, because the panic hook is global.
    #[test]
    #[ignore = "it panics on purpose"]
    fn panic_with_content() {
        super::start();
        let content = "Kanarienvogel é";
        let _ = &content[..content.len() - 1];
    }

    #[test]
    fn a_panic_logs_its_location_and_no_content() {
        let mut tests = Command::new(std::env::current_exe().unwrap());
        tests.args(["--ignored", "--exact", "--nocapture", "logging::tests::panic_with_content"]);
        let output = tests.env_remove("LOG_LEVEL").output().unwrap();
        let output_text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(
            !output.status.success() && output_text.contains("logging.rs:") && output_text.contains("panicked"),
            "{output_text}"
        );
        assert!(!output_text.contains("Kanarienvogel"), "{output_text}");
    }
}
