//! The table of the measurements, and their bounds.

use crate::file::Content;
use crate::function::Used;
use serde_json::{Value, json};
use std::error::Error;
use stubs::results::bound;
use stubs::{Results, share};

/// The limits of the function on Lambda, and of the state of the workflow that waits for it.
const SECONDS_MAX: u128 = 60;
const MEMORY_MEGABYTES_MAX: u64 = 512;

const COLUMNS: [&str; 8] = ["file", "MiB", "rows", "core", "sent at", "seconds", "CPU seconds", "peak memory MB"];

/// One validation.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) content: Content,
    pub(crate) bytes: u64,
    pub(crate) rows: u32,
    pub(crate) percent: u32,
    pub(crate) bytes_a_second: Option<u64>,
    pub(crate) used: Used,
}

impl Row {
    fn cells(&self) -> [String; 8] {
        [
            self.content.in_words().to_owned(),
            (self.bytes / 1024 / 1024).to_string(),
            self.rows.to_string(),
            share(self.percent),
            self.bytes_a_second.map_or("full speed".to_owned(), |pace| format!("{} MB/s", pace / 1_000_000)),
            tenths(self.used.time.as_millis()),
            tenths(self.used.cpu.as_millis()),
            self.memory_megabytes().to_string(),
        ]
    }

    fn memory_megabytes(&self) -> u64 {
        self.used.memory_kilobytes_max.div_ceil(1024)
    }

    fn bounds(&self) -> [Value; 2] {
        let what = format!(
            "{} MiB, {}, at {} of a core",
            self.bytes / 1024 / 1024,
            self.content.in_words(),
            share(self.percent)
        );
        let (time, memory) = (self.used.time.as_millis(), self.memory_megabytes());
        [
            bound(
                format!("{what}: seconds from event to response"),
                format!("< {SECONDS_MAX}"),
                tenths(time),
                time < SECONDS_MAX * 1000,
            ),
            bound(
                format!("{what}: peak memory in MB"),
                format!("< {MEMORY_MEGABYTES_MAX}"),
                memory.to_string(),
                memory < MEMORY_MEGABYTES_MAX,
            ),
        ]
    }

    fn data(&self) -> Value {
        json!({
            "content": self.content.in_words(),
            "bytes": self.bytes,
            "rows": self.rows,
            "core_percent": self.percent,
            "bytes_a_second": self.bytes_a_second,
            "milliseconds": u64::try_from(self.used.time.as_millis()).unwrap_or(u64::MAX),
            "cpu_milliseconds": u64::try_from(self.used.cpu.as_millis()).unwrap_or(u64::MAX),
            "memory_kilobytes_max": self.used.memory_kilobytes_max,
        })
    }
}

/// Writes `target/bench/large-file.json` and prints exceeded bounds. Returns whether all bounds hold.
///
/// # Errors
/// The file cannot be written.
pub(crate) fn write(rows: &[Row], mut notes: Vec<String>) -> Result<bool, Box<dyn Error>> {
    notes.push(
        "The validation step of the built csv-validator, from event to response. The bucket is a stub on this machine that \
         sends the file over TLS; S3 sends about 70 MB/s to a function of 512 MB, so that 1 GiB takes at least 15 s. A \
         file with errors is read a second time."
            .to_owned(),
    );
    let bounds: Vec<Value> = rows.iter().filter(|row| row.percent < 100).flat_map(Row::bounds).collect();
    for row in rows {
        eprintln!("{}", row.cells().join(" | "));
    }
    let results = Results {
        part: "large-file",
        title: "The largest file: validation within the function's time and memory",
        columns: json!(COLUMNS),
        rows: rows.iter().map(|row| json!(row.cells())).collect(),
        bounds,
        notes,
        data: json!(rows.iter().map(Row::data).collect::<Vec<_>>()),
    };
    Ok(results.write()?)
}

/// Seconds with one decimal.
fn tenths(milliseconds: u128) -> String {
    let tenths = (milliseconds + 50) / 100;
    format!("{}.{}", tenths / 10, tenths % 10)
}
