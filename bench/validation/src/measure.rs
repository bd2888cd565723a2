//! One run of a subject: its time, its memory, and its verdict on every record.

use crate::subject::{Subject, Verdict};
use serde_json::json;
use std::error::Error;
use std::fs::{self, File};
use std::hint::black_box;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// Where a subject reads the bytes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Source {
    /// The whole file is in memory when the clock starts.
    Memory,
    /// The file is read in chunks while the clock runs; it is in the page cache if it was read before.
    File,
}

impl Source {
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "memory" => Some(Self::Memory),
            "file" => Some(Self::File),
            _ => None,
        }
    }
}

/// Runs a subject once and returns its figures as a line of JSON. The verdicts are written after the clock has stopped.
///
/// # Errors
/// The file cannot be read, or the verdicts cannot be written.
pub(crate) fn run(
    subject: Subject,
    source: Source,
    path: &Path,
    verdicts: Option<&Path>,
) -> Result<String, Box<dyn Error>> {
    let (elapsed, verdict) = match source {
        Source::Memory => {
            let bytes = fs::read(path)?;
            let started = Instant::now();
            let verdict = subject.read_memory(black_box(&bytes))?;
            (started.elapsed(), verdict)
        }
        Source::File => {
            let started = Instant::now();
            let verdict = subject.read_stream(File::open(path)?)?;
            (started.elapsed(), verdict)
        }
    };
    let line = line(elapsed, &verdict)?;
    if let Some(path) = verdicts {
        write_verdicts(&verdict, &mut BufWriter::new(File::create(path)?))?;
    }
    Ok(line)
}

fn line(elapsed: Duration, verdict: &Verdict) -> Result<String, Box<dyn Error>> {
    Ok(json!({
        "seconds": elapsed.as_secs_f64(),
        "rows": verdict.rows,
        "bad": verdict.bad.len(),
        "errors": verdict.errors,
        "peak_kilobytes": peak_kilobytes(&fs::read_to_string("/proc/self/status")?)?,
    })
    .to_string())
}

/// The peak memory of a process, in units of 1,024 bytes.
fn peak_kilobytes(status: &str) -> Result<u64, Box<dyn Error>> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.trim().strip_suffix(" kB")).ok_or("the kernel reports no VmHWM")?;
    Ok(number.trim().parse()?)
}

/// Writes a line for each record: its number, and whether it is valid.
fn write_verdicts(verdict: &Verdict, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let mut bad = verdict.bad.iter().copied().map(u64::from).peekable();
    for record in 1..=verdict.rows {
        let word = if bad.next_if_eq(&record).is_some() { "bad" } else { "ok" };
        writeln!(out, "{record} {word}")?;
    }
    Ok(out.flush()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_have_a_line_for_each_record() {
        let mut out = Vec::new();
        write_verdicts(&Verdict { rows: 4, bad: vec![2, 4], errors: 5 }, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "1 ok\n2 bad\n3 ok\n4 bad\n");
    }

    #[test]
    fn reads_the_peak_from_the_process_status() {
        assert_eq!(peak_kilobytes("Name:\tx\nVmPeak:\t  9 kB\nVmHWM:\t    2044 kB\nVmRSS:\t 1 kB\n").unwrap(), 2044);
        assert!(peak_kilobytes("Name:\tx\n").is_err());
    }
}
