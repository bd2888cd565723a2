//! The result of a check of a file, here or by the API.

use crate::check::Checked;
use crate::excerpt::ErrorRenderer;
use crate::finding::Finding;
use crate::print;
use crate::problem::Problem;
use crate::source::Source;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The result of a check.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) rows: u64,
    pub(crate) error_count: u64,
    pub(crate) errors_by_code: BTreeMap<String, u64>,
    /// The first errors.
    pub(crate) findings: Vec<Finding>,
    /// The totals of a valid file, by currency.
    pub(crate) totals: BTreeMap<String, String>,
}

impl From<Checked> for Verdict {
    fn from(checked: Checked) -> Self {
        let report = checked.report;
        let counts = report.errors_by_code.iter().map(|(code, count)| (code.as_str().to_owned(), *count)).collect();
        Self {
            rows: report.rows.into(),
            error_count: report.error_count,
            errors_by_code: counts,
            findings: checked.findings,
            totals: if report.is_valid() { report.totals.to_texts() } else { BTreeMap::new() },
        }
    }
}

impl Verdict {
    /// The result in a response `invalid_csv`, with at most `errors_max` of its errors.
    pub(crate) fn of_rejection(response: &Value, errors_max: usize) -> Self {
        let counts = response["errors_by_code"].as_object().into_iter().flatten();
        let errors = response["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        Self {
            rows: response["row_count"].as_u64().unwrap_or_default(),
            error_count: response["error_count"].as_u64().unwrap_or_default(),
            errors_by_code: counts.map(|(code, count)| (code.clone(), count.as_u64().unwrap_or_default())).collect(),
            findings: errors.iter().take(errors_max).map(Finding::from_json).collect(),
            totals: BTreeMap::new(),
        }
    }

    pub(crate) fn is_valid(&self) -> bool {
        self.error_count == 0
    }

    /// The result as text: each error in its line, then a summary.
    pub(crate) fn to_text(&self, source: &Source, renderer: &ErrorRenderer) -> Result<String, Problem> {
        let mut text = String::new();
        for finding in &self.findings {
            text.push_str(&renderer.render(finding, source).map_err(|error| source.unreadable(&error))?);
            text.push_str("\n\n");
        }
        text.push_str(&self.summary(&source.name));
        Ok(text)
    }

    fn summary(&self, name: &str) -> String {
        if self.is_valid() {
            return format!("{name}: valid. Records: {}. Totals: {}", self.rows, print::totals(self.totals.clone()));
        }
        let mut text = format!("{name}: rejected. Records: {}. Errors: {}", self.rows, self.error_count);
        if (self.findings.len() as u64) < self.error_count {
            // Writing to a String cannot fail.
            let _ = write!(text, ", of which {} are shown; --max-errors shows more", self.findings.len());
        }
        for (code, count) in &self.errors_by_code {
            let _ = write!(text, "\n  {count:>7}  {code}");
        }
        // The result of another file may follow.
        text.push('\n');
        text
    }

    /// The result as JSON.
    pub(crate) fn to_json(&self, name: &str) -> Value {
        let counts: Map<String, Value> =
            self.errors_by_code.iter().map(|(code, count)| (code.clone(), (*count).into())).collect();
        json!({
            "file": name,
            "valid": self.is_valid(),
            "row_count": self.rows,
            "totals": self.totals,
            "error_count": self.error_count,
            "errors_by_code": counts,
            "truncated": (self.findings.len() as u64) < self.error_count,
            "errors": self.findings,
        })
    }
}
