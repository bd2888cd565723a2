//! The results of a part of the benchmark, in the format of `python3 -m bench`.

use crate::in_repository;
use serde_json::{Value, json};
use std::fs;
use std::io;

/// The results of one part.
#[derive(Debug)]
pub struct Results {
    /// Its name, which is also that of its file.
    pub part: &'static str,
    /// What it measures.
    pub title: &'static str,
    /// The headings of its table.
    pub columns: Value,
    /// The rows of its table, as texts.
    pub rows: Vec<Value>,
    /// The bounds, made by [`bound`].
    pub bounds: Vec<Value>,
    /// Sentences below the table.
    pub notes: Vec<String>,
    /// The figures as numbers.
    pub data: Value,
}

/// A bound: its name, the required and the measured value, and whether it holds.
#[must_use]
pub fn bound(what: String, required: String, measured: String, holds: bool) -> Value {
    json!({ "what": what, "bound": required, "measured": measured, "holds": holds })
}

impl Results {
    /// Writes `target/bench/{part}.json` and prints exceeded bounds. Returns whether all bounds hold.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self) -> io::Result<bool> {
        let Self { part, title, columns, rows, bounds, notes, data } = self;
        let result = json!({
            "part": part, "title": title, "columns": columns, "rows": rows, "bounds": bounds, "notes": notes, "data": data,
        });
        fs::create_dir_all(in_repository("target/bench"))?;
        fs::write(in_repository(&format!("target/bench/{part}.json")), format!("{result:#}\n"))?;
        let exceeded: Vec<&Value> = bounds.iter().filter(|bound| bound["holds"] == false).collect();
        for bound in &exceeded {
            eprintln!("BOUND EXCEEDED: {bound}");
        }
        Ok(exceeded.is_empty())
    }
}
