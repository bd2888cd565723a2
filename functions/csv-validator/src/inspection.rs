//! Reads a file once, piece by piece, and finds out everything that is to be known about it.

use adapters::report::{ReportWriter, write_line};
use adapters::{Failure, ObjectStore};
use domain::csv::{FileValidator, Limits, RowError, ValidationReport};
use domain::identity::ContentHasher;
use domain::limits::{ERRORS_IN_ANSWER_MAX, ERRORS_IN_REPORT_MAX};
use domain::{ContentDigest, Timestamp};

/// A file is looked at in pieces of this size, in bytes, so that the errors of one piece are few enough to be held.
const PIECE_BYTES: usize = 64 * 1024;

/// What one reading of a file found.
#[derive(Debug)]
pub(crate) struct Findings {
    pub(crate) report: ValidationReport,
    pub(crate) digest: ContentDigest,
    /// The first errors, as many as an answer lists.
    pub(crate) first_errors: Vec<RowError>,
}

/// A reading of a file.
pub(crate) struct Inspection {
    validator: FileValidator,
    hasher: ContentHasher,
    first_errors: Vec<RowError>,
}

impl Inspection {
    /// Begins to read a file that arrived at `received_at_ms`.
    pub(crate) fn new(received_at_ms: u64) -> Self {
        let received_at = Timestamp::from_unix_milliseconds(received_at_ms);
        Self {
            validator: FileValidator::new(received_at, Limits::default()),
            hasher: ContentHasher::default(),
            first_errors: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.hasher.push(bytes);
        self.validator.push(bytes, &mut |error| keep_first(&mut self.first_errors, error));
    }

    pub(crate) fn finish(mut self) -> Findings {
        let report = self.validator.finish(&mut |error| keep_first(&mut self.first_errors, error));
        Findings { report, digest: self.hasher.finish(), first_errors: self.first_errors }
    }
}

fn keep_first(errors: &mut Vec<RowError>, error: RowError) {
    if errors.len() < ERRORS_IN_ANSWER_MAX {
        errors.push(error);
    }
}

/// Writes the error report of a refused file. The file is read a second time for it, since its name, and with it the
/// report's, is known only after the first; refusals are rare, and nothing of the file needs to be held.
pub(crate) struct ReportPass<'a> {
    validator: FileValidator,
    writer: ReportWriter<'a>,
    lines: ReportLines,
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
    pub(crate) fn new(received_at_ms: u64, objects: &'a ObjectStore, key: String) -> Self {
        let received_at = Timestamp::from_unix_milliseconds(received_at_ms);
        Self {
            validator: FileValidator::new(received_at, Limits::default()),
            writer: ReportWriter::new(objects, key),
            lines: ReportLines::default(),
        }
    }

    pub(crate) async fn push(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        for piece in bytes.chunks(PIECE_BYTES) {
            self.validator.push(piece, &mut |error| self.lines.add(&error));
            self.writer.append(&self.lines.text).await?;
            self.lines.text.clear();
        }
        Ok(())
    }

    pub(crate) async fn finish(mut self) -> Result<(), Failure> {
        let _ = self.validator.finish(&mut |error| self.lines.add(&error));
        self.writer.append(&self.lines.text).await?;
        self.writer.finish().await
    }
}
