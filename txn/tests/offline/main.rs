//! `txn` as a process: what needs no service, and what a service of a test's own answers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that meets the unexpected has to stop there and then"
)]

mod configuration;
#[allow(dead_code, reason = "the tests with a cloud use the rest")]
#[path = "../process.rs"]
mod process;
mod requests;
mod service;
mod upload;
mod validate;

use process::{Person, assert_golden};

#[test]
fn help_tells_every_command_and_every_exit_code() {
    let person = Person::new();
    let mut text = String::new();
    for command in
        ["", "validate", "upload", "status", "day", "transactions", "webhook", "webhook send", "redrive", "completions"]
    {
        let arguments: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        text.push_str(&format!("$ txn {}\n{}\n", arguments.join(" "), person.run(&arguments).ended(0).stdout));
    }
    assert_golden("help.txt", &text);
}

#[test]
fn what_was_mistyped_ends_with_2() {
    let person = Person::new();
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
        let ran = person.run(arguments).ended(2);
        assert!(ran.stdout.is_empty() && !ran.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn completions_are_there_for_three_shells() {
    let person = Person::new();
    for (shell, word) in [("bash", "complete -F"), ("zsh", "#compdef txn"), ("fish", "complete -c txn")] {
        let ran = person.run(&["completions", shell]).ended(0);
        assert!(ran.stdout.contains(word) && ran.stdout.contains("redrive"), "{shell}");
    }
}
