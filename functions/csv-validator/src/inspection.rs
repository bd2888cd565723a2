//! Reads a file piece by piece, and finds out everything that is to be known about it.
//!
//! A valid file is read once. One with errors is read a second time, for its report; and one whose ids seem to repeat,
//! to find out which of them do.

use adapters::report::{ReportWriter, write_line};
use adapters::{Failure, ObjectStore};
use domain::csv::{FileValidator, Limits, RowError, ValidationReport};
use domain::identity::ContentHasher;
use domain::limits::{ERRORS_IN_ANSWER_MAX, ERRORS_IN_REPORT_MAX};
use domain::{ContentDigest, Timestamp};

/// A file is looked at in pieces of this size, in bytes, so that the errors of one piece are few enough to be held.
const PIECE_BYTES: usize = 64 * 1024;

/// What the readings of a file found.
#[derive(Debug)]
pub(crate) struct Findings {
    pub(crate) report: ValidationReport,
    pub(crate) digest: ContentDigest,
    /// The first errors, as many as an answer lists.
    pub(crate) first_errors: Vec<RowError>,
}

/// A first reading of a file.
pub(crate) struct Inspection {
    validator: FileValidator,
    hasher: ContentHasher,
    first_errors: Vec<RowError>,
}

impl Inspection {
    /// Begins to read a file that arrived at `received_at_ms`.
    pub(crate) fn new(received_at_ms: u64) -> Self {
        Self { validator: validator(received_at_ms, None), hasher: ContentHasher::default(), first_errors: Vec::new() }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.hasher.push(bytes);
        self.validator.push(bytes, &mut |error| keep_first(&mut self.first_errors, error));
    }

    /// What was found. The errors of repeated ids are still missing in it, if its report is not complete.
    pub(crate) fn finish(mut self) -> Findings {
        let report = self.validator.finish(&mut |error| keep_first(&mut self.first_errors, error));
        Findings { report, digest: self.hasher.finish(), first_errors: self.first_errors }
    }

    /// Reads a whole file that lies in memory, as often as it needs.
    pub(crate) fn of_file(received_at_ms: u64, bytes: &[u8]) -> Findings {
        let mut first = Self::new(received_at_ms);
        first.push(bytes);
        let findings = first.finish();
        if findings.report.is_complete {
            return findings;
        }
        let mut validator = validator(received_at_ms, Some(&findings.report));
        let mut first_errors = Vec::new();
        validator.push(bytes, &mut |error| keep_first(&mut first_errors, error));
        let report = validator.finish(&mut |error| keep_first(&mut first_errors, error));
        Findings { report, first_errors, ..findings }
    }
}

/// A validator for the first reading of a file, or for a further one that knows what the first one found.
fn validator(received_at_ms: u64, first: Option<&ValidationReport>) -> FileValidator {
    let received_at = Timestamp::from_unix_milliseconds(received_at_ms);
    match first {
        Some(first) => FileValidator::again(received_at, Limits::default(), first),
        None => FileValidator::new(received_at, Limits::default()),
    }
}

fn keep_first(errors: &mut Vec<RowError>, error: RowError) {
    if errors.len() < ERRORS_IN_ANSWER_MAX {
        errors.push(error);
    }
}

/// Writes the error report of a refused file. The file is read once more for it, since its name, and with it the
/// report's, is known only after the first reading; refusals are rare, and nothing of the file needs to be held.
pub(crate) struct ReportPass<'a> {
    validator: FileValidator,
    writer: ReportWriter<'a>,
    lines: ReportLines,
    first_errors: Vec<RowError>,
}

/// Lines that wait to be written, as many as a report may have in all.
#[derive(Default)]
struct ReportLines {
    text: String,
    count: u64,
}

impl ReportLines {
    fn add(&mut self, error: &RowError) {
        self.count += 1;
        if self.count <= ERRORS_IN_REPORT_MAX {
            write_line(&mut self.text, error);
        }
    }
}

impl<'a> ReportPass<'a> {
    /// Begins to write the report of a file under `key`. `first` is what the first reading found.
    pub(crate) fn new(received_at_ms: u64, first: &ValidationReport, objects: &'a ObjectStore, key: String) -> Self {
        Self {
            validator: validator(received_at_ms, Some(first)),
            writer: ReportWriter::new(objects, key),
            lines: ReportLines::default(),
            first_errors: Vec::new(),
        }
    }

    pub(crate) async fn push(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        for piece in bytes.chunks(PIECE_BYTES) {
            self.validator.push(piece, &mut |error| {
                self.lines.add(&error);
                keep_first(&mut self.first_errors, error);
            });
            self.writer.append(&self.lines.text).await?;
            self.lines.text.clear();
        }
        Ok(())
    }

    /// Stores the report and returns what was found, the errors of repeated ids included. Two different ids may have
    /// looked like one; where there turns out to be no error, no report is stored.
    pub(crate) async fn finish(mut self) -> Result<(ValidationReport, Vec<RowError>), Failure> {
        let report = self.validator.finish(&mut |error| {
            self.lines.add(&error);
            keep_first(&mut self.first_errors, error);
        });
        if report.error_count > 0 {
            self.writer.append(&self.lines.text).await?;
            self.writer.finish().await?;
        }
        Ok((report, self.first_errors))
    }
}
