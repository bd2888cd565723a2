//! How long an upload takes in the function itself, from the delivery of the event to the response: the built
//! `csv-validator`, with a bucket and a table that respond as late as those of AWS; at a full core and at the share of a
//! core that Lambda gives to 512 MB. Every upload is a new file.

mod aws;
mod function;
mod results;
mod upload;

use aws::Aws;
use function::{Function, Used};
use results::Row;
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use stubs::{CpuLimit, SHARE_PERCENT};
use upload::Upload;

/// The files: one of about 1,000 records, and the two sizes with a documented limit.
const FILES: [(&str, usize); 3] = [("80 KB", 80_000), ("1 MB", 1_000_000), ("4 MB", 4_000_000)];

/// How often each file is sent to a running function, by default and with `--full`.
const RUNS: u32 = 200;
const RUNS_FULL: u32 = 1000;

/// How many functions are started, each for one file.
const STARTS: u32 = 15;

const USAGE: &str = "Usage: latency [--full | --runs NUMBER] [--file \"4 MB\"] [--share PERCENT]";

/// What to measure.
struct Plan {
    runs: u32,
    file: Option<String>,
    share: Option<u32>,
}

fn main() -> ExitCode {
    match plan(std::env::args().skip(1)).and_then(|plan| measure(&plan)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("The latency of uploads could not be measured: {error}");
            ExitCode::FAILURE
        }
    }
}

fn plan(mut arguments: impl Iterator<Item = String>) -> Result<Plan, Box<dyn Error>> {
    let mut plan = Plan { runs: RUNS, file: None, share: None };
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(USAGE);
        match argument.as_str() {
            "--full" => plan.runs = RUNS_FULL,
            "--runs" => plan.runs = value()?.parse()?,
            "--file" => plan.file = Some(value()?),
            "--share" => plan.share = Some(value()?.parse()?),
            _ => return Err(USAGE.into()),
        }
    }
    Ok(plan)
}

/// Measures and writes the results. Returns whether every bound holds.
fn measure(plan: &Plan) -> Result<bool, Box<dyn Error>> {
    let aws = Aws::start()?;
    let trusted = aws.server.trusted("latency")?;
    let (mut rows, mut notes) = (Vec::new(), Vec::new());
    for percent in [100, SHARE_PERCENT].into_iter().filter(|share| plan.share.is_none_or(|asked| asked == *share)) {
        let limit = match CpuLimit::of(percent) {
            Ok(limit) => limit,
            Err(note) => {
                notes.push(note);
                continue;
            }
        };
        for (name, bytes) in
            FILES.into_iter().filter(|(name, _)| plan.file.as_deref().is_none_or(|asked| asked == *name))
        {
            eprintln!("{name} at {percent} % of a core: {} uploads, {STARTS} starts", plan.runs);
            let subject = Subject { aws: &aws, trusted: &trusted, limit: limit.as_ref() };
            rows.push(subject.row(name, bytes, percent, plan.runs)?);
        }
    }
    results::write(&rows, notes)
}

/// A function with one limit, and its environment.
struct Subject<'a> {
    aws: &'a Aws,
    trusted: &'a Path,
    limit: Option<&'a CpuLimit>,
}

impl Subject<'_> {
    fn row(&self, name: &'static str, bytes: usize, percent: u32, runs: u32) -> Result<Row, Box<dyn Error>> {
        let mut upload = Upload::of(bytes)?;
        let mut starts = Vec::new();
        for number in 0..STARTS {
            let mut function = Function::start(self.aws, self.trusted, self.limit)?;
            let exchange = function.send(self.aws, &mut upload, key(percent, number))?;
            starts.push(function.since_start(&exchange));
            function.end()?;
        }
        let (times, used) = self.warm(&mut upload, key(percent, STARTS), runs)?;
        let calls = self.aws.take_calls();
        let item_bytes = self.aws.item_bytes();
        Ok(Row { name, rows: upload.rows(), percent, times, starts, calls, item_bytes, used })
    }

    /// The times of `runs` uploads, one after the other, to a function that has processed one before.
    fn warm(&self, upload: &mut Upload, first: u32, runs: u32) -> Result<(Vec<Duration>, Used), Box<dyn Error>> {
        let mut function = Function::start(self.aws, self.trusted, self.limit)?;
        function.send(self.aws, upload, first)?;
        self.aws.take_calls();
        let mut times = Vec::new();
        for number in 1..=runs {
            let exchange = function.send(self.aws, upload, first + number)?;
            times.push(exchange.time());
        }
        Ok((times, function.end()?))
    }
}

/// The number of a file, which is unique among the files of the same size.
fn key(percent: u32, number: u32) -> u32 {
    percent * 100_000 + number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_plan_from_the_arguments() {
        let plan = |line: &str| plan(line.split_whitespace().map(str::to_owned));
        assert_eq!(plan("").unwrap().runs, RUNS);
        assert_eq!(plan("--full").unwrap().runs, RUNS_FULL);
        let some = plan("--runs 7 --share 29").unwrap();
        assert_eq!((some.runs, some.share), (7, Some(29)));
        assert!(plan("--runs").is_err() && plan("--runs x").is_err() && plan("7").is_err());
    }
}
