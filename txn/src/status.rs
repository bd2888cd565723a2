//! `txn status`: what became of a file, or of the files since a day.

use crate::api::{Api, Until, exit_of, expect_ok};
use crate::check::now_ms;
use crate::cli::StatusArguments;
use crate::day;
use crate::history;
use crate::print;
use crate::problem::{Exit, Problem};
use crate::settings::Settings;
use crate::timeline::{Timeline, summary};
use domain::{FileId, Timestamp};
use serde_json::{Value, json};
use std::time::Duration;

const DAY_SECONDS: i64 = 24 * 60 * 60;
/// How many days back a file is looked for whose day nobody has named.
const DAYS_BACK: i64 = 7;
/// Most days that one command asks for: each is a request, and a key has a daily quota.
const DAYS_MAX: usize = 100;

pub(crate) fn run(arguments: &StatusArguments, settings: &Settings, as_json: bool) -> Result<Exit, Problem> {
    let Some(file) = &arguments.file else {
        let since = arguments.since.as_deref().unwrap_or_default();
        return list_since(since, &Api::with_key(settings, &arguments.access)?, as_json);
    };
    let status_path = status_path_of(file, arguments, settings)?;
    let api = Api::without_key(settings, &arguments.access)?;
    let mut timeline = Timeline::default();
    let mut show = |page: &Value| if as_json { Ok(()) } else { timeline.show(page) };
    let page = if arguments.wait {
        api.follow(&status_path, Until::UploadOver, Duration::from_secs(arguments.timeout), show)?
    } else {
        let page = expect_ok(&api.get(&status_path)?)?;
        show(&page)?;
        page
    };
    if as_json {
        print::json(&page)?
    } else {
        print::line(summary(&page))?
    }
    Ok(exit_of(page["status"].as_str().unwrap_or_default()))
}

/// The status_path of what was named: itself, that of an upload from here, or of a file of the last days.
fn status_path_of(file: &str, arguments: &StatusArguments, settings: &Settings) -> Result<String, Problem> {
    let endpoint = settings.endpoint(&arguments.access)?;
    let path = path_within(file, &endpoint)?;
    if path.starts_with("/files/") && path.contains("?token=") {
        return Ok(path.to_owned());
    }
    if FileId::parse(file).is_none() {
        return Err(Problem::usage(
            "file_id_malformed",
            "A file is named by its file_id, 32 hexadecimal digits, by the status_path of an answer, or by its page's address.",
        ));
    }
    if let Some(known) = history::status_path_of(file, &endpoint) {
        return Ok(known);
    }
    let first = match &arguments.since {
        Some(day) => day.clone(),
        None => day_of(now_seconds() - DAYS_BACK * DAY_SECONDS),
    };
    let api = Api::with_key(settings, &arguments.access)?;
    // The newest day first: one asks for what one has just sent.
    for day in days_since(&first)?.iter().rev() {
        let (files, _) = day::files_of(&api, day)?;
        let mut paths = files.iter().filter(|known| known["file_id"] == file).map(|known| &known["status_path"]);
        if let Some(path) = paths.find_map(Value::as_str) {
            return Ok(path.to_owned());
        }
    }
    let message = format!("No file {file} of this key was found since {first}. Say where to look: --since DAY.");
    Err(Problem::new(Exit::NotWell, "file_not_found", message))
}

/// What stands behind the endpoint in a status_path's address, or behind `#` in that of a file's page. The token of a page
/// elsewhere is not sent here.
fn path_within<'a>(file: &'a str, endpoint: &str) -> Result<&'a str, Problem> {
    let Some((base, path)) = file.split_once('#') else {
        return Ok(file.strip_prefix(endpoint).unwrap_or(file));
    };
    let of_this_machine = |url: &str| {
        let url = url.trim_end_matches('/');
        let rest = url.strip_prefix("http://localhost").filter(|rest| rest.is_empty() || rest.starts_with([':', '/']));
        rest.map_or_else(|| url.to_owned(), |rest| format!("http://127.0.0.1{rest}"))
    };
    if of_this_machine(base) == of_this_machine(endpoint) {
        return Ok(path);
    }
    let message = format!(
        "This is the address of a page at {}, and not at {endpoint}, which is configured. Name the other one by --profile or \
         --endpoint.",
        print::shown(base)
    );
    Err(Problem::usage("page_elsewhere", message))
}

fn list_since(since: &str, api: &Api, as_json: bool) -> Result<Exit, Problem> {
    let mut files = Vec::new();
    let mut truncated = false;
    for day in days_since(since)? {
        let (of_day, more) = day::files_of(api, &day)?;
        files.extend(of_day);
        truncated |= more;
    }
    let worst = files.iter().map(|file| exit_of(file["status"].as_str().unwrap_or_default())).max();
    if as_json {
        print::json(&json!({"since": since, "files": files, "files_truncated": truncated}))?;
    } else {
        day::print_files(&files)?;
        if truncated {
            print::line("There are more files than a day's list holds.")?;
        }
    }
    Ok(worst.unwrap_or(Exit::Well))
}

fn now_seconds() -> i64 {
    Timestamp::from_unix_milliseconds(now_ms()).unix_seconds()
}

fn day_of(unix_seconds: i64) -> String {
    Timestamp::from_unix(unix_seconds, 0).map(Timestamp::day).unwrap_or_default()
}

/// Today by this machine's clock, in UTC.
pub(crate) fn today() -> String {
    day_of(now_seconds())
}

/// The days from `first` to today.
pub(crate) fn days_since(first: &str) -> Result<Vec<String>, Problem> {
    let start = start_of(first)?;
    let days: Vec<String> = (0..=DAYS_MAX as i64)
        .map(|at| start + at * DAY_SECONDS)
        .take_while(|at| *at <= now_seconds())
        .map(day_of)
        .collect();
    if days.len() > DAYS_MAX {
        let message = format!("Each day is a request, and more than {DAYS_MAX} are too many; name a later day.");
        return Err(Problem::usage("days_too_many", message));
    }
    Ok(days)
}

/// The first second of a day.
pub(crate) fn start_of(day: &str) -> Result<i64, Problem> {
    let start = Timestamp::parse(format!("{day}T00:00:00Z").as_bytes());
    start.map(Timestamp::unix_seconds).map_err(|_| {
        let day = print::shown(day);
        Problem::usage("day_malformed", format!("{day:?} is no day. Write it as 2026-01-15, which is meant in UTC."))
    })
}
