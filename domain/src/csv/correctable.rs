//! Turns a rejected file into one that its sender can correct in a spreadsheet and send again: its records in their own
//! columns, and beside each its errors.
//!
//! This is a second reading: the validator finds the errors, and a separate scanner finds the records. Only one record
//! and the errors of 64 KiB are held in memory. A value that looks like a formula gets a guard ([`super::guard`]),
//! which the validator removes when the file is uploaded again.

mod cells;
mod pieces;

use super::fields::FieldReader;
use super::raw_record::RawRecord;
use super::scanner::Scanner;
use super::schema::{NOTE_COLUMNS, note_fields};
use super::{ErrorCode, FileValidator, Limits, RowError, ValidationReport};
use crate::Timestamp;
use cells::{Row, Writer, writer};
use pieces::RawBytes;
use std::collections::VecDeque;

/// Which records a correctable file contains.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RowSelection {
    /// Those with an error, to be corrected.
    Rejected,
    /// All of them, so that the corrected file is complete.
    All,
}

/// The result.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CorrectableSummary {
    /// The records with an error.
    pub rejected_rows: u32,
    /// Whether something is missing: the file was not validated to its end, or a malformed record was too long to
    /// repeat.
    pub is_truncated: bool,
}

/// The file is read in pieces of this size, in bytes, so that the errors of one piece fit in memory.
const PIECE_BYTES: usize = 64 * 1024;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Feed it the file with [`CorrectableWriter::push`], end it with [`CorrectableWriter::finish`]; both pass on the
/// output, piece by piece.
pub struct CorrectableWriter {
    validator: FileValidator,
    /// The first bytes of the file, until it is known whether they are a byte-order mark.
    head: Option<Vec<u8>>,
    scanner: Scanner,
    writing: Writing,
}

/// Whether the file can be corrected record by record. It cannot if it is valid, has only errors of the file as a
/// whole, or has no readable header.
#[must_use]
pub fn is_correctable(report: &ValidationReport) -> bool {
    report.columns.count() > 0 && report.has_invalid_records()
}

impl CorrectableWriter {
    /// A writer for a file that arrived at `received_at`, where `first` is its validation report.
    #[must_use]
    pub fn new(received_at: Timestamp, limits: Limits, first: &ValidationReport, rows: RowSelection) -> Self {
        Self {
            validator: FileValidator::again(received_at, limits, first),
            head: Some(Vec::new()),
            scanner: Scanner::at(0, 1),
            writing: Writing {
                selection: rows,
                rows_max: first.rows,
                errors: VecDeque::new(),
                field_reader: FieldReader::default(),
                raw: RawBytes::default(),
                malformed: None,
                row: Row::default(),
                next_record: 0,
                out: writer(BYTE_ORDER_MARK.to_vec()),
                summary: CorrectableSummary { rejected_rows: 0, is_truncated: !first.is_whole },
            },
        }
    }

    /// Reads the next bytes of the file and passes the output to `on_bytes`.
    pub fn push(&mut self, chunk: &[u8], on_bytes: &mut impl FnMut(&[u8])) {
        for piece in chunk.chunks(PIECE_BYTES) {
            self.validator.push(piece, &mut |error| self.writing.errors.push_back(error));
            match &mut self.head {
                Some(head) => {
                    head.extend_from_slice(piece);
                    if head.len() > BYTE_ORDER_MARK.len() {
                        self.begin();
                    }
                }
                None => self.scan(piece),
            }
            self.writing.flush(on_bytes);
        }
    }

    /// Ends the file.
    pub fn finish(mut self, on_bytes: &mut impl FnMut(&[u8])) -> CorrectableSummary {
        self.begin();
        let Self { validator, scanner, mut writing, .. } = self;
        let _ = validator.finish(&mut |error| writing.errors.push_back(error));
        let end = writing.raw.end();
        scanner.finish(&mut |record| writing.record(&record));
        writing.end_malformed(end);
        writing.flush(on_bytes);
        writing.summary
    }

