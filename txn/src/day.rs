//! `txn day`: what came on a day, and what was expected and did not come.

use crate::api::{Api, expect_ok};
use crate::cli::DayArguments;
use crate::print;
use crate::problem::{Exit, Problem};
use crate::settings::Settings;
use crate::status::{start_of, today};
use serde_json::Value;

pub(crate) fn run(arguments: &DayArguments, settings: &Settings, as_json: bool) -> Result<Exit, Problem> {
    let api = Api::with_key(settings, &arguments.access)?;
    let day = arguments.day.clone().unwrap_or_else(today);
    start_of(&day)?;
    let found = of(&api, &day, arguments.partner.as_deref())?;
    let is_over = day < today();
    if as_json {
        print::json(&found)?;
    } else {
        print_day(&found, is_over)?;
    }
    let partners = found["partners"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_above_zero = |partner: &Value, name: &str| partner[name].as_u64().unwrap_or_default() > 0;
    // What has not come yet may still come.
    let faults: &[&str] = if is_over { &["missing", "rejected", "failed"] } else { &["rejected", "failed"] };
    let not_well = |partner: &Value| faults.iter().any(|name| is_above_zero(partner, name));
    Ok(if partners.iter().any(not_well) { Exit::NotWell } else { Exit::Well })
}

/// A day as the API tells it.
pub(crate) fn of(api: &Api, day: &str, partner: Option<&str>) -> Result<Value, Problem> {
    let query = match partner {
        Some(name) if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') => {
            format!("?partner={name}")
        }
        Some(_) => {
            return Err(Problem::usage("partner_malformed", "A partner's name has small letters, digits and hyphens."));
        }
        None => String::new(),
    };
    expect_ok(&api.get(&format!("/days/{day}{query}"))?)
}

/// The files of a day, and whether there are more than its lists hold.
pub(crate) fn files_of(api: &Api, day: &str) -> Result<(Vec<Value>, bool), Problem> {
    let found = of(api, day, None)?;
    let list = |found: &Value| found["files"].as_array().cloned().unwrap_or_default();
    let mut files = list(&found);
    let mut truncated = found["files_truncated"] == true;
    if found["files"].is_array() {
        return Ok((files, truncated));
    }
    // An operator's key sees all partners, and the list of none.
    for partner in found["partners"].as_array().into_iter().flatten().filter_map(|one| one["partner"].as_str()) {
        let of_partner = of(api, day, Some(partner))?;
        truncated |= of_partner["files_truncated"] == true;
        files.extend(list(&of_partner));
    }
    Ok((files, truncated))
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
    print::line(format!("{} (UTC)", print::shown(found["day"].as_str().unwrap_or_default())))?;
    if partners.is_empty() {
        return print::line("No file came, and none was expected.");
    }
    let row = |partner: &Value| {
        let name = print::shown(partner["partner"].as_str().unwrap_or_default());
        let counts = COUNTS.map(|count| partner[count].as_u64().map_or("-".to_owned(), |count| count.to_string()));
        [name].into_iter().chain(counts).chain([print::totals_of(&partner["totals"])]).collect::<Vec<_>>()
    };
    let rows: Vec<Vec<String>> = partners.iter().map(row).collect();
    print::table(&HEADINGS, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], &rows)?;
    for partner in partners {
        let missing = partner["missing"].as_u64().unwrap_or_default();
        if missing > 0 {
            let name = print::shown(partner["partner"].as_str().unwrap_or_default());
            let files = if missing == 1 { "1 expected file".to_owned() } else { format!("{missing} expected files") };
            let how = match (is_over, missing) {
                (true, _) => "did not come",
                (false, 1) => "has not come yet",
                (false, _) => "have not come yet",
            };
            print::line(format!("{files} of {name} {how}."))?;
        }
    }
    match found["files"].as_array().filter(|files| !files.is_empty()) {
        Some(files) => {
            print::line("")?;
            print_files(files)?;
            if found["files_truncated"] == true {
                print::line("There are more files than this list holds.")
            } else {
                Ok(())
            }
        }
        None => Ok(()),
    }
}

/// A list of files, in order of arrival.
pub(crate) fn print_files(files: &[Value]) -> Result<(), Problem> {
    let row = |file: &Value| {
        let text = |name: &str| print::shown(file[name].as_str().unwrap_or("-"));
        let number = |name: &str| file[name].as_u64().map_or("-".to_owned(), |number| number.to_string());
        vec![
            text("received_at"),
            text("partner"),
            text("file_id"),
            text("status"),
            number("row_count"),
            number("error_count"),
            number("rows_superseded"),
            number("rows_replaced"),
            print::totals_of(&file["totals"]),
        ]
    };
    let rows: Vec<Vec<String>> = files.iter().map(row).collect();
    const HEADINGS: [&str; 9] =
        ["received", "partner", "file_id", "status", "records", "errors", "superseded", "replaced", "totals"];
    print::table(&HEADINGS, &[4, 5, 6, 7], &rows)
}
