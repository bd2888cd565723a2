//! The imports, each with a check that every row was written once.

use crate::file::File;
use crate::gate::Throttling;
use crate::subject::{Import, Stage};
use serde_json::Value;
use std::error::Error;
use std::fs;
use std::time::Duration;
use stubs::CpuLimit;

/// The transformer's limit of writes in flight, `CALLS_IN_FLIGHT_MAX`.
pub(crate) const CALLS_IN_FLIGHT_MAX: u64 = 64;

/// A table, and a file to import into it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario {
    /// Its description.
    pub(crate) name: &'static str,
    /// The latency of the table.
    pub(crate) latency_milliseconds: u64,
    /// Its throttling.
    pub(crate) throttling: Throttling,
    /// The number of rows in the file.
    pub(crate) rows: u32,
    /// The length of its merchants.
    pub(crate) merchant_bytes: usize,
}

/// A measured import.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    /// The table and the file.
    pub(crate) scenario: Scenario,
    /// The share of a core.
    pub(crate) percent: u32,
    /// Whether the peer imported it.
    pub(crate) is_python: bool,
    /// Its rows.
    pub(crate) rows: u32,
    /// What it used.
    pub(crate) import: Import,
    /// The number of throttled writes.
    pub(crate) throttled: u64,
    /// The measured latency of the table.
    pub(crate) latency: Duration,
}

impl Scenario {
    /// The most rows a second that one function can write to such a table with this latency.
    pub(crate) fn bound(&self, latency: Duration) -> u64 {
        let microseconds = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        let most = CALLS_IN_FLIGHT_MAX * 1_000_000 / microseconds.max(1);
        match self.throttling {
            Throttling::Cap(cap) => most.min(cap.into()),
            // A throttled write is in flight, too, and writes no row.
            Throttling::Thousandths(throttled) => most * (1000 - throttled) / 1000,
            Throttling::None => most,
        }
    }

    fn latency(&self) -> Duration {
        Duration::from_millis(self.latency_milliseconds)
    }

    /// Imports the file into an empty table with the built function.
    ///
    /// # Errors
    /// It failed, or the table differs from the file.
    pub(crate) fn run(self, stage: &Stage, limit: Option<&CpuLimit>, percent: u32) -> Result<Measured, Box<dyn Error>> {
        let function = stage.function(limit)?;
        stage.aws.empty();
        // The start of the process is not measured.
        let first = File { id: "0000000000000000000000000000000a", received_at_ms: 1, rows: 1, merchant_bytes: 0 };
        stage.aws.prepare(first.bytes(), Duration::ZERO, Throttling::None);
        function.import(&first.task(first.bytes().len() as u64))?;
        stage.aws.empty();

        let file = self.file(self.rows);
        let bytes = file.bytes();
        let task = file.task(bytes.len() as u64);
        stage.aws.prepare(bytes, self.latency(), self.throttling);
        let (import, response) = function.import(&task)?;
        function.end()?;
        expect(&response, [file.rows, 0, 0])?;
        check(stage, &file, None)?;
        let (written, throttled) = stage.aws.look(|table| (table.written, table.throttled));
        if written != u64::from(file.rows) {
            return Err(format!("{written} writes for {} rows", file.rows).into());
        }
        Ok(Measured {
            scenario: self,
            percent,
            is_python: false,
            rows: file.rows,
            import,
            throttled,
            latency: stage.aws.latency(),
        })
    }

    /// Imports a part of the file into an empty table with the peer.
    ///
    /// # Errors
    /// It failed, or lost rows.
    pub(crate) fn run_python(
        self,
        stage: &Stage,
        limit: Option<&CpuLimit>,
        percent: u32,
        rows: u32,
    ) -> Result<Measured, Box<dyn Error>> {
        let file = self.file(rows);
        let path = stage.trusted.with_file_name("import-bench-peer.csv");
        fs::write(&path, file.bytes())?;
        stage.aws.empty();
        stage.aws.prepare(Vec::new(), self.latency(), self.throttling);
        let import = stage.python(&path, limit)?;
        fs::remove_file(&path)?;
        let (found, throttled) = stage.aws.look(|table| (table.len(), table.throttled));
        if found != rows as usize {
            return Err(format!("{found} of the peer's {rows} rows are in the table").into());
        }
        Ok(Measured { scenario: self, percent, is_python: true, rows, import, throttled, latency: stage.aws.latency() })
    }

    fn file(&self, rows: u32) -> File {
        let id = "0000000000000000000000000000000b";
        File { id, received_at_ms: 1_768_480_496_123, rows, merchant_bytes: self.merchant_bytes }
    }
}

/// Imports three files with the same IDs, not in the order of their arrival, into a table that throttles.
///
/// # Errors
/// A row in effect is not of the last file, or does not name the file that it replaced.
pub(crate) fn later_file_wins(stage: &Stage) -> Result<u32, Box<dyn Error>> {
    let rows = 2_000;
    let file = |id, received_at_ms, rows| File { id, received_at_ms, rows, merchant_bytes: 0 };
    let second = file("0000000000000000000000000000000b", 2_000, rows);
    let first = file("0000000000000000000000000000000a", 1_000, rows);
    let third = file("0000000000000000000000000000000c", 3_000, rows / 2);
    stage.aws.empty();
    let function = stage.function(None)?;
    let import = |file: &File| {
        let bytes = file.bytes();
        let task = file.task(bytes.len() as u64);
        stage.aws.prepare(bytes, Duration::from_millis(6), Throttling::Thousandths(50));
        function.import(&task).map(|(_, response)| response)
    };
    expect(&import(&second)?, [rows, 0, 0])?;
    expect(&import(&first)?, [0, 0, rows])?;
    check(stage, &second, None)?;
    expect(&import(&third)?, [rows / 2, 0, 0])?;
    expect(&import(&third)?, [0, rows / 2, 0])?;
    function.end()?;
    check(stage, &third, Some(second.id))?;
    for number in rows / 2 + 1..=rows {
        check_row(stage, &second, number, None)?;
    }
    Ok(rows)
}

fn expect(response: &Value, [stored, unchanged, superseded]: [u32; 3]) -> Result<(), Box<dyn Error>> {
    let is_expected =
        response["stored"] == stored && response["unchanged"] == unchanged && response["superseded"] == superseded;
    if is_expected { Ok(()) } else { Err(format!("the function returned {response}").into()) }
}

/// Compares every row of the table with the file.
fn check(stage: &Stage, file: &File, replaces: Option<&str>) -> Result<(), Box<dyn Error>> {
    let found = stage.aws.look(|table| table.len());
    if found != file.rows as usize && replaces.is_none() {
        return Err(format!("the table has {found} rows, and the file has {}", file.rows).into());
    }
    (1..=file.rows).try_for_each(|number| check_row(stage, file, number, replaces))
}

fn check_row(stage: &Stage, file: &File, number: u32, replaces: Option<&str>) -> Result<(), Box<dyn Error>> {
    let expected = file.item(number, replaces);
    let found = stage.aws.look(|table| table.item(&file.transaction_id(number)));
    if found.as_ref() == Some(&expected) {
        return Ok(());
    }
    Err(format!("row {number} is {found:?}, and should be {expected}").into())
}
