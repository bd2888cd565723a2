//! `txn status`: the status of a file, or the files since a day.

use crate::api::{Api, Until, exit_of, expect_ok};
use crate::calendar::{DAY_SECONDS, day_of, now_seconds, start_of};
use crate::cli::StatusArguments;
use crate::history;
use crate::print;
use crate::problem::{Exit, Problem};
use crate::received::{fetch_files, print_files};
use crate::settings::Settings;
use crate::timeline::{Timeline, summary};
use domain::FileId;
use serde_json::{Value, json};
use std::time::Duration;

/// How many days back a file is searched without `--since`.
const DAYS_BACK: i64 = 7;
/// The maximum number of days of a command. Each is a request, and a key has a daily quota.
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

/// The status_path of the file: given as such, remembered from an upload, or found on a recent day.
fn status_path_of(file: &str, arguments: &StatusArguments, settings: &Settings) -> Result<String, Problem> {
    let endpoint = settings.endpoint(&arguments.access)?;
    let path = path_within(file, &endpoint)?;
    if path.starts_with("/files/") && path.contains("?token=") {
        return Ok(path.to_owned());
    }
    if FileId::parse(file).is_none() {
        return Err(Problem::usage(
            "file_id_malformed",
            "Name a file by its file_id (32 hexadecimal digits), its status_path, or the URL of its page.",
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
    // The newest day first: the file was probably sent recently.
    for day in days_since(&first)?.iter().rev() {
        let (files, _) = fetch_files(&api, day)?;
        let mut paths = files.iter().filter(|known| known["file_id"] == file).map(|known| &known["status_path"]);
        if let Some(path) = paths.find_map(Value::as_str) {
            return Ok(path.to_owned());
        }
    }
    let message = format!("No file {file} of this key was found since {first}. Search earlier days with --since DAY.");
    Err(Problem::new(Exit::Failure, "file_not_found", message))
}

/// The path after the endpoint in a URL, or after `#` in the URL of a file's page. The token of a page at another endpoint is
/// not sent to this one.
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
        "The page is at {}, but {endpoint} is configured. Choose the endpoint of the page with --profile or --endpoint.",
        print::sanitized(base)
    );
    Err(Problem::usage("page_elsewhere", message))
}

fn list_since(since: &str, api: &Api, as_json: bool) -> Result<Exit, Problem> {
    let mut files = Vec::new();
    let mut truncated = false;
    for day in days_since(since)? {
        let (of_day, more) = fetch_files(api, &day)?;
        files.extend(of_day);
        truncated |= more;
    }
    let worst = files.iter().map(|file| exit_of(file["status"].as_str().unwrap_or_default())).max();
    if as_json {
        print::json(&json!({"since": since, "files": files, "files_truncated": truncated}))?;
    } else {
        print_files(&files)?;
        if truncated {
            print::line("There are more files than are listed.")?;
        }
    }
    Ok(worst.unwrap_or(Exit::Success))
}

/// The days from `first` to today.
fn days_since(first: &str) -> Result<Vec<String>, Problem> {
    let start = start_of(first)?;
    let days: Vec<String> = (0..=DAYS_MAX as i64)
        .map(|at| start + at * DAY_SECONDS)
        .take_while(|at| *at <= now_seconds())
        .map(day_of)
        .collect();
    if days.len() > DAYS_MAX {
        let message = format!("At most {DAYS_MAX} days can be listed, since each is a request; name a later day.");
        return Err(Problem::usage("days_too_many", message));
    }
    Ok(days)
}
