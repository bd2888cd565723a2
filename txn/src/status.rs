//! `txn status`: what became of a file, or of the files since a day.

use crate::api::{Api, exit_of, expect_ok};
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
        api.follow(&status_path, Duration::from_secs(arguments.timeout), show)?
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
    let path = file.strip_prefix(&endpoint).unwrap_or(file);
    if path.starts_with("/files/") && path.contains("?token=") {
        return Ok(path.to_owned());
    }
    if FileId::parse(file).is_none() {
        return Err(Problem::usage(
            "file_id_malformed",
            "A file is named by its file_id, 32 hexadecimal digits, or by the status_path of an answer.",
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
        let found = day::of(&api, day, None)?;
        let files = found["files"].as_array().into_iter().flatten();
        if let Some(path) =
            files.filter(|known| known["file_id"] == file).find_map(|known| known["status_path"].as_str())
        {
            return Ok(path.to_owned());
        }
    }
    let message = format!("No file {file} of this key was found since {first}. Say where to look: --since DAY.");
    Err(Problem::new(Exit::NotWell, "file_not_found", message))
}

fn list_since(since: &str, api: &Api, as_json: bool) -> Result<Exit, Problem> {
    let mut files = Vec::new();
    let mut truncated = false;
    for day in days_since(since)? {
        let found = day::of(api, &day, None)?;
        truncated |= found["files_truncated"] == true;
        match &found["files"] {
            Value::Array(of_day) => files.extend(of_day.iter().cloned()),
            // An operator's key sees all partners, and the list of none.
            _ => {
                for partner in
                    found["partners"].as_array().into_iter().flatten().filter_map(|one| one["partner"].as_str())
                {
                    let of_partner = day::of(api, &day, Some(partner))?;
                    truncated |= of_partner["files_truncated"] == true;
                    files.extend(of_partner["files"].as_array().into_iter().flatten().cloned());
                }
            }
        }
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