    fn begin(&mut self) {
        let Some(head) = self.head.take() else {
            return;
        };
        let text = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&head);
        let start = (head.len() - text.len()) as u64;
        self.scanner = Scanner::at(start, 1);
        self.writing.raw = RawBytes::at(start);
        self.scan(text);
    }

    fn scan(&mut self, piece: &[u8]) {
        self.writing.raw.next_piece(piece);
        self.scanner.push(piece, &mut |record| self.writing.record(&record));
        // The record that has not ended begins where the malformed one before it ends.
        let open = self.scanner.record_byte();
        self.writing.end_malformed(open);
        self.writing.raw.keep_from(open);
    }
}

/// The state of the output, apart from the scanner.
struct Writing {
    selection: RowSelection,
    /// The last record that was validated.
    rows_max: u32,
    /// The errors of the records to come, in their order.
    errors: VecDeque<RowError>,
    field_reader: FieldReader,
    raw: RawBytes,
    /// Where a malformed record begins; its end is known when the next one begins.
    malformed: Option<u64>,
    row: Row,
    /// The number of the next record; 0 for the header.
    next_record: u32,
    out: Writer,
    summary: CorrectableSummary,
}

impl Writing {
    fn record(&mut self, record: &RawRecord<'_>) {
        self.end_malformed(record.byte);
        if self.next_record == 0 {
            self.header(record);
        } else if !record.errors.is_empty() {
            self.malformed = Some(record.byte);
        } else {
            let errors = self.errors_of_next();
            if self.is_wanted(&errors) {
                self.row.set_values(&self.field_reader.read(record));
                self.row.write(self.next_record, &errors, &mut self.out);
            }
            self.next_record += 1;
        }
    }

    fn header(&mut self, record: &RawRecord<'_>) {
        let fields = self.field_reader.read(record);
        let notes = note_fields((0..fields.count()).map(|field| fields.get(field)));
        self.row = Row::of_header(fields.count(), notes.as_ref().map_or(&[], |notes| notes.as_slice()));
        self.row.set_header(&fields);
        self.row.write_header(NOTE_COLUMNS, &mut self.out);
        self.field_reader = FieldReader::new(notes.is_some());
        self.next_record = 1;
    }

    /// Writes the malformed record, if there is one, now that its end is known.
    fn end_malformed(&mut self, end: u64) {
        let Some(start) = self.malformed.take() else {
            return;
        };
        let errors = self.errors_of_next();
        if self.is_wanted(&errors) {
            let (bytes, is_cut) = self.raw.between(start, end);
            self.summary.is_truncated |= is_cut;
            self.row.set_malformed(&bytes);
            self.row.write(self.next_record, &errors, &mut self.out);
        }
        self.next_record += 1;
    }

    /// Whether the next record is part of the output. It is counted if it has errors.
    fn is_wanted(&mut self, errors: &[RowError]) -> bool {
        if self.next_record > self.rows_max {
            return false;
        }
        self.summary.rejected_rows += u32::from(!errors.is_empty());
        self.selection == RowSelection::All || !errors.is_empty()
    }

    /// The errors of the next record itself.
    fn errors_of_next(&mut self) -> Vec<RowError> {
        let mut errors = Vec::new();
        while let Some(error) = self.errors.pop_front_if(|error| error.record <= self.next_record) {
            let of_whole_file = matches!(error.code, ErrorCode::TooManyRows | ErrorCode::FileTooLarge);
            if error.record == self.next_record && !of_whole_file {
                errors.push(error);
            }
        }
        errors
    }

    fn flush(&mut self, on_bytes: &mut impl FnMut(&[u8])) {
        // Writing to a Vec cannot fail.
        let written = std::mem::replace(&mut self.out, writer(Vec::new())).into_inner().unwrap_or_default();
        if !written.is_empty() {
            on_bytes(&written);
        }
    }
}

#[cfg(test)]
mod tests;
