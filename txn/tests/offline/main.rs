//! `txn` as a process, without a service or with a service in the test.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops at the first unexpected result"
)]

mod configuration;
#[allow(dead_code, reason = "the tests with a cloud use the rest")]
#[path = "../process.rs"]
mod process;
mod requests;
mod service;
mod upload;
mod validate;

use process::{User, assert_golden};

#[test]
fn help_lists_all_commands_and_exit_codes() {
    let user = User::new();
    let mut text = String::new();
    for command in
        ["", "validate", "upload", "status", "day", "transactions", "webhook", "webhook send", "redrive", "completions"]
    {
        let arguments: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        text.push_str(&format!("$ txn {}\n{}\n", arguments.join(" "), user.run(&arguments).expect_code(0).stdout));
    }
    assert_golden("help.txt", &text);
}

#[test]
fn wrong_arguments_exit_with_2() {
    let user = User::new();
    for arguments in [
        &["validat"][..],
        &["validate"],
        &["validate", "good.csv", "--jobs", "0"],
        &["validate", "good.csv", "--rows", "all"],
        &["upload", "good.csv", "--dry-run", "--wait"],
        &["upload", "good.csv", "--key", "acme.s3cr3t"],
        &["status"],
        &["day", "yesterday", "--endpoint", "https://a.example"],
    ] {
        let output = user.run(arguments).expect_code(2);
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn prints_completions_for_three_shells() {
    let user = User::new();
    for (shell, word) in [("bash", "complete -F"), ("zsh", "#compdef txn"), ("fish", "complete -c txn")] {
        let output = user.run(&["completions", shell]).expect_code(0);
        assert!(output.stdout.contains(word) && output.stdout.contains("redrive"), "{shell}");
    }
}
