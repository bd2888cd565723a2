//! What can be typed.

use clap::builder::styling::Styles;
use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::num::NonZeroUsize;
use std::path::PathBuf;

const EXIT_CODES: &str = "\
Exit codes:
  0  all is well
  1  a file was refused or failed, something is missing once the day is over, or something stays undone
  2  the command cannot be carried out as it stands: an argument, the configuration, a file that cannot be read
  3  the service was not reached, failed, or did not finish in time
  4  a key, a secret or a permission was refused
Of several files the greatest code counts.

Where to send and who sends: options first, then the environment (TXN_ENDPOINT, TXN_KEY), then the profile of the \
configuration file. A key is never an argument, because everybody on a machine can list the arguments of its processes.";

/// Checks, sends and follows transaction files, and serves those who operate the system.
#[derive(Parser, Debug)]
#[command(name = "txn", version, after_help = EXIT_CODES, styles = Styles::plain(), max_term_width = 100)]
pub(crate) struct Cli {
    /// Writes JSON to stdout, and errors as JSON to stderr.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// The configuration file [default: ~/.config/txn/config.toml].
    // Clap's own parser of paths refuses an empty one, and an empty variable is as good as none.
    #[arg(long, global = true, env = "TXN_CONFIG", value_name = "FILE", hide_env_values = true,
        value_parser = OsStringValueParser::new().map(PathBuf::from))]
    pub(crate) config: Option<PathBuf>,
    /// The profile of the configuration file.
    #[arg(long, global = true, env = "TXN_PROFILE", value_name = "NAME", hide_env_values = true)]
    pub(crate) profile: Option<String>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Checks files on this machine, by the rules that the service follows.
    Validate(ValidateArguments),
    /// Sends files. The same file sent again is the same file: nothing is done twice.
    Upload(UploadArguments),
    /// Tells what became of a file, or of all files since a day.
    Status(StatusArguments),
    /// Tells what came on a day, and what was expected and did not come.
    Day(DayArguments),
    /// Lists transactions of a period from the table, in order of time (needs AWS credentials).
    Transactions(TransactionsArguments),
    /// Payments by webhook.
    #[command(subcommand)]
    Webhook(WebhookCommand),
    /// Does again what is in the dead-letter queues of files and payments (needs AWS credentials).
    Redrive(RedriveArguments),
    /// Writes the completions of a shell to stdout.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// What the sender of a file says is in it.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ExpectedArguments {
    /// How many records the file must have.
    #[arg(long, value_name = "N")]
    pub(crate) expected_rows: Option<String>,
    /// The sums that its amounts must have, for every currency of the file: EUR=9.30,JPY=1200.
    #[arg(long, value_name = "SUMS")]
    pub(crate) expected_totals: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct ValidateArguments {
    /// The files; - is stdin.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Most errors that are shown of a file. All are counted.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) max_errors: usize,
    /// How many files are checked at the same time [default: as many as there are cores].
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<NonZeroUsize>,
    #[command(flatten)]
    pub(crate) expected: ExpectedArguments,
    /// Writes a CSV file to be mended: the records and what is wrong with them (one FILE).
    #[arg(long, value_name = "OUT")]
    pub(crate) correctable: Option<PathBuf>,
    /// Which records that file has.
    #[arg(long, value_enum, default_value_t = Rows::Rejected, requires = "correctable")]
    pub(crate) rows: Rows,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Rows {
    /// Those with an error.
    Rejected,
    /// All. A file is refused as a whole, so this is what is sent once it is mended.
    All,
}

/// Where the API is, and who asks.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Access {
    /// The API's base, such as https://….execute-api.us-east-1.amazonaws.com/prod.
    #[arg(long, env = "TXN_ENDPOINT", value_name = "URL", hide_env_values = true)]
    pub(crate) endpoint: Option<String>,
    /// A file with the API key, which nobody else may read.
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct UploadArguments {
    /// The files; - is stdin.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Waits until the file is processed, and shows its way.
    #[arg(long)]
    pub(crate) wait: bool,
    /// How long to wait at most, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 900)]
    pub(crate) timeout: u64,
    /// Has the service check the file and changes nothing there.
    #[arg(long, conflicts_with = "wait")]
    pub(crate) dry_run: bool,
    /// Sends without a look at the file before.
    #[arg(long)]
    pub(crate) no_check: bool,
    /// Process a file again that was processed before, so that its rows replace later ones.
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) reprocess: bool,
    /// Most errors that are shown of a file. All are counted.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) max_errors: usize,
    #[command(flatten)]
    pub(crate) expected: ExpectedArguments,
    #[command(flatten)]
    pub(crate) access: Access,
}

