//! The command line: its commands, arguments and help texts.

use clap::builder::styling::Styles;
use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::num::NonZeroUsize;
use std::path::PathBuf;

const EXIT_CODES: &str = "\
Exit codes:
  0  success
  1  a file was rejected, failed or is missing, or a message stays in a queue
  2  the command cannot run: a wrong argument or configuration, or a file that cannot be read
  3  the service was not reached, failed, or did not finish in time
  4  a key, a secret or a permission was rejected
With several files, the greatest code counts.

The endpoint and the key are read from options, then from the environment (TXN_ENDPOINT, TXN_KEY), then from the \
profile in the configuration file. A key is never an argument, because all users of a machine can list the arguments \
of its processes.";

/// Check, send and follow transaction files, and operate the system.
#[derive(Parser, Debug)]
#[command(name = "txn", version, after_help = EXIT_CODES, styles = Styles::plain(), max_term_width = 100)]
pub(crate) struct Cli {
    /// Write JSON to stdout, and errors as JSON to stderr.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// The configuration file [default: ~/.config/txn/config.toml].
    // Clap's own parser of paths rejects an empty one, but an empty variable is the same as none.
    #[arg(long, global = true, env = "TXN_CONFIG", value_name = "FILE", hide_env_values = true,
        value_parser = OsStringValueParser::new().map(PathBuf::from))]
    pub(crate) config: Option<PathBuf>,
    /// The profile in the configuration file.
    #[arg(long, global = true, env = "TXN_PROFILE", value_name = "NAME", hide_env_values = true)]
    pub(crate) profile: Option<String>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Check files on this machine, by the rules of the service.
    Validate(ValidateArguments),
    /// Check and send files. A file that is sent again is not processed again.
    Upload(UploadArguments),
    /// Show the status of a file, or list the files since a day.
    Status(StatusArguments),
    /// List the files of a day, and what was expected and is missing.
    Day(DayArguments),
    /// List stored transactions in order of time (needs AWS credentials).
    Transactions(TransactionsArguments),
    /// Send payments by webhook.
    #[command(subcommand)]
    Webhook(WebhookCommand),
    /// Process the messages of the dead-letter queues again (needs AWS credentials).
    Redrive(RedriveArguments),
    /// Write the completions of a shell to stdout.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// The control totals of a file.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ExpectedArguments {
    /// The number of records that the file must have.
    #[arg(long, value_name = "N")]
    pub(crate) expected_rows: Option<String>,
    /// The totals that its amounts must have, by currency: EUR=9.30,JPY=1200.
    #[arg(long, value_name = "TOTALS")]
    pub(crate) expected_totals: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct ValidateArguments {
    /// The files; - reads stdin.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Show at most this many errors of a file; all are counted.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) max_errors: usize,
    /// Check this many files at the same time [default: the number of cores].
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<NonZeroUsize>,
    #[command(flatten)]
    pub(crate) expected: ExpectedArguments,
    /// Write a copy of the FILE with the errors beside the records, to correct and send.
    #[arg(long, value_name = "OUT")]
    pub(crate) correctable: Option<PathBuf>,
    /// The records of that copy.
    #[arg(long, value_enum, default_value_t = Rows::Rejected, requires = "correctable")]
    pub(crate) rows: Rows,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Rows {
    /// The records with errors.
    Rejected,
    /// All records, so that the corrected copy can be sent as it is.
    All,
}

/// How to reach the API.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Access {
    /// The base URL of the API, such as https://….execute-api.us-east-1.amazonaws.com/prod.
    #[arg(long, env = "TXN_ENDPOINT", value_name = "URL", hide_env_values = true)]
    pub(crate) endpoint: Option<String>,
    /// The file with the API key, readable only by you.
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct UploadArguments {
    /// The files; - reads stdin.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Wait until the file is processed, and show its history.
    #[arg(long)]
    pub(crate) wait: bool,
    /// Wait at most this long, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 900)]
    pub(crate) timeout: u64,
    /// Have the service check the file, and change nothing there.
    #[arg(long, conflicts_with = "wait")]
    pub(crate) dry_run: bool,
    /// Send without checking first.
    #[arg(long)]
    pub(crate) no_check: bool,
    /// Process an earlier file again, so that its rows replace later ones.
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) reprocess: bool,
    /// Show at most this many errors of a file; all are counted.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) max_errors: usize,
    #[command(flatten)]
    pub(crate) expected: ExpectedArguments,
    #[command(flatten)]
    pub(crate) access: Access,
}

