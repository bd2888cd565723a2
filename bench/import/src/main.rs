//! How fast the built `data-transformer` writes the rows of a file over TLS to a table that is slow, throttled or capped; at a
//! full core and at the share of a core that Lambda gives to 512 MB. In the same run: the same with boto3's `batch_writer`.
//! Every row in the table is compared with the file in the end.

mod aws;
mod file;
mod gate;
mod model;
mod report;
mod scenario;
mod subject;
mod table;

use aws::Aws;
use gate::Throttling;
use scenario::{Measured, Scenario};
use std::error::Error;
use std::fs;
use std::process::ExitCode;
use stubs::process::renice;
use stubs::{CpuLimit, SHARE_PERCENT};
use subject::Stage;

/// How many rows the peer imports. It is slow, and its rate does not depend on their number.
const PYTHON_ROWS: u32 = 3_000;

/// The share of the rows that are imported with a share of a core, in percent.
const SHARE_ROWS_PERCENT: u32 = 40;

const USAGE: &str = "Usage: import-bench PYTHON [--only TEXT], where PYTHON is an interpreter that has boto3";

/// The tables, and the files that are imported into them: three to six seconds of work each. A function that writes one range
/// of a large file works longer, so that its start matters less than here.
const SCENARIOS: [Scenario; 8] = [
    scenario("6 ms", 6, Throttling::None, 60_000),
    scenario("6 ms, 5 % throttled", 6, Throttling::Thousandths(50), 60_000),
    scenario("6 ms, cap 4,000/s", 6, Throttling::Cap(4_000), 12_000),
    scenario("14 ms", 14, Throttling::None, 25_000),
    scenario("14 ms, 5 % throttled", 14, Throttling::Thousandths(50), 25_000),
    scenario("14 ms, cap 4,000/s", 14, Throttling::Cap(4_000), 12_000),
    scenario("6 ms, cap 500/s", 6, Throttling::Cap(500), 2_500),
    Scenario { merchant_bytes: 4_096, ..scenario("6 ms, merchants of 4 KiB", 6, Throttling::None, 10_000) },
];

const fn scenario(name: &'static str, latency_milliseconds: u64, throttling: Throttling, rows: u32) -> Scenario {
    Scenario { name, latency_milliseconds, throttling, rows, merchant_bytes: 0 }
}

fn main() -> ExitCode {
    match measure(std::env::args().skip(1)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("The import could not be measured: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Measures and writes the results. Returns whether every bound holds.
fn measure(mut arguments: impl Iterator<Item = String>) -> Result<bool, Box<dyn Error>> {
    let python = arguments.next().ok_or(USAGE)?;
    let only = match (arguments.next().as_deref(), arguments.next()) {
        (None, _) => None,
        (Some("--only"), Some(text)) => Some(text),
        _ => return Err(USAGE.into()),
    };
    // Linux extends a sleep by up to 50 µs to save wake-ups, which would count as the table's latency. Threads inherit the
    // setting. Without permission, the latency is slightly longer, and measured so.
    let _ = fs::write("/proc/self/timerslack_ns", "1");
    // The stub simulates another machine, so it must not wait for a processor while this one is busy.
    renice(-10, std::process::id());
    let aws = Aws::start()?;
    let stage = Stage { trusted: aws.server.trusted("import-bench")?, aws, python };
    let mut notes = Vec::new();
    let mut all = Vec::new();
    for percent in [100, SHARE_PERCENT] {
        match CpuLimit::of(percent) {
            Ok(limit) => {
                for scenario in SCENARIOS.iter().filter(|one| only.as_deref().is_none_or(|only| one.name == only)) {
                    measure_scenario(*scenario, &stage, limit.as_ref(), percent, &mut all)?;
                }
            }
            Err(note) => notes.push(note),
        }
    }
    let rows = scenario::later_file_wins(&stage)?;
    notes.push(format!(
        "Three files with the same {rows} IDs, imported in another order than they arrived, with 5 % of the writes throttled: \
         the rows of the last one are in effect and name the file that they replaced; a repeat changes nothing."
    ));
    report::write(&all, notes)
}

fn measure_scenario(
    scenario: Scenario,
    stage: &Stage,
    limit: Option<&CpuLimit>,
    percent: u32,
    all: &mut Vec<Measured>,
) -> Result<(), Box<dyn Error>> {
    let share = if limit.is_some() { SHARE_ROWS_PERCENT } else { 100 };
    let ours = Scenario { rows: scenario.rows * share / 100, ..scenario };
    all.push(ours.run(stage, limit, percent).map_err(|error| format!("{}: {error}", scenario.name))?);
    report::print_last(all);
    // With that cap the peer would need a minute and show nothing.
    if scenario.merchant_bytes == 0 && scenario.throttling != Throttling::Cap(500) {
        let rows = PYTHON_ROWS * share / 100;
        all.push(scenario.run_python(stage, limit, percent, rows)?);
        report::print_last(all);
    }
    Ok(())
}