#[derive(Args, Debug)]
pub(crate) struct StatusArguments {
    /// A file's id, the status_path of an answer, or the address of the file's page.
    #[arg(value_name = "FILE_ID", required_unless_present = "since")]
    pub(crate) file: Option<String>,
    /// The files of this day (UTC, YYYY-MM-DD) and later; with FILE_ID, where to look for it.
    #[arg(long, value_name = "DAY")]
    pub(crate) since: Option<String>,
    /// Waits until the file is processed.
    #[arg(long, requires = "file")]
    pub(crate) wait: bool,
    /// How long to wait at most, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 900)]
    pub(crate) timeout: u64,
    #[command(flatten)]
    pub(crate) access: Access,
}

#[derive(Args, Debug)]
pub(crate) struct DayArguments {
    /// The day (UTC, YYYY-MM-DD) [default: today].
    pub(crate) day: Option<String>,
    /// One partner alone (for keys of operators).
    #[arg(long, value_name = "NAME")]
    pub(crate) partner: Option<String>,
    #[command(flatten)]
    pub(crate) access: Access,
}

/// Whose tables and queues: the environment, and how to reach AWS.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Operate {
    /// The environment, such as dev: what the names of its resources end in.
    #[arg(long = "env", env = "TXN_ENV", value_name = "ENV", hide_env_values = true)]
    pub(crate) environment: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct TransactionsArguments {
    /// The first day (UTC, YYYY-MM-DD), or the first instant (RFC 3339).
    #[arg(long, value_name = "WHEN")]
    pub(crate) from: String,
    /// The last day, which is included, or an instant, which is not [default: the day of --from].
    #[arg(long, value_name = "WHEN")]
    pub(crate) to: Option<String>,
    /// Transactions in this currency alone.
    #[arg(long, value_name = "CODE")]
    pub(crate) currency: Option<String>,
    /// Transactions of this partner alone.
    #[arg(long, value_name = "NAME")]
    pub(crate) partner: Option<String>,
    /// How they are written; json is one object a line, as is --json.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,
    /// How many queries are under way at the same time.
    #[arg(long, value_name = "N", default_value = "48")]
    pub(crate) queries: NonZeroUsize,
    #[command(flatten)]
    pub(crate) operate: Operate,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Format {
    Table,
    Csv,
    Json,
}

#[derive(Subcommand, Debug)]
pub(crate) enum WebhookCommand {
    /// Signs a test payment and sends it. The secret comes from TXN_WEBHOOK_SECRET, --secret-file or the profile.
    Send(WebhookArguments),
}

#[derive(Args, Debug)]
pub(crate) struct WebhookArguments {
    /// Where to send it.
    #[arg(long, env = "TXN_WEBHOOK_URL", value_name = "URL", hide_env_values = true)]
    pub(crate) url: Option<String>,
    /// A file with the provider's secret, which nobody else may read.
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Option<PathBuf>,
    /// The provider's name.
    #[arg(long, env = "TXN_WEBHOOK_PROVIDER", value_name = "NAME", hide_env_values = true)]
    pub(crate) provider: Option<String>,
    /// A body to send as it is, in place of a test payment; - is stdin.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["amount", "currency", "customer", "transaction_id"])]
    pub(crate) body: Option<PathBuf>,
    /// The amount of the test payment.
    #[arg(long, value_name = "AMOUNT", default_value = "129.90")]
    pub(crate) amount: String,
    /// Its currency.
    #[arg(long, value_name = "CODE", default_value = "EUR")]
    pub(crate) currency: String,
    /// Its customer.
    #[arg(long, value_name = "ID", default_value = "txn-test")]
    pub(crate) customer: String,
    /// Its id [default: one that nobody has had].
    #[arg(long, value_name = "ID")]
    pub(crate) transaction_id: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct RedriveArguments {
    /// Most messages that are taken from each queue.
    #[arg(long, value_name = "N", default_value = "100")]
    pub(crate) max: NonZeroUsize,
    /// Shows what is there and what would be done.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Deletes the messages of files that only their senders can correct, and of objects of unknown partners.
    #[arg(long)]
    pub(crate) delete_refused: bool,
    /// How long to wait for each workflow at most, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pub(crate) timeout: u64,
    #[command(flatten)]
    pub(crate) operate: Operate,
}
