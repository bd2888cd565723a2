//! Makes of a refused file one that its sender can mend in a spreadsheet and send again: its records in their own columns,
//! and beside each what is wrong with it.
//!
//! It is a second reading: the validator says what is wrong, and a scanner beside it finds the records again. Of the file
//! one record is held, and of its errors those of a piece of 64 KiB. What would be taken for a formula gets a guard
//! ([`super::guard`]), which the validator takes away again when the file comes back.

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

/// Which records are repeated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RowSelection {
    /// Those with an error, to be mended; the others are missing then.
    Rejected,
    /// All of them, so that the mended file is whole.
    All,
}

/// What became of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CorrectableSummary {
    /// The records with an error.
    pub rejected_rows: u32,
    /// Whether something of the file is missing that was asked for: it was not looked at to its end, or a record whose
    /// structure is broken was too long to be repeated.
    pub is_truncated: bool,
}

/// The file is looked at in pieces of this size, in bytes, so that the errors of one piece are few enough to be held.
const PIECE_BYTES: usize = 64 * 1024;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Feed it the file with [`CorrectableWriter::push`], end it with [`CorrectableWriter::finish`]; both hand out what was
/// written, piece by piece.
pub struct CorrectableWriter {
    validator: FileValidator,
    /// The file's first bytes, until it is known whether they are a byte-order mark.
    head: Option<Vec<u8>>,
    scanner: Scanner,
    writing: Writing,
}

/// Whether there is anything that can be corrected record by record. There is not where the file was found valid, or has
/// no errors but those of the file as a whole, or no header that tells how many columns it has.
#[must_use]
pub fn is_correctable(report: &ValidationReport) -> bool {
    report.columns.count() > 0 && report.has_invalid_records()
}

impl CorrectableWriter {
    /// A writer for a file that arrived at `received_at`, of which `first` is what its validation found.
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
                broken: None,
                row: Row::default(),
                next_record: 0,
                out: writer(BYTE_ORDER_MARK.to_vec()),
                summary: CorrectableSummary { rejected_rows: 0, is_truncated: !first.is_whole },
            },
        }
    }

    /// Takes the next bytes of the file, and hands what follows from them to `on_bytes`.
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
            self.writing.hand_out(on_bytes);
        }
    }

    /// Takes the end of the file.
    pub fn finish(mut self, on_bytes: &mut impl FnMut(&[u8])) -> CorrectableSummary {
        self.begin();
        let Self { validator, scanner, mut writing, .. } = self;
        let _ = validator.finish(&mut |error| writing.errors.push_back(error));
        let end = writing.raw.end();
        scanner.finish(&mut |record| writing.record(&record));
        writing.end_broken(end);
        writing.hand_out(on_bytes);
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
        self.writing.raw.take(piece);
        self.scanner.push(piece, &mut |record| self.writing.record(&record));
        // The record that has not ended begins where the broken one before it ends.
        let open = self.scanner.record_byte();
        self.writing.end_broken(open);
        self.writing.raw.keep_from(open);
    }
}

/// The state of the writing, apart from the scanner that finds the records.
struct Writing {
    selection: RowSelection,
    /// The last record that validation looked at.
    rows_max: u32,
    /// What is wrong with the records that are still to come, in their order.
    errors: VecDeque<RowError>,
    field_reader: FieldReader,
    raw: RawBytes,
    /// Where the record whose structure is broken begins; its end is known when the next one begins.
    broken: Option<u64>,
    row: Row,
    /// The number of the next record; 0 for the header.
    next_record: u32,
    out: Writer,
    summary: CorrectableSummary,
}

impl Writing {
    fn record(&mut self, record: &RawRecord<'_>) {
        self.end_broken(record.byte);
        if self.next_record == 0 {
            self.header(record);
        } else if !record.errors.is_empty() {
            self.broken = Some(record.byte);
        } else {
            let errors = self.errors_of_next();
            if self.is_wanted(&errors) {
                self.row.take_sound(&self.field_reader.read(record));
                self.row.write(self.next_record, &errors, &mut self.out);
            }
            self.next_record += 1;
        }
    }

    fn header(&mut self, record: &RawRecord<'_>) {
        let fields = self.field_reader.read(record);
        let notes = note_fields((0..fields.count()).map(|field| fields.get(field)));
        self.row = Row::of_header(fields.count(), notes.as_ref().map_or(&[], |notes| notes.as_slice()));
        self.row.take_header(&fields);
        self.row.write_header(NOTE_COLUMNS, &mut self.out);
        self.field_reader = FieldReader::new(notes.is_some());
        self.next_record = 1;
    }

    /// Writes the record whose structure is broken, if there is one, now that it is known to end before `end`.
    fn end_broken(&mut self, end: u64) {
        let Some(start) = self.broken.take() else {
            return;
        };
        let errors = self.errors_of_next();
        if self.is_wanted(&errors) {
            let (bytes, is_cut) = self.raw.between(start, end);
            self.summary.is_truncated |= is_cut;
            self.row.take_broken(&bytes);
            self.row.write(self.next_record, &errors, &mut self.out);
        }
        self.next_record += 1;
    }

    /// Whether the next record is to be repeated. It is counted if something is wrong with it.
    fn is_wanted(&mut self, errors: &[RowError]) -> bool {
        if self.next_record > self.rows_max {
            return false;
        }
        self.summary.rejected_rows += u32::from(!errors.is_empty());
        self.selection == RowSelection::All || !errors.is_empty()
    }

    /// What is wrong with the next record itself.
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

    fn hand_out(&mut self, on_bytes: &mut impl FnMut(&[u8])) {
        // Writing to a Vec cannot fail.
        let written = std::mem::replace(&mut self.out, writer(Vec::new())).into_inner().unwrap_or_default();
        if !written.is_empty() {
            on_bytes(&written);
        }
    }
}

#[cfg(test)]
mod tests;
