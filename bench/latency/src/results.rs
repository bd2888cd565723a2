//! The table of the measurements, and their bounds.

use crate::aws::{BUCKET_MILLISECONDS, TABLE_MILLISECONDS};
use crate::function::Used;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;
use stubs::results::bound;
use stubs::{Results, share};

/// The documented limit, at the share of a core that the function has.
const RESPONSE_MICROSECONDS_MAX: u128 = 1_000_000;

/// The calls of each upload, which the cost model uses.
const CALLS: &str = include_str!("../../calls.json");

/// The measurements of one file with one limit.
#[derive(Debug)]
pub(crate) struct Row {
    /// The size of the file as text.
    pub(crate) name: &'static str,
    /// Its data records.
    pub(crate) rows: usize,
    /// The share of a core.
    pub(crate) percent: u32,
    /// The time from event to response of each upload.
    pub(crate) times: Vec<Duration>,
    /// The time from the start of the process to its first response, for each start.
    pub(crate) starts: Vec<Duration>,
    /// The calls of all uploads in `times`.
    pub(crate) calls: BTreeMap<String, u64>,
    /// The size of the file's item in the status table after an upload.
    pub(crate) item_bytes: u64,
    /// What the process of `times` used, which processed one more upload.
    pub(crate) used: Used,
}

impl Row {
    fn cells(&self) -> [String; 10] {
        let runs = self.times.len();
        let cpu = self.used.cpu.as_micros() / (runs as u128 + 1);
        [
            self.name.to_owned(),
            share(self.percent),
            runs.to_string(),
            milliseconds(percentile(&self.times, 50)),
            milliseconds(percentile(&self.times, 99)),
            milliseconds(percentile(&self.times, 100)),
            milliseconds(percentile(&self.starts, 50)),
            milliseconds(percentile(&self.starts, 100)),
            milliseconds(cpu),
            (self.used.memory_kilobytes_max / 1024).to_string(),
        ]
    }

    fn bounds(&self) -> Vec<Value> {
        let in_time = |what: String, microseconds: u128| {
            let required = format!("< {} ms", milliseconds(RESPONSE_MICROSECONDS_MAX));
            let measured = format!("{} ms", milliseconds(microseconds));
            bound(what, required, measured, microseconds < RESPONSE_MICROSECONDS_MAX)
        };
        let at = format!("{} at {} of a core", self.name, share(self.percent));
        vec![
            self.calls_bound(&at),
            in_time(format!("{at}: p99 of {} uploads", self.times.len()), percentile(&self.times, 99)),
            in_time(
                format!("{at}: slowest of {} first responses, including the start", self.starts.len()),
                percentile(&self.starts, 100),
            ),
        ]
    }

    fn calls_bound(&self, at: &str) -> Value {
        let expected: Value = serde_json::from_str(CALLS).unwrap_or_default();
        let (expected, measured) = (&expected["upload"], json!(self.calls_an_upload()));
        let holds = *expected == measured;
        bound(format!("{at}: calls an upload"), expected.to_string(), measured.to_string(), holds)
    }

    /// How often each call is made for an upload. Uploads that make different calls are shown, not averaged.
    fn calls_an_upload(&self) -> BTreeMap<&String, Value> {
        let runs = self.times.len() as u64;
        let each = |count: &u64| {
            if count.is_multiple_of(runs) { json!(count / runs) } else { json!(format!("{count} in {runs}")) }
        };
        self.calls.iter().map(|(name, count)| (name, each(count))).collect()
    }

    fn data(&self) -> Value {
        let runs = self.times.len() as u64;
        json!({
            "file": self.name,
            "rows": self.rows,
            "core_percent": self.percent,
            "runs": runs,
            "p50_microseconds": number(percentile(&self.times, 50)),
            "p99_microseconds": number(percentile(&self.times, 99)),
            "first_p50_microseconds": number(percentile(&self.starts, 50)),
            "cpu_microseconds": number(self.used.cpu.as_micros() / u128::from(runs + 1)),
            "memory_kilobytes_max": self.used.memory_kilobytes_max,
            "status_item_bytes": self.item_bytes,
            "log_bytes": self.used.log_bytes as u64 / (runs + 1),
            "calls": self.calls_an_upload(),
        })
    }
}

