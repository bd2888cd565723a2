//! Whether the largest accepted file is validated within the function's time and memory: the built `csv-validator` runs the
//! step of the workflow, with a bucket and a table over TLS, at the share of a core that Lambda gives.

mod aws;
mod file;
mod function;
mod results;

use aws::Aws;
use file::{Content, LargeFile};
use results::Row;
use std::error::Error;
use std::process::ExitCode;
use stubs::{CpuLimit, SHARE_PERCENT};

/// The throughput of one stream of S3 to a function of 512 MB, in bytes a second, as measured by others.
const S3_BYTES_A_SECOND: u64 = 70_000_000;

const USAGE: &str = "Usage: large-file [--full | --smoke]";

/// One measurement: the content of the file, the share of a core, and the throughput of the bucket.
struct Case {
    content: Content,
    percent: u32,
    bytes_a_second: Option<u64>,
}

fn cases(full: bool) -> Vec<Case> {
    let case = |content, percent, bytes_a_second| Case { content, percent, bytes_a_second };
    let mut cases = vec![case(Content::Valid, SHARE_PERCENT, None), case(Content::Invalid, SHARE_PERCENT, None)];
    if full {
        cases.push(case(Content::Valid, SHARE_PERCENT, Some(S3_BYTES_A_SECOND)));
        cases.push(case(Content::Valid, 100, None));
    }
    cases
}

fn main() -> ExitCode {
    let argument = std::env::args().nth(1);
    let measured = match argument.as_deref() {
        None => measure(false, file::BYTES),
        Some("--full") => measure(true, file::BYTES),
        // To test the benchmark itself.
        Some("--smoke") => measure(true, file::BYTES / 64),
        Some(_) => Err(USAGE.into()),
    };
    match measured {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("The validation of a large file could not be measured: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Measures and writes the results. Returns whether every bound holds.
fn measure(full: bool, bytes: u64) -> Result<bool, Box<dyn Error>> {
    let aws = Aws::start()?;
    let trusted = aws.server.trusted("large-file")?;
    let (mut rows, mut notes) = (Vec::new(), Vec::new());
    let mut last: Option<LargeFile> = None;
    for case in cases(full) {
        let limit = match CpuLimit::of(case.percent) {
            // Limited to one core, if possible.
            Ok(None) => CpuLimit::new(case.percent).ok(),
            Ok(limit) => limit,
            Err(note) => {
                notes.push(note);
                continue;
            }
        };
        let file = match last.take().filter(|file| file.content == case.content) {
            Some(file) => file,
            None => LargeFile::make(case.content, bytes)?,
        };
        eprintln!("{} bytes, {}, at {} % of a core", file.bytes, case.content.in_words(), case.percent);
        aws.serve(&file, case.bytes_a_second);
        let used = function::validate(&aws, &trusted, limit.as_ref(), &file)?;
        rows.push(Row {
            content: case.content,
            bytes: file.bytes,
            rows: file.rows,
            percent: case.percent,
            bytes_a_second: case.bytes_a_second,
            used,
        });
        last = Some(file);
    }
    results::write(&rows, notes)
}
