//! Reads a file piece by piece, and finds out everything that is to be known about it.
//!
//! A valid file is read once. One with errors is read a second time, for its report; and one whose ids seem to repeat,
//! to find out which of them do.

use adapters::object_store::ObjectWriter;
use adapters::report::ReportWriter;
use adapters::{Failure, ObjectStore};
use domain::ContentHasher;
use domain::csv::{FileValidator, Limits, RowError, ValidationReport};
use domain::limits::{ERRORS_IN_REPORT_MAX, ERRORS_IN_RESPONSE_MAX};
use domain::{ContentDigest, ControlTotals, Timestamp};

/// A file is read in pieces of this size, in bytes, so that the errors of one piece are few enough to be held.
const PIECE_BYTES: usize = 64 * 1024;

/// What reading a file found.
#[derive(Debug)]
pub(crate) struct Findings {
    pub(crate) report: ValidationReport,
    pub(crate) digest: ContentDigest,
    /// The first errors, as many as a response lists.
    pub(crate) first_errors: Vec<RowError>,
    /// Whether the file differs from its control totals.
    pub(crate) differs_from_totals: bool,
    /// Whether that is all that is wrong with it.
    pub(crate) only_totals_differ: bool,
}

/// Logs that a file is rejected, and how many errors of each kind it has: one line for each kind, so that kinds can be counted
/// over many files.
pub(crate) fn log_rejection(report: &ValidationReport) {
    tracing::info!(event = "file_rejected", rows = report.rows, errors = report.error_count, "the file is rejected");
    for (code, errors) in &report.errors_by_code {
        tracing::info!(
            event = "rejection_reason",
            reason = code.as_str(),
            errors,
            "errors of one code in the rejected file"
        );
    }
}

/// A first reading of a file.
pub(crate) struct Inspection {
    validator: FileValidator,
    hasher: ContentHasher,
    first_errors: FirstErrors,
}

/// The first errors of a file, as many as its response lists.
struct FirstErrors {
    errors: Vec<RowError>,
    most: usize,
}

impl FirstErrors {
    fn new(most: usize) -> Self {
        Self { errors: Vec::new(), most }
    }

    fn keep(&mut self, error: RowError) {
        if self.errors.len() < self.most {
            self.errors.push(error);
        }
    }

    /// Puts errors of the file as a whole before those of its records.
    fn put_first(&mut self, errors: Vec<RowError>) {
        self.errors.splice(0..0, errors);
        self.errors.truncate(self.most);
    }
}

impl Inspection {
    /// Begins to read a file that was received at `received_at_ms`.
    pub(crate) fn new(received_at_ms: u64) -> Self {
        Self::listing(received_at_ms, ERRORS_IN_RESPONSE_MAX)
    }

    fn listing(received_at_ms: u64, errors_max: usize) -> Self {
        Self {
            validator: validator(received_at_ms, None),
            hasher: ContentHasher::default(),
            first_errors: FirstErrors::new(errors_max),
        }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.hasher.push(bytes);
        self.validator.push(bytes, &mut |error| self.first_errors.keep(error));
    }

    /// What was found. The errors of repeated ids are still missing in it, if its report is not complete.
    pub(crate) fn finish(mut self) -> Findings {
        let report = self.validator.finish(&mut |error| self.first_errors.keep(error));
        Findings {
            report,
            digest: self.hasher.finish(),
            first_errors: self.first_errors.errors,
            differs_from_totals: false,
            only_totals_differ: false,
        }
    }

    /// Reads a whole file in memory, as often as it needs, and compares it with its control totals. Of its errors the first are
    /// kept, so many at most.
    pub(crate) fn of_file(received_at_ms: u64, bytes: &[u8], expected: &ControlTotals, errors_max: usize) -> Findings {
        let mut first = Self::listing(received_at_ms, errors_max);
        first.push(bytes);
        let mut findings = first.finish();
        if !findings.report.is_complete {
            let mut validator = validator(received_at_ms, Some(&findings.report));
            let mut first_errors = FirstErrors::new(errors_max);
            validator.push(bytes, &mut |error| first_errors.keep(error));
            let report = validator.finish(&mut |error| first_errors.keep(error));
            findings = Findings { report, first_errors: first_errors.errors, ..findings };
        }
        findings.check(expected, errors_max);
        findings
    }
}

