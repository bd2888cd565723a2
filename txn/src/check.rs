//! Validates a file with `domain`, by the same rules as the API and the workflow.

use crate::calendar::now_ms;
use crate::expected::Expected;
use crate::finding::Finding;
use crate::problem::Problem;
use crate::progress::Progress;
use crate::source::Source;
use domain::ContentHasher;
use domain::csv::{FileValidator, Limits, RowError, ValidationReport};
use domain::{ContentDigest, Timestamp};
use std::io::{self, Read};

/// A file is read in pieces of this size, in bytes.
pub(crate) const PIECE_BYTES: usize = 1024 * 1024;

/// The result of a validation.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) report: ValidationReport,
    /// The first errors, up to `errors_max`.
    pub(crate) findings: Vec<Finding>,
    /// The digest that identifies the file, if requested.
    pub(crate) digest: Option<ContentDigest>,
    /// The time at which the timestamps were checked.
    pub(crate) at: Timestamp,
}

/// What a check collects.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CheckOptions {
    /// The maximum number of errors that are kept. All are counted.
    pub(crate) errors_max: usize,
    /// Whether to compute the digest, which takes half as long as the validation.
    pub(crate) digest: bool,
}

/// Validates a file, and compares it with its control totals. If ids may be repeated, the file is read a second time.
pub(crate) fn check(
    source: &Source,
    options: CheckOptions,
    expected: &Expected,
    progress: &Progress,
) -> Result<Checked, Problem> {
    let mut checked = read_as_often_as_needed(source, options, progress).map_err(|error| source.unreadable(&error))?;
    // They are about the whole file, so they come first.
    let differences = expected.control_totals.check(&mut checked.report);
    checked.findings.splice(0..0, differences.iter().map(Finding::from));
    checked.findings.truncate(options.errors_max);
    Ok(checked)
}

fn read_as_often_as_needed(source: &Source, options: CheckOptions, progress: &Progress) -> io::Result<Checked> {
    let now = Timestamp::from_unix_milliseconds(now_ms());
    let mut hasher = options.digest.then(ContentHasher::default);
    let mut first = Reading::new(FileValidator::new(now, Limits::default()), options.errors_max);
    first.read(source, progress, |piece| {
        if let Some(hasher) = &mut hasher {
            hasher.push(piece);
        }
    })?;
    let (mut report, mut findings) = first.finish();
    if !report.is_complete {
        progress.expect_again(source.bytes);
        let mut again = Reading::new(FileValidator::again(now, Limits::default(), &report), options.errors_max);
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

/// The digest that identifies a file, without a validation.
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
