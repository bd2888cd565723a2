//! Finds the records of a CSV file (RFC 4180) and every error of their structure, while the bytes stream by.
//!
//! There are two paths. [`Scanner::plain_record`] jumps from one special byte to the next; it reads records that are
//! complete in a chunk and break no rule, which are nearly all. [`Scanner::step`] reads byte by byte; it handles any
//! record, in any number of chunks, and finds every error. Both give the same result for the same bytes: a property
//! test compares them with each other and with `csv-core`. The scanner holds at most one record, and nothing of a
//! record that is too large.

use super::ErrorCode;
use super::guard::GUARD;
use super::raw_record::{BlankLines, Quotes, RawRecord, ScanError, Span, Text};
use super::specials::Specials;
use crate::limits::{FIELD_BYTES_MAX, RECORD_COLUMNS_MAX};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    FieldStart,
    Unquoted,
    Quoted,
    /// After a quote inside a quoted field: it closes the field, unless another follows.
    QuoteInQuoted,
    /// After a carriage return that must end the line.
    CarriageReturn,
}

/// See the module documentation. Create it with [`Scanner::at`], feed it with [`Scanner::push`], end it with
/// [`Scanner::finish`].
#[derive(Debug)]
pub struct Scanner {
    state: State,
    /// The offset in the file of the next byte.
    byte: u64,
    /// The line of the next byte.
    line: u32,
    record_byte: u64,
    record_line: u32,
    /// The bytes of a record that began in an earlier chunk.
    carried: Vec<u8>,
    /// The fields of the current record that have ended.
    fields: Vec<Span>,
    /// The number of fields of the current record, including the one that has not ended.
    field_count: usize,
    /// The offset in the record of the current field.
    field_start: usize,
    /// The line on which the current field starts.
    field_line: u32,
    /// The length of the value of the current field, quotes removed.
    field_bytes: usize,
    /// Its maximum length: one more if it begins like a guarded value, since the guard is not part of the value.
    field_bytes_max: usize,
    field_is_invalid: bool,
    quotes: Quotes,
    errors: Vec<ScanError>,
    blank_lines: Option<BlankLines>,
}

/// A record without errors that is complete in one chunk.
struct PlainRecord {
    /// The offset in the chunk after its last byte.
    end: usize,
    /// The offset in the chunk after its line end.
    next: usize,
    /// The line breaks inside its quotes.
    line_breaks: u32,
    quotes: Quotes,
}

impl Scanner {
    /// A scanner whose first byte is the byte `byte` of the file, at the start of line `line`.
    #[must_use]
    pub fn at(byte: u64, line: u32) -> Self {
        let mut scanner = Self {
            state: State::FieldStart,
            byte,
            line,
            record_byte: byte,
            record_line: line,
            carried: Vec::new(),
            fields: Vec::with_capacity(RECORD_COLUMNS_MAX),
            field_count: 0,
            field_start: 0,
            field_line: line,
            field_bytes: 0,
            field_bytes_max: FIELD_BYTES_MAX,
            field_is_invalid: false,
            quotes: Quotes::None,
            errors: Vec::new(),
            blank_lines: None,
        };
        scanner.begin_record();
        scanner
    }