impl Findings {
    /// Replaces all errors by what differs from the control totals: the bytes were found valid before.
    pub(crate) fn replace_errors(&mut self, errors: Vec<RowError>) {
        self.report.error_count = 0;
        self.report.errors_by_code.clear();
        errors.iter().for_each(|error| self.report.add(error));
        self.first_errors = errors;
        self.differs_from_totals = true;
        self.only_totals_differ = true;
    }

    /// Compares what was found with the control totals. Where errors may still be found, this is left to a further reading.
    pub(crate) fn check(&mut self, expected: &ControlTotals, errors_max: usize) {
        if !self.report.is_complete {
            return;
        }
        let is_sound = self.report.error_count == 0;
        let errors = expected.check(&mut self.report);
        self.differs_from_totals = !errors.is_empty();
        self.only_totals_differ = is_sound && self.differs_from_totals;
        let mut first_errors = FirstErrors { errors: std::mem::take(&mut self.first_errors), most: errors_max };
        first_errors.put_first(errors);
        self.first_errors = first_errors.errors;
    }
}

/// A validator for the first reading of a file, or for a further one that knows what the first one found.
pub(crate) fn validator(received_at_ms: u64, first: Option<&ValidationReport>) -> FileValidator {
    let received_at = Timestamp::from_unix_milliseconds(received_at_ms);
    match first {
        Some(first) => FileValidator::again(received_at, Limits::default(), first),
        None => FileValidator::new(received_at, Limits::default()),
    }
}

/// Writes the error report of a rejected file. The file is read once more for it, since its name, and with it the
/// report's, is known only after the first reading; rejections are rare, and nothing of the file needs to be held.
pub(crate) struct ReportPass<'a> {
    validator: FileValidator,
    expected: &'a ControlTotals,
    writer: ObjectWriter<'a>,
    lines: ReportLines,
    first_errors: FirstErrors,
    /// What the first reading found out about the number of records.
    row_error: Option<RowError>,
}

/// Lines that wait to be written, as many as a report may have in all.
#[derive(Default)]
struct ReportLines {
    report: ReportWriter,
    count: u64,
}

impl ReportLines {
    fn add(&mut self, error: &RowError) {
        self.count += 1;
        if self.count <= ERRORS_IN_REPORT_MAX {
            self.report.add(error);
        }
    }
}

impl<'a> ReportPass<'a> {
    /// Begins to write the report of a file under `key`. `first` is what the first reading found; it has
    /// nothing yet of the control totals.
    pub(crate) fn new(
        received_at_ms: u64,
        first: &ValidationReport,
        expected: &'a ControlTotals,
        objects: &'a ObjectStore,
        key: String,
    ) -> Self {
        let mut pass = Self {
            validator: validator(received_at_ms, Some(first)),
            expected,
            writer: ObjectWriter::new(objects, key),
            lines: ReportLines::default(),
            first_errors: FirstErrors::new(ERRORS_IN_RESPONSE_MAX),
            row_error: expected.row_error(first),
        };
        if let Some(error) = pass.row_error.clone() {
            pass.lines.add(&error);
            pass.first_errors.keep(error);
        }
        pass
    }

    pub(crate) async fn push(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        for piece in bytes.chunks(PIECE_BYTES) {
            self.validator.push(piece, &mut |error| {
                self.lines.add(&error);
                self.first_errors.keep(error);
            });
            self.writer.append(&self.lines.report.take()).await?;
        }
        Ok(())
    }

    /// Stores the report and returns what was found, the errors of repeated ids included. Two different ids may have
    /// looked like one; where there turns out to be no error, no report is stored.
    pub(crate) async fn finish(mut self) -> Result<(ValidationReport, Vec<RowError>), Failure> {
        let mut report = self.validator.finish(&mut |error| {
            self.lines.add(&error);
            self.first_errors.keep(error);
        });
        // The number of records is in the report already.
        for error in self.expected.check(&mut report).into_iter().skip(usize::from(self.row_error.is_some())) {
            self.lines.add(&error);
            self.first_errors.keep(error);
        }
        if report.error_count > 0 {
            self.writer.append(&self.lines.report.take()).await?;
            self.writer.finish().await?;
        }
        Ok((report, self.first_errors.errors))
    }
}
