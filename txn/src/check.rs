//! Reads a file by the rules of `domain`, the very ones that the API and the workflow follow.

use crate::expected::Expected;
use crate::finding::Finding;
use crate::problem::Problem;
use crate::progress::Progress;
use crate::source::Source;
use domain::ContentHasher;
use domain::csv::{FileValidator, Limits, RowError, ValidationReport};
use domain::{ContentDigest, Timestamp};
use std::io::{self, Read};
use std::time::{SystemTime, UNIX_EPOCH};

/// A file is read in pieces of this size, in bytes.
pub(crate) const PIECE_BYTES: usize = 1024 * 1024;

/// What is known of a file when it has been read.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) report: ValidationReport,
    /// The first errors, as many as were asked for.
    pub(crate) findings: Vec<Finding>,
    /// The digest that names the file, where it was asked for.
    pub(crate) digest: Option<ContentDigest>,
    /// By which instant the file's timestamps were judged.
    pub(crate) at: Timestamp,
}

/// How a file is to be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct How {
    /// Most errors that are kept. All are counted.
    pub(crate) errors_max: usize,
    /// Whether the file's digest is needed, which costs half as much time again.
    pub(crate) digest: bool,
}

/// Milliseconds since 1970 by this machine's clock.
pub(crate) fn now_ms() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}

/// Reads a file, and reads it once more where ids seem to repeat in it.
/// What it holds is then held against what its sender states.
pub(crate) fn check(source: &Source, how: How, expected: &Expected, progress: &Progress) -> Result<Checked, Problem> {
    let mut checked = read_as_often_as_needed(source, how, progress).map_err(|error| source.unreadable(&error))?;
    // They are about the file as a whole, so that they are told first.
    let differences = expected.control_totals.check(&mut checked.report);
    checked.findings.splice(0..0, differences.iter().map(Finding::from));
    checked.findings.truncate(how.errors_max);
    Ok(checked)
}

fn read_as_often_as_needed(source: &Source, how: How, progress: &Progress) -> io::Result<Checked> {
    let now = Timestamp::from_unix_milliseconds(now_ms());
    let mut hasher = how.digest.then(ContentHasher::default);
    let mut first = Reading::new(FileValidator::new(now, Limits::default()), how.errors_max);
    first.read(source, progress, |piece| {
        if let Some(hasher) = &mut hasher {
            hasher.push(piece);
        }
    })?;
    let (mut report, mut findings) = first.finish();
    if !report.is_complete {
        progress.expect_again(source.bytes);
        let mut again = Reading::new(FileValidator::again(now, Limits::default(), &report), how.errors_max);
        again.read(source, progress, |_| ())?;
        (report, findings) = again.finish();
    }
    Ok(Checked { report, findings, digest: hasher.map(ContentHasher::finish), at: now })
}

/// One reading of a file.
struct Reading {
    validator: FileValidator,
    findings: Vec<Finding>,
    errors_max: usize,
}

impl Reading {
    fn new(validator: FileValidator, errors_max: usize) -> Self {
        Self { validator, findings: Vec::new(), errors_max }
    }

    fn read(&mut self, source: &Source, progress: &Progress, mut also: impl FnMut(&[u8])) -> io::Result<()> {
        let mut file = source.rewound()?;
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            let length = match file.read(&mut piece) {
                Ok(0) => return Ok(()),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let (findings, errors_max) = (&mut self.findings, self.errors_max);
            self.validator.push(&piece[..length], &mut |error| keep(findings, errors_max, &error));
            also(&piece[..length]);
            progress.add(length);
        }
    }

    fn finish(mut self) -> (ValidationReport, Vec<Finding>) {
        let (findings, errors_max) = (&mut self.findings, self.errors_max);
        let report = self.validator.finish(&mut |error| keep(findings, errors_max, &error));
        (report, self.findings)
    }
}

fn keep(findings: &mut Vec<Finding>, errors_max: usize, error: &RowError) {
    if findings.len() < errors_max {
        findings.push(error.into());
    }
}

/// The digest that names a file, without a look at its records.
pub(crate) fn digest_of(source: &Source, progress: &Progress) -> Result<ContentDigest, Problem> {
    let mut hasher = ContentHasher::default();
    let mut reader = source.reader()?;
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match reader.read(&mut piece) {
            Ok(0) => return Ok(hasher.finish()),
            Ok(length) => {
                hasher.push(&piece[..length]);
                progress.add(length);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(source.unreadable(&error)),
        }
    }
}