#[derive(Args, Debug)]
pub(crate) struct StatusArguments {
    /// The file_id or the status_path of a file, or the URL of its page.
    #[arg(value_name = "FILE_ID", required_unless_present = "since")]
    pub(crate) file: Option<String>,
    /// List the files since this day (UTC, YYYY-MM-DD); with FILE_ID, search since this day.
    #[arg(long, value_name = "DAY")]
    pub(crate) since: Option<String>,
    /// Wait until the file is processed.
    #[arg(long, requires = "file")]
    pub(crate) wait: bool,
    /// Wait at most this long, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 900)]
    pub(crate) timeout: u64,
    #[command(flatten)]
    pub(crate) access: Access,
}

#[derive(Args, Debug)]
pub(crate) struct DayArguments {
    /// The day (UTC, YYYY-MM-DD) [default: today].
    pub(crate) day: Option<String>,
    /// Show only this partner (with an operator's key).
    #[arg(long, value_name = "NAME")]
    pub(crate) partner: Option<String>,
    #[command(flatten)]
    pub(crate) access: Access,
}

/// The deployed environment that an operator works on.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct OperatorArguments {
    /// The environment, such as dev: the suffix of the names of its resources.
    #[arg(long = "env", env = "TXN_ENV", value_name = "ENV", hide_env_values = true)]
    pub(crate) environment: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct TransactionsArguments {
    /// The first day (UTC, YYYY-MM-DD) or instant (RFC 3339).
    #[arg(long, value_name = "WHEN")]
    pub(crate) from: String,
    /// The last day, included, or an instant, not included [default: the day of --from].
    #[arg(long, value_name = "WHEN")]
    pub(crate) to: Option<String>,
    /// List only transactions in this currency.
    #[arg(long, value_name = "CODE")]
    pub(crate) currency: Option<String>,
    /// List only transactions of this partner.
    #[arg(long, value_name = "NAME")]
    pub(crate) partner: Option<String>,
    /// The output format; json, like --json, writes one object per line.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,
    /// Run at most this many queries at the same time.
    #[arg(long, value_name = "N", default_value = "48")]
    pub(crate) queries: NonZeroUsize,
    #[command(flatten)]
    pub(crate) operate: OperatorArguments,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Format {
    Table,
    Csv,
    Json,
}

#[derive(Subcommand, Debug)]
pub(crate) enum WebhookCommand {
    /// Sign and send a test payment. The secret is in TXN_WEBHOOK_SECRET, --secret-file or the profile.
    Send(WebhookArguments),
}

#[derive(Args, Debug)]
pub(crate) struct WebhookArguments {
    /// The URL of the webhook.
    #[arg(long, env = "TXN_WEBHOOK_URL", value_name = "URL", hide_env_values = true)]
    pub(crate) url: Option<String>,
    /// The file with the provider's secret, readable only by you.
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Option<PathBuf>,
    /// The name of the provider.
    #[arg(long, env = "TXN_WEBHOOK_PROVIDER", value_name = "NAME", hide_env_values = true)]
    pub(crate) provider: Option<String>,
    /// Send this body as it is, instead of a test payment; - reads stdin.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["amount", "currency", "customer", "transaction_id"])]
    pub(crate) body: Option<PathBuf>,
    /// The amount of the test payment.
    #[arg(long, value_name = "AMOUNT", default_value = "129.90")]
    pub(crate) amount: String,
    /// The currency of the test payment.
    #[arg(long, value_name = "CODE", default_value = "EUR")]
    pub(crate) currency: String,
    /// The customer of the test payment.
    #[arg(long, value_name = "ID", default_value = "txn-test")]
    pub(crate) customer: String,
    /// The id of the test payment [default: a new one].
    #[arg(long, value_name = "ID")]
    pub(crate) transaction_id: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct RedriveArguments {
    /// Receive at most this many messages from each queue.
    #[arg(long, value_name = "N", default_value = "100")]
    pub(crate) max: NonZeroUsize,
    /// Show what would be done, and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Delete the messages of files that only their senders can correct, and of unknown partners.
    #[arg(long)]
    pub(crate) delete_rejected: bool,
    /// Wait at most this long for each workflow, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pub(crate) timeout: u64,
    #[command(flatten)]
    pub(crate) operate: OperatorArguments,
}
