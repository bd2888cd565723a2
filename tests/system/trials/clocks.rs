//! A clock of its own for each process of a function: a few seconds fast or slow, by the seed. The functions are
//! unchanged: a preloaded library moves the time that they read (`local/clock_shim.c`).

use super::proxy::FUNCTIONS;
use crate::support::cloud::{Cloud, eventually, now_ms};
use aws_sdk_lambda::types::{Environment, LastUpdateStatus};
use domain::Timestamp;
use serde_json::Value;
use std::collections::HashMap;
use std::path::PathBuf;

/// The most that a process may be fast or slow.
pub(super) const OFFSET_MS_MAX: i64 = 5_000;
/// How fast a function is made once to check that its clock is ours.
const OFFSET_MS_SEEN: i64 = 600_000;
/// How long an upload's URL is valid.
const URL_MS: u64 = 900_000;

const FIXED_OFFSET: &str = "CLOCK_OFFSET_MS";

/// The clocks of a function's processes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Clocks {
    /// Each its own.
    Own,
    /// All of them this much fast.
    Fast(i64),
}

/// Gives the processes of a function their clocks, from its next process on, and other variables.
pub(super) async fn set(cloud: &Cloud, seed: u64, function: &str, clocks: Clocks, others: &[(&str, &str)]) {
    let name = cloud.stack.function(function);
    let lambda = cloud.lambda();
    let now = lambda.get_function_configuration().function_name(&name).send().await.unwrap();
    let mut variables = now.environment.unwrap().variables.unwrap();
    variables.extend(others.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    if let Some(library) = &cloud.stack.clock_shim {
        set_clock(&mut variables, library, seed, function, clocks);
    }
    let environment = Environment::builder().set_variables(Some(variables)).build();
    lambda.update_function_configuration().function_name(&name).environment(environment).send().await.unwrap();
    eventually("the function to be updated", async || {
        let now = lambda.get_function_configuration().function_name(&name).send().await.unwrap();
        (now.last_update_status == Some(LastUpdateStatus::Successful)).then_some(())
    })
    .await;
}

fn set_clock(variables: &mut HashMap<String, String>, library: &str, seed: u64, function: &str, clocks: Clocks) {
    variables.remove(FIXED_OFFSET);
    let mut set = |name: &str, value: String| variables.insert(name.to_owned(), value);
    set("LD_PRELOAD", library.to_owned());
    set("CLOCK_SEED", (seed % u64::from(u32::MAX)).to_string());
    set("CLOCK_OFFSET_MS_MAX", OFFSET_MS_MAX.to_string());
    set("CLOCK_PROCESSES", list_of(function).to_str().unwrap().to_owned());
    if let Clocks::Fast(milliseconds) = clocks {
        set(FIXED_OFFSET, milliseconds.to_string());
    }
}

/// Where the processes of a function are listed with their offsets.
fn list_of(function: &str) -> PathBuf {
    let stacks = PathBuf::from(std::env::var("ACCEPTANCE_STACKS").unwrap());
    stacks.with_file_name(format!("clocks-of-{function}"))
}

/// The offsets that the processes of a function have had, in milliseconds.
fn offsets(function: &str) -> Vec<i64> {
    let listed = std::fs::read_to_string(list_of(function)).unwrap_or_default();
    listed.lines().filter_map(|line| line.split_whitespace().nth(1)?.parse().ok()).collect()
}

/// How many processes had their own clock, and the greatest difference.
pub(super) fn report() -> String {
    let all: Vec<i64> =
        FUNCTIONS.into_iter().flat_map(offsets).filter(|offset| offset.abs() <= OFFSET_MS_MAX).collect();
    let (least, most) = (all.iter().min().copied().unwrap_or_default(), all.iter().max().copied().unwrap_or_default());
    format!("{:>8}  processes with clocks from {least:+} to {most:+} ms", all.len())
}

/// Checks that a function reads the time from its given clock: the validity of a URL shows its time.
pub(super) async fn are_seen(cloud: &Cloud, seed: u64, key: &str) {
    if cloud.stack.clock_shim.is_none() {
        println!("All functions have one clock: here none can be given another.");
        return;
    }
    set(cloud, seed, "csv-validator", Clocks::Fast(OFFSET_MS_SEEN), &[]).await;
    let body = format!("{{\"size\": 1, \"sha256\": \"{}\"}}", "0".repeat(64));
    let request = cloud.http.post(format!("{}/uploads", cloud.stack.api_url)).header("x-api-key", key);
    let response = request.header("content-type", "application/json").body(body).send().await.unwrap();
    let response: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    let expires_at = Timestamp::parse(response["upload"]["expires_at"].as_str().unwrap().as_bytes()).unwrap();
    let fast_ms = expires_at.unix_seconds() * 1000 - i64::try_from(now_ms() + URL_MS).unwrap();
    assert!((fast_ms - OFFSET_MS_SEEN).abs() < OFFSET_MS_MAX, "a function is {fast_ms} ms fast, not {OFFSET_MS_SEEN}");
}
