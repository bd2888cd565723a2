//! How a command ends, and what it says when it does not end well.

use serde_json::json;
use std::fmt;
use std::io;
use std::path::Path;
use std::process::ExitCode;

/// What the exit code tells a script. They are an interface: `txn --help` lists them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Exit {
    /// All is well.
    Well = 0,
    /// A file was refused or failed, something is missing once the day is over, or something stays undone.
    NotWell = 1,
    /// The command cannot be carried out as it stands: an argument, the configuration, a file that cannot be read.
    Usage = 2,
    /// The service was not reached, failed, or did not finish in time.
    Unavailable = 3,
    /// A key, a secret or a permission was refused.
    Denied = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// Why a command could not be carried out. Its message ends with what to do.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) exit: Exit,
    /// A stable text for scripts: the API's own code where the API refused.
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Problem {
    pub(crate) fn new(exit: Exit, code: &str, message: impl Into<String>) -> Self {
        Self { exit, code: code.to_owned(), message: message.into() }
    }

    /// The command cannot be carried out as it was typed or configured.
    pub(crate) fn usage(code: &str, message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, code, message)
    }

    /// A file of this machine cannot be read or written.
    pub(crate) fn of_file(path: &Path, error: &io::Error) -> Self {
        let why = match error.kind() {
            io::ErrorKind::NotFound => "there is no such file.".to_owned(),
            // The system's number of an error says nothing to people.
            _ => error.to_string().split(" (os error").next().unwrap_or_default().to_owned(),
        };
        Self::usage("file_unusable", format!("{}: {why}", path.display()))
    }

    /// Tells it on stderr: for people, or as JSON.
    pub(crate) fn tell(&self, as_json: bool) {
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