    /// Reads the next bytes and passes every record that ends in them to `on_record`.
    pub fn push(&mut self, chunk: &[u8], on_record: &mut impl FnMut(RawRecord<'_>)) {
        let mut specials = Specials::of(chunk);
        let mut from = 0;
        while from < chunk.len() {
            let begins_here = self.byte == self.record_byte;
            let plain = if begins_here { self.plain_record(chunk, from, &mut specials) } else { None };
            from = if let Some(plain) = plain {
                self.emit_plain(chunk, from, &plain, &specials, on_record);
                plain.next
            } else {
                if begins_here {
                    self.fields.clear();
                }
                let next = self.record_by_bytes(chunk, from, on_record);
                specials.seek(next);
                next
            };
        }
    }

    /// Ends the file. The last record needs no line end.
    pub fn finish(mut self, on_record: &mut impl FnMut(RawRecord<'_>)) {
        match self.state {
            State::Quoted if self.field_count <= RECORD_COLUMNS_MAX => {
                // The missing quote explains every other error of this field.
                let field = self.field_count - 1;
                self.errors.retain(|error| error.field != field);
                self.field_is_invalid = false;
                let opening_quote = self.field_byte();
                self.error_at(ErrorCode::UnclosedQuote, opening_quote);
            }
            State::CarriageReturn => self.error_at(ErrorCode::LoneCarriageReturn, self.byte - 1),
            _ => {}
        }
        let line_end = u64::from(self.state == State::CarriageReturn);
        if self.byte > self.record_byte {
            self.end_record(&[], line_end, on_record);
        }
    }

    /// The offset in the file of the first byte of the record that has not ended.
    pub(super) fn record_byte(&self) -> u64 {
        self.record_byte
    }

    /// Finds the record that begins at `from` and its fields, if it has no error, nothing unusual, and ends in this
    /// chunk. Otherwise, it must be read byte by byte, and only `fields` has changed.
    fn plain_record(&mut self, chunk: &[u8], from: usize, specials: &mut Specials<'_>) -> Option<PlainRecord> {
        self.fields.clear();
        let mut start = from;
        let mut record = PlainRecord { end: from, next: from, line_breaks: 0, quotes: Quotes::None };
        loop {
            let mut at = specials.next()?;
            if chunk[at] == b'"' {
                if at != start {
                    return None;
                }
                at = closing_quote(chunk, specials, &mut record)? + 1;
            }
            // A record within the limit of a field has no field that is too long.
            if at - from > FIELD_BYTES_MAX {
                return None;
            }
            match chunk[at] {
                b',' if self.fields.len() + 1 < RECORD_COLUMNS_MAX => {
                    self.fields.push(Span { start: start - from, end: at - from });
                    start = at + 1;
                }
                b'\n' => {
                    record.next = at + 1;
                    record.end = at;
                    break;
                }
                b'\r' if chunk.get(at + 1) == Some(&b'\n') => {
                    specials.next();
                    record.next = at + 2;
                    record.end = at;
                    break;
                }
                _ => return None,
            }
        }
        self.fields.push(Span { start: start - from, end: record.end - from });
        // An empty line is not a record.
        (record.end > from).then_some(record)
    }

    fn emit_plain(
        &mut self,
        chunk: &[u8],
        from: usize,
        plain: &PlainRecord,
        specials: &Specials<'_>,
        on_record: &mut impl FnMut(RawRecord<'_>),
    ) {
        let is_printable_ascii = plain.line_breaks == 0 && !specials.may_be_beyond_ascii(from);
        on_record(RawRecord {
            bytes: &chunk[from..plain.end],
            byte: self.record_byte,
            line: self.record_line,
            fields: &self.fields,
            quotes: plain.quotes,
            text: if is_printable_ascii { Text::PrintableAscii } else { Text::WithoutAsciiControls },
            errors: &[],
            blank_lines: self.blank_lines.take(),
        });
        self.byte += (plain.next - from) as u64;
        self.line += plain.line_breaks + 1;
        self.begin_record();
    }

    /// Reads bytes from `from` on until a record ends or the chunk does. Returns where it stopped.
    fn record_by_bytes(&mut self, chunk: &[u8], from: usize, on_record: &mut impl FnMut(RawRecord<'_>)) -> usize {
        for (at, &byte) in chunk.iter().enumerate().skip(from) {
            if self.state == State::CarriageReturn && byte != b'\n' {
                self.error_at(ErrorCode::LoneCarriageReturn, self.byte - 1);
                self.end_record(&chunk[from..at], 1, on_record);
                return at;
            }
            if byte == b'\n' && self.state != State::Quoted {
                let line_end = if self.state == State::CarriageReturn { 2 } else { 1 };
                self.byte += 1;
                self.end_record(&chunk[from..=at], line_end, on_record);
                return at + 1;
            }
            self.step(byte);
            self.byte += 1;
        }
        if self.errors.is_empty() {
            self.carried.extend_from_slice(&chunk[from..]);
        }
        chunk.len()
    }

    /// Reads one byte that does not end the record.
    fn step(&mut self, byte: u8) {
        match (self.state, byte) {
            (State::Unquoted | State::QuoteInQuoted | State::FieldStart, b',') => {
                let end = self.offset();
                self.end_field(end);
                self.begin_field(end + 1);
            }
            (State::FieldStart | State::Unquoted | State::QuoteInQuoted, b'\r') => self.state = State::CarriageReturn,
            (State::FieldStart, b'"') => {
                self.state = State::Quoted;
                self.quotes = self.quotes.max(Quotes::Enclosing);
            }
            (State::FieldStart | State::Unquoted, byte) => {
                self.state = State::Unquoted;
                if byte == b'"' {
                    self.error_at(ErrorCode::QuoteInUnquotedField, self.byte);
                }
                self.count_field_byte(byte);
            }
            (State::Quoted, b'"') => self.state = State::QuoteInQuoted,
            (State::Quoted, byte) => {
                self.line += u32::from(byte == b'\n');
                self.count_field_byte(byte);
            }
            (State::QuoteInQuoted, b'"') => {
                self.state = State::Quoted;
                self.quotes = Quotes::Doubled;
                self.count_field_byte(b'"');
            }
            (State::QuoteInQuoted, _) => {
                self.error_at(ErrorCode::TextAfterQuote, self.byte);
                self.state = State::Unquoted;
            }
            // A carriage return before anything but a line feed has already ended its record.
            (State::CarriageReturn, _) => {}
        }
    }

    /// Passes on the current record, whose last part is `rest` with a line end of `line_end` bytes, and begins the
    /// next.
    fn end_record(&mut self, rest: &[u8], line_end: u64, on_record: &mut impl FnMut(RawRecord<'_>)) {
        let length = usize::try_from(self.byte - self.record_byte - line_end).unwrap_or(usize::MAX);
        if length == 0 && self.errors.is_empty() {
            let first = BlankLines { byte: self.record_byte, line: self.record_line, count: 0 };
            self.blank_lines.get_or_insert(first).count += 1;
        } else {
            self.end_field(length);
            if !self.errors.is_empty() {
                self.fields.clear();
                self.quotes = Quotes::None;
            }
            let bytes = if !self.errors.is_empty() {
                &[]
            } else if self.carried.is_empty() {
                rest
            } else {
                self.carried.extend_from_slice(rest);
                &self.carried[..]
            };
            on_record(RawRecord {
                bytes: &bytes[..length.min(bytes.len())],
                byte: self.record_byte,
                line: self.record_line,
                fields: &self.fields,
                quotes: self.quotes,
                text: Text::Unknown,
                errors: &self.errors,
                blank_lines: self.blank_lines.take(),
            });
        }
        self.line += 1;
        self.begin_record();
    }

    fn begin_record(&mut self) {
        self.record_byte = self.byte;
        self.record_line = self.line;
        self.carried.clear();
        self.fields.clear();
        self.field_count = 0;
        self.quotes = Quotes::None;
        self.errors.clear();
        self.begin_field(0);
    }

    fn begin_field(&mut self, start: usize) {
        self.state = State::FieldStart;
        self.field_start = start;
        self.field_line = self.line;
        self.field_bytes = 0;
        self.field_bytes_max = FIELD_BYTES_MAX;
        self.field_is_invalid = false;
        self.field_count += 1;
        if self.field_count == RECORD_COLUMNS_MAX + 1 {
            let byte = self.field_byte();
            self.error_at(ErrorCode::TooManyColumns, byte);
        }
    }

    fn end_field(&mut self, end: usize) {
        if self.field_count <= RECORD_COLUMNS_MAX {
            self.fields.push(Span { start: self.field_start, end });
        }
    }

    fn count_field_byte(&mut self, byte: u8) {
        if self.field_bytes == 0 && byte == GUARD {
            self.field_bytes_max += 1;
        }
        self.field_bytes += 1;
        if self.field_bytes == self.field_bytes_max + 1 {
            let field_byte = self.field_byte();
            self.error_at(ErrorCode::FieldTooLong, field_byte);
        }
    }

    /// The offset in the record of the next byte.
    fn offset(&self) -> usize {
        usize::try_from(self.byte - self.record_byte).unwrap_or(usize::MAX)
    }

    /// The offset in the file of the first byte of the current field.
    fn field_byte(&self) -> u64 {
        self.record_byte + self.field_start as u64
    }

    fn error_at(&mut self, code: ErrorCode, byte: u64) {
        // A record with too many columns keeps only that error, so that no record can fill the memory with errors.
        if self.field_is_invalid || self.field_count > RECORD_COLUMNS_MAX + 1 {
            return;
        }
        self.field_is_invalid = true;
        self.errors.push(ScanError { code, byte, line: self.field_line, field: self.field_count - 1 });
        // The bytes of an invalid record are not needed.
        self.carried = Vec::new();
    }
}

/// The position of the quote that closes a field, whose opening quote was the last special byte visited, if a comma or
/// a line end follows it.
fn closing_quote(chunk: &[u8], specials: &mut Specials<'_>, record: &mut PlainRecord) -> Option<usize> {
    record.quotes = record.quotes.max(Quotes::Enclosing);
    loop {
        let at = specials.next()?;
        match chunk[at] {
            b',' => {}
            b'\n' => record.line_breaks += 1,
            b'"' => {
                if specials.next()? != at + 1 {
                    return None;
                }
                if chunk[at + 1] != b'"' {
                    return Some(at);
                }
                record.quotes = Quotes::Doubled;
            }
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests;
