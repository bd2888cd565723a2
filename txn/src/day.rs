//! `txn day`: the files of a day, and what was expected and is missing.

use crate::api::Api;
use crate::calendar::{start_of, today};
use crate::cli::DayArguments;
use crate::print;
use crate::problem::{Exit, Problem};
use crate::received::{fetch_day, print_files};
use crate::settings::Settings;
use serde_json::Value;

pub(crate) fn run(arguments: &DayArguments, settings: &Settings, as_json: bool) -> Result<Exit, Problem> {
    let api = Api::with_key(settings, &arguments.access)?;
    let day = arguments.day.clone().unwrap_or_else(today);
    start_of(&day)?;
    let found = fetch_day(&api, &day, arguments.partner.as_deref())?;
    let is_over = day < today();
    if as_json {
        print::json(&found)?;
    } else {
        print_day(&found, is_over)?;
    }
    let partners = found["partners"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_above_zero = |partner: &Value, name: &str| partner[name].as_u64().unwrap_or_default() > 0;
    // A file can arrive until the end of the day.
    let failures: &[&str] = if is_over { &["missing", "rejected", "failed"] } else { &["rejected", "failed"] };
    let has_failures = |partner: &Value| failures.iter().any(|name| is_above_zero(partner, name));
    Ok(if partners.iter().any(has_failures) { Exit::Failure } else { Exit::Success })
}

fn print_day(found: &Value, is_over: bool) -> Result<(), Problem> {
    const HEADINGS: [&str; 13] = [
        "partner",
        "received",
        "completed",
        "rejected",
        "failed",
        "in progress",
        "awaited",
        "expired",
        "records",
        "superseded",
        "expected",
        "missing",
        "totals",
    ];
    const COUNTS: [&str; 11] = [
        "received",
        "completed",
        "rejected",
        "failed",
        "in_progress",
        "awaiting_upload",
        "upload_expired",
        "rows",
        "rows_superseded",
        "expected",
        "missing",
    ];
    let partners = found["partners"].as_array().map(Vec::as_slice).unwrap_or_default();
    print::line(format!("{} (UTC)", print::sanitized(found["day"].as_str().unwrap_or_default())))?;
    if partners.is_empty() {
        return print::line("No file was received, and none was expected.");
    }
    let row = |partner: &Value| {
        let name = print::sanitized(partner["partner"].as_str().unwrap_or_default());
        let counts = COUNTS.map(|count| partner[count].as_u64().map_or("-".to_owned(), |count| count.to_string()));
        [name].into_iter().chain(counts).chain([print::totals_of(&partner["totals"])]).collect::<Vec<_>>()
    };
    let rows: Vec<Vec<String>> = partners.iter().map(row).collect();
    print::table(&HEADINGS, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], &rows)?;
    for partner in partners {
        let missing = partner["missing"].as_u64().unwrap_or_default();
        if missing > 0 {
            let name = print::sanitized(partner["partner"].as_str().unwrap_or_default());
            let files = if missing == 1 { "1 expected file".to_owned() } else { format!("{missing} expected files") };
            let how = match (is_over, missing) {
                (true, 1) => "was not received",
                (true, _) => "were not received",
                (false, 1) => "has not been received yet",
                (false, _) => "have not been received yet",
            };
            print::line(format!("{files} of {name} {how}."))?;
        }
    }
    match found["files"].as_array().filter(|files| !files.is_empty()) {
        Some(files) => {
            print::line("")?;
            print_files(files)?;
            if found["files_truncated"] == true { print::line("There are more files than are listed.") } else { Ok(()) }
        }
        None => Ok(()),
    }
}
