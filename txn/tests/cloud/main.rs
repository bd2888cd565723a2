//! `txn` against the local cloud: `python3 -m local run --stacks main,redrive -- cargo test -p txn --test cloud`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops at the first unexpected result"
)]

mod aws;
mod days;
mod files;
mod gate;
mod operators;
mod payments;
#[allow(dead_code, reason = "the tests without a service use the rest")]
#[path = "../process.rs"]
mod process;
mod redrive;
mod redrive_payments;

use process::User;
use serde_json::Value;
use std::fmt::Write;
use std::hash::{BuildHasher, Hasher, RandomState};

/// The stack that most tests use, as `local run` describes it.
pub(crate) fn stack() -> Value {
    stack_named("main")
}

pub(crate) fn stack_named(name: &str) -> Value {
    let file = std::env::var("ACCEPTANCE_STACKS").expect("these tests need the local cloud: run `make test-txn`");
    let description: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    description["stacks"][name].clone()
}

/// A user with the configuration that `make up` writes.
pub(crate) fn user(stack: &Value) -> User {
    user_at(stack, stack["endpoint"].as_str().unwrap())
}

/// Such a user, with another endpoint for the services of AWS.
pub(crate) fn user_at(stack: &Value, aws: &str) -> User {
    let user = User::new();
    let text = |name: &str| stack[name].as_str().unwrap().to_owned();
    let mut config = "[default]\n".to_owned();
    for (name, member) in [
        ("endpoint", "api_url"),
        ("key", "api_key"),
        ("environment", "suffix"),
        ("webhook_url", "webhook_url"),
        ("webhook_provider", "webhook_provider"),
        ("webhook_secret", "webhook_secret"),
    ] {
        writeln!(config, "{name} = {:?}", text(member)).unwrap();
    }
    config.push_str("[default.local_cloud]\n");
    writeln!(config, "endpoint = {aws:?}").unwrap();
    for name in ["region", "access_key_id", "secret_access_key"] {
        writeln!(config, "{name} = {:?}", text(name)).unwrap();
    }
    user.file(".config/txn/config.toml", config);
    user
}

/// A unique word.
pub(crate) fn unique() -> String {
    format!("{:016x}", RandomState::new().build_hasher().finish())
}

/// A file of `rows` rows on `day`, with unique ids.
pub(crate) fn csv(day: &str, rows: usize, merchant: &str) -> String {
    let word = unique();
    let mut text = "transaction_id,amount,currency,timestamp,merchant,status\n".to_owned();
    for row in 0..rows {
        // Not sorted by time.
        let second = (row * 37) % 60;
        let currency = if row % 3 == 0 { "USD" } else { "EUR" };
        writeln!(text, "{word}-{row},-1.50,{currency},{day}T10:00:{second:02}Z,{merchant},completed").unwrap();
    }
    text
}
