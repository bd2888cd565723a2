//! Exit codes, and errors that end a command.

use serde_json::json;
use std::fmt;
use std::io;
use std::path::Path;
use std::process::ExitCode;

/// The exit code. The codes are an interface for scripts; `txn --help` lists them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Exit {
    Success = 0,
    /// A file was rejected or failed, an expected file is missing, or a message stays in a queue.
    Failure = 1,
    /// A wrong argument or configuration, or a file that cannot be read.
    Usage = 2,
    /// The service was not reached, failed, or did not finish in time.
    Unavailable = 3,
    /// A key, a secret or a permission was rejected.
    Denied = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// Why a command could not run. Its message ends with what to do.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) exit: Exit,
    /// A stable code for scripts. For a request that the API rejected, it is the API's code.
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Problem {
    pub(crate) fn new(exit: Exit, code: &str, message: impl Into<String>) -> Self {
        Self { exit, code: code.to_owned(), message: message.into() }
    }

    /// The command cannot run with these arguments or this configuration.
    pub(crate) fn usage(code: &str, message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, code, message)
    }

    /// A local file cannot be read or written.
    pub(crate) fn of_file(path: &Path, error: &io::Error) -> Self {
        let why = match error.kind() {
            io::ErrorKind::NotFound => "no such file.".to_owned(),
            // The number of the error in the system does not help people.
            _ => error.to_string().split(" (os error").next().unwrap_or_default().to_owned(),
        };
        Self::usage("file_unusable", format!("{}: {why}", path.display()))
    }

    /// Prints it to stderr, as text or as JSON.
    pub(crate) fn print(&self, as_json: bool) {
        if as_json {
            eprintln!("{}", json!({"error": self.code, "message": self.message, "exit_code": self.exit as u8}));
        } else {
            eprintln!("txn: {}", self.message);
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}