const COLUMNS: [&str; 10] = [
    "file",
    "core",
    "uploads",
    "p50 ms",
    "p99 ms",
    "slowest ms",
    "first response after start, p50 ms",
    "slowest ms",
    "CPU ms an upload",
    "peak memory MB",
];

/// Writes `target/bench/latency.json` and prints exceeded bounds. Returns whether all bounds hold.
///
/// # Errors
/// The file cannot be written.
pub(crate) fn write(rows: &[Row], mut notes: Vec<String>) -> Result<bool, Box<dyn Error>> {
    notes.push(format!(
        "The function's own time, from the delivery of the event to the last byte of its response; the bucket responds after \
         {BUCKET_MILLISECONDS} ms, the table after {TABLE_MILLISECONDS} ms, both over TLS. Every upload is a new file."
    ));
    let bounds: Vec<Value> = rows.iter().filter(|row| row.percent < 100).flat_map(Row::bounds).collect();
    for row in rows {
        eprintln!("{}", row.cells().join(" | "));
    }
    let results = Results {
        part: "latency",
        title: "Upload latency: from event to response",
        columns: json!(COLUMNS),
        rows: rows.iter().map(|row| json!(row.cells())).collect(),
        bounds,
        notes,
        data: json!(rows.iter().map(Row::data).collect::<Vec<_>>()),
    };
    Ok(results.write()?)
}

/// The smallest time that at least `percent` of all do not exceed, in microseconds; 0 without times.
fn percentile(times: &[Duration], percent: usize) -> u128 {
    let mut sorted: Vec<u128> = times.iter().map(Duration::as_micros).collect();
    sorted.sort_unstable();
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

/// Milliseconds with one decimal.
fn milliseconds(microseconds: u128) -> String {
    let tenths = (microseconds + 50) / 100;
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// A JSON number; `serde_json` has none of 128 bits.
fn number(value: u128) -> Value {
    json!(u64::try_from(value).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(first_milliseconds: u64) -> Row {
        Row {
            name: "1 MB",
            rows: 9,
            percent: 29,
            times: (1..=200).map(Duration::from_millis).collect(),
            starts: vec![Duration::from_millis(first_milliseconds), Duration::from_millis(5)],
            calls: BTreeMap::from([("s3:PUT".to_owned(), 200), ("dynamodb:UpdateItem".to_owned(), 600)]),
            item_bytes: 900,
            used: Used::default(),
        }
    }

    #[test]
    fn percentiles_use_the_nearest_rank() {
        let times = row(1).times;
        let milliseconds = [50, 99, 100].map(|percent| percentile(&times, percent) / 1000);
        assert_eq!(milliseconds, [100, 198, 200]);
        assert_eq!(percentile(&[], 99), 0);
        assert_eq!((super::milliseconds(12_345), share(29)), ("12.3".to_owned(), "0.29".to_owned()));
    }

    #[test]
    fn a_bound_fails_at_one_second() {
        let holds = |row: Row| row.bounds().iter().all(|bound| bound["holds"] == true);
        assert!(holds(row(999)) && !holds(row(1000)));
        let mut slow = row(1);
        slow.times.splice(..3, [Duration::from_secs(1); 3]);
        assert!(!holds(slow));
    }

    #[test]
    fn reports_unexpected_calls() {
        let mut row = row(1);
        assert_eq!(row.calls_bound("").pointer("/holds"), Some(&json!(true)));
        row.calls.insert("dynamodb:GetItem".to_owned(), 200);
        assert_eq!(row.calls_bound("").pointer("/holds"), Some(&json!(false)));
        row.calls.insert("dynamodb:GetItem".to_owned(), 201);
        assert_eq!(row.calls_an_upload()[&"dynamodb:GetItem".to_owned()], "201 in 200");
    }
}
