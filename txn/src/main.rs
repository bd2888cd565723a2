//! `txn`, the command line of transaction files and payments: `txn --help`.

mod api;
mod calendar;
mod check;
mod cli;
mod day;
mod excerpt;
mod expected;
mod finding;
mod history;
mod http;
mod operator;
mod print;
mod problem;
mod progress;
mod received;
mod settings;
mod source;
mod status;
mod timeline;
mod upload;
mod validate;
mod verdict;
mod webhook;

use clap::{CommandFactory, Parser};
use cli::{Cli, Command, WebhookCommand};
use problem::{Exit, Problem};
use settings::Settings;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let exit = run(&cli).unwrap_or_else(|problem| {
        problem.print(cli.json);
        problem.exit
    });
    exit.into()
}

fn run(cli: &Cli) -> Result<Exit, Problem> {
    match &cli.command {
        Command::Validate(arguments) => validate::run(arguments, cli.json),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "txn", &mut script);
            print::raw(&script).map(|()| Exit::Success)
        }
        Command::Upload(arguments) => upload::run(arguments, &Settings::load(cli)?, cli.json),
        Command::Status(arguments) => status::run(arguments, &Settings::load(cli)?, cli.json),
        Command::Day(arguments) => day::run(arguments, &Settings::load(cli)?, cli.json),
        Command::Webhook(WebhookCommand::Send(arguments)) => webhook::send(arguments, &Settings::load(cli)?, cli.json),
        Command::Transactions(arguments) => operator::transactions::run(arguments, &Settings::load(cli)?, cli.json),
        Command::Redrive(arguments) => operator::redrive::run(arguments, &Settings::load(cli)?, cli.json),
    }
}
