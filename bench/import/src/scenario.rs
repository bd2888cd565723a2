//! One import after the other, each proven to have written what it should, once.

use crate::file::File;
use crate::gate::Throttling;
use crate::subject::{Import, Stage};
use serde_json::Value;
use std::error::Error;
use std::fs;
use std::time::Duration;
use stubs::CpuLimit;

/// How many writes the function may have in flight; `CALLS_IN_FLIGHT_MAX` of the transformer.
pub(crate) const CALLS_IN_FLIGHT_MAX: u64 = 64;

/// A table, and a file to be imported into it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario {
    /// In words.
    pub(crate) name: &'static str,
    /// How late the table answers.
    pub(crate) latency_milliseconds: u64,
    /// What it refuses.
    pub(crate) throttling: Throttling,
    /// How many rows the file has.
    pub(crate) rows: u32,
    /// How long its merchants are.
    pub(crate) merchant_bytes: usize,
}

/// An import that was measured.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    /// What was imported into what.
    pub(crate) scenario: Scenario,
    /// The share of a core.
    pub(crate) percent: u32,
    /// Whether it was the peer.
    pub(crate) is_python: bool,
    /// Its rows.
    pub(crate) rows: u32,
    /// What it took.
    pub(crate) import: Import,
    /// How many writes were refused.
    pub(crate) throttled: u64,
    /// How late the table's answers were.
    pub(crate) latency: Duration,
}

impl Scenario {
    /// The most that such a table takes of one function if it answers after so long, in rows a second.
    pub(crate) fn bound(&self, latency: Duration) -> u64 {
        let microseconds = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        let most = CALLS_IN_FLIGHT_MAX * 1_000_000 / microseconds.max(1);
        match self.throttling {
            Throttling::Cap(cap) => most.min(cap.into()),
            // A refused write is one of those that are in flight, and writes no row.
            Throttling::Thousandths(refused) => most * (1000 - refused) / 1000,
            Throttling::None => most,
        }
    }

    fn latency(&self) -> Duration {
        Duration::from_millis(self.latency_milliseconds)
    }

    /// Has the built function import the file into an empty table.
    ///
    /// # Errors
    /// It failed, or what stands is not the file.
    pub(crate) fn run(self, stage: &Stage, limit: Option<&CpuLimit>, percent: u32) -> Result<Measured, Box<dyn Error>> {
        let function = stage.function(limit)?;
        stage.aws.empty();
        // A process that has just started is not what is measured here.
        let first = File { id: "0000000000000000000000000000000a", received_at_ms: 1, rows: 1, merchant_bytes: 0 };
        stage.aws.prepare(first.bytes(), Duration::ZERO, Throttling::None);
        function.import(&first.task(first.bytes().len() as u64))?;
        stage.aws.empty();

        let file = self.file(self.rows);
        let bytes = file.bytes();
        let task = file.task(bytes.len() as u64);
        stage.aws.prepare(bytes, self.latency(), self.throttling);
        let (import, answer) = function.import(&task)?;
        function.end()?;
        expect(&answer, [file.rows, 0, 0])?;
        prove(stage, &file, None)?;
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

    /// Has the peer import a part of the file into an empty table.
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
        let (stand, throttled) = stage.aws.look(|table| (table.len(), table.throttled));
        if stand != rows as usize {
            return Err(format!("{stand} of the peer's {rows} rows stand").into());
        }
        Ok(Measured { scenario: self, percent, is_python: true, rows, import, throttled, latency: stage.aws.latency() })
    }

    fn file(&self, rows: u32) -> File {
        let id = "0000000000000000000000000000000b";
        File { id, received_at_ms: 1_768_480_496_123, rows, merchant_bytes: self.merchant_bytes }
    }
}

/// Imports three files with the same ids, in an order that is not that of their arrival, into a table that throttles.
///
/// # Errors
/// A row stands that is not of the file that arrived last, or does not say whose it replaced.
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
        function.import(&task).map(|(_, answer)| answer)
    };
    expect(&import(&second)?, [rows, 0, 0])?;
    expect(&import(&first)?, [0, 0, rows])?;
    prove(stage, &second, None)?;
    expect(&import(&third)?, [rows / 2, 0, 0])?;
    expect(&import(&third)?, [0, rows / 2, 0])?;
    function.end()?;
    prove(stage, &third, Some(second.id))?;
    for number in rows / 2 + 1..=rows {
        prove_row(stage, &second, number, None)?;
    }
    Ok(rows)
}

fn expect(answer: &Value, [stored, unchanged, superseded]: [u32; 3]) -> Result<(), Box<dyn Error>> {
    let is_so = answer["stored"] == stored && answer["unchanged"] == unchanged && answer["superseded"] == superseded;
    if is_so { Ok(()) } else { Err(format!("the function answered {answer}").into()) }
}

/// Holds every row of the table against the file.
fn prove(stage: &Stage, file: &File, replaces: Option<&str>) -> Result<(), Box<dyn Error>> {
    let stand = stage.aws.look(|table| table.len());
    if stand != file.rows as usize && replaces.is_none() {
        return Err(format!("{stand} rows stand, and the file has {}", file.rows).into());
    }
    (1..=file.rows).try_for_each(|number| prove_row(stage, file, number, replaces))
}

fn prove_row(stage: &Stage, file: &File, number: u32, replaces: Option<&str>) -> Result<(), Box<dyn Error>> {
    let expected = file.item(number, replaces);
    let found = stage.aws.look(|table| table.item(&file.transaction_id(number)));
    if found.as_ref() == Some(&expected) {
        return Ok(());
    }
    Err(format!("row {number} is {found:?}, and should be {expected}").into())
}
