//! What a part of the benchmark came to, in the form that `python3 -m bench` reads.

use crate::in_repository;
use serde_json::{Value, json};
use std::fs;
use std::io;

/// The results of one part.
#[derive(Debug)]
pub struct Results {
    /// Its name, and that of its file.
    pub part: &'static str,
    /// What it measures, in words.
    pub title: &'static str,
    /// The heads of its table.
    pub columns: Value,
    /// The rows of its table, as texts.
    pub rows: Vec<Value>,
    /// What was asked for and what was measured, made by [`bound`].
    pub bounds: Vec<Value>,
    /// Sentences below the table.
    pub notes: Vec<String>,
    /// The figures as numbers.
    pub data: Value,
}

/// A bound: what it bounds, what was asked for, what was measured, and whether that holds.
#[must_use]
pub fn bound(what: String, asked_for: String, measured: String, holds: bool) -> Value {
    json!({ "what": what, "bound": asked_for, "measured": measured, "holds": holds })
}

impl Results {
    /// Writes `target/bench/{part}.json`, says what does not hold, and tells whether all does.
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
        let broken: Vec<&Value> = bounds.iter().filter(|bound| bound["holds"] == false).collect();
        for bound in &broken {
            eprintln!("NOT KEPT: {bound}");
        }
        Ok(broken.is_empty())
    }
}
