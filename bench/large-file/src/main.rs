//! Whether the largest file that is taken is validated within the function's time and memory: the built `csv-validator` does
//! the workflow's step, with a bucket that has the file and a table, over TLS, at the share of a core that Lambda gives.

mod aws;
mod file;
mod function;
mod results;

use aws::Aws;
use file::{Content, LargeFile};
use results::Row;
use std::error::Error;
use std::process::ExitCode;
use stubs::CpuLimit;

/// Lambda gives a function of 1,769 MB one core, and one of 512 MB its share of that.
const SHARE_PERCENT: u32 = 29;

/// What one stream of S3 brings to a function of 512 MB, in bytes a second, as measured by others. Above it the wire decides.
const WIRE_BYTES_A_SECOND: u64 = 70_000_000;

const USAGE: &str = "Usage: large-file [--full | --smoke]";

/// One measurement: what is read, by which share of a core, and how fast it comes.
struct Case {
    content: Content,
    percent: u32,
    bytes_a_second: Option<u64>,
}

fn cases(full: bool) -> Vec<Case> {
    let case = |content, percent, bytes_a_second| Case { content, percent, bytes_a_second };
    let mut cases = vec![case(Content::Valid, SHARE_PERCENT, None), case(Content::Faulty, SHARE_PERCENT, None)];
    if full {
        cases.push(case(Content::Valid, SHARE_PERCENT, Some(WIRE_BYTES_A_SECOND)));
        cases.push(case(Content::Valid, 100, None));
    }
    cases
}

fn main() -> ExitCode {
    let argument = std::env::args().nth(1);
    let measured = match argument.as_deref() {
        None => measure(false, file::BYTES),
        Some("--full") => measure(true, file::BYTES),
        // To try the measurement itself.
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

/// Measures, writes the results, and tells whether every bound holds.
fn measure(full: bool, bytes: u64) -> Result<bool, Box<dyn Error>> {
    let aws = Aws::start()?;
    let trusted = aws.server.trusted("large-file")?;
    let (mut rows, mut notes) = (Vec::new(), Vec::new());
    let mut made: Option<LargeFile> = None;
    for case in cases(full) {
        let limit = match CpuLimit::new(case.percent) {
            Ok(limit) => Some(limit),
            Err(_) if case.percent == 100 => None,
            Err(error) => {
                notes.push(format!("Not measured at 0.{} of a core: no control group ({error}).", case.percent));
                continue;
            }
        };
        let file = match made.take().filter(|file| file.content == case.content) {
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
        made = Some(file);
    }
    results::write(&rows, notes)
}
