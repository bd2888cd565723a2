//! The files that the API received on a day.

use crate::api::{Api, expect_ok};
use crate::print;
use crate::problem::Problem;
use serde_json::Value;

/// A day, as the API returns it.
pub(crate) fn fetch_day(api: &Api, day: &str, partner: Option<&str>) -> Result<Value, Problem> {
    let query = match partner {
        Some(name) if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') => {
            format!("?partner={name}")
        }
        Some(_) => {
            return Err(Problem::usage(
                "partner_malformed",
                "A partner's name has lowercase letters, digits and hyphens.",
            ));
        }
        None => String::new(),
    };
    expect_ok(&api.get(&format!("/days/{day}{query}"))?)
}

/// The files of a day, and whether the day has more than are listed.
pub(crate) fn fetch_files(api: &Api, day: &str) -> Result<(Vec<Value>, bool), Problem> {
    let found = fetch_day(api, day, None)?;
    let list = |found: &Value| found["files"].as_array().cloned().unwrap_or_default();
    let mut files = list(&found);
    let mut truncated = found["files_truncated"] == true;
    if found["files"].is_array() {
        return Ok((files, truncated));
    }
    // With an operator's key, the day has all partners and no files. Each partner's day has its files.
    for partner in found["partners"].as_array().into_iter().flatten().filter_map(|one| one["partner"].as_str()) {
        let of_partner = fetch_day(api, day, Some(partner))?;
        truncated |= of_partner["files_truncated"] == true;
        files.extend(list(&of_partner));
    }
    Ok((files, truncated))
}

/// Prints a table of files, in order of arrival.
pub(crate) fn print_files(files: &[Value]) -> Result<(), Problem> {
    let row = |file: &Value| {
        let text = |name: &str| print::sanitized(file[name].as_str().unwrap_or("-"));
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
