//! A file's history and summary, from its status page.

use crate::print;
use crate::problem::Problem;
use serde_json::Value;

/// Prints the entries of a file's history as they appear.
#[derive(Debug, Default)]
pub(crate) struct Timeline {
    shown: usize,
}

impl Timeline {
    /// Prints the entries that no earlier page had.
    pub(crate) fn show(&mut self, page: &Value) -> Result<(), Problem> {
        let entries = page["history"].as_array().map(Vec::as_slice).unwrap_or_default();
        for entry in entries.iter().skip(self.shown) {
            let text = |name: &str| print::sanitized(entry[name].as_str().unwrap_or_default());
            let attempt = entry["attempt"].as_u64().filter(|attempt| *attempt > 1);
            let attempt = attempt.map(|attempt| format!(" (attempt {attempt})")).unwrap_or_default();
            print::line(format!("  {}  {:<19}  {}{attempt}", text("at"), text("status"), text("message")))?;
        }
        self.shown = entries.len().max(self.shown);
        Ok(())
    }
}

/// The summary of a status page.
pub(crate) fn summary(page: &Value) -> String {
    let text = |name: &str| print::sanitized(page[name].as_str().unwrap_or_default());
    let number = |name: &str| page[name].as_u64().unwrap_or_default();
    let mut lines = vec![format!("{}: {}", text("file_id"), text("status"))];
    if page["row_count"].is_u64() {
        lines.push(format!("  records     {}", number("row_count")));
    }
    let totals = print::totals_of(&page["totals"]);
    if !totals.is_empty() {
        lines.push(format!("  totals      {totals}"));
    }
    if page["rows_stored"].is_u64() {
        lines.push(format!(
            "  rows        stored {}, already there {}, superseded by a later file {}",
            number("rows_stored"),
            number("rows_unchanged"),
            number("rows_superseded")
        ));
    }
    lines.extend(replaced(page));
    let later: Vec<_> = page["superseded_by"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if !later.is_empty() {
        lines.push(format!("  replaced by {}", print::sanitized(&later.join(", "))));
    }
    if number("error_count") > 0 {
        lines.push(format!("  errors      {}", number("error_count")));
    }
    if page["report_url"].is_string() {
        lines.push(format!("  report      {}", text("report_url")));
    }
    if let Some(expires_at) = page["upload"]["expires_at"].as_str() {
        lines.push(format!("  upload      not received; its URL expires at {}", print::sanitized(expires_at)));
    }
    lines.join("\n")
}

/// The rows of other files that a file replaced, by file, and its own rows that were replaced later.
fn replaced(page: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    let files = page["replaced_files"].as_array().map(Vec::as_slice).unwrap_or_default();
    let listed: u64 = files.iter().filter_map(|file| file["rows"].as_u64()).sum();
    let rows = page["rows_replaced"].as_u64().unwrap_or_default();
    if rows > 0 {
        let noun = |count: u64, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
        // Only the first files are listed.
        let of =
            if listed == rows { noun(files.len() as u64, "earlier file") } else { "earlier files, first:".to_owned() };
        lines.push(format!("  replaced    {} of {of}", noun(rows, "row")));
    }
    for file in files {
        let file_id = print::sanitized(file["file_id"].as_str().unwrap_or_default());
        lines.push(format!("    {file_id}  {}", file["rows"].as_u64().unwrap_or_default()));
    }
    let since = page["rows_replaced_since"].as_u64().unwrap_or_default();
    if since > 0 {
        lines.push(format!("  replaced since by later files {since}"));
    }
    lines
}
