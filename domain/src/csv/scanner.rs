//! Finds the records of a CSV file (RFC 4180) and every fault of their structure, while the bytes stream by.
//!
//! `csv-core` never fails and always finds some parse, so strictness has to be ours. The scanner decides where records
//! and fields begin and which quotes, line ends and lengths break a rule; `csv-core` then reads the fields of the
//! records that are sound. It holds one record at most, and nothing of a record that is too large.

use super::ErrorCode;
use crate::limits::{FIELD_BYTES_MAX, RECORD_COLUMNS_MAX};

/// One record, without its line end.
#[derive(Debug)]
pub struct RawRecord<'a> {
    /// Its bytes as they stand in the file. Empty where [`RawRecord::faults`] is not: a faulty record is not read on.
    pub bytes: &'a [u8],
    /// The offset of its first byte in the file.
    pub byte: u64,
    /// The line on which it starts, from 1.
    pub line: u32,
    /// Where its fields begin.
    pub fields: &'a [FieldPlace],
    /// What is wrong with its structure, at most one fault a field.
    pub faults: &'a [Fault],
    /// The blank lines between the record before and this one.
    pub blank_lines: Option<BlankLines>,
}

/// Where a field begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FieldPlace {
    /// The offset of its first byte (or opening quote) in the record.
    pub offset: usize,
    /// The line on which it starts, from 1.
    pub line: u32,
}

/// A broken rule of the structure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fault {
    /// Which rule.
    pub code: ErrorCode,
    /// The offset in the file of the byte that breaks it.
    pub byte: u64,
    /// The line of the field, from 1.
    pub line: u32,
    /// The field's place in its record, from 0.
    pub field: usize,
}

/// A run of blank lines.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BlankLines {
    /// The offset of the first of them.
    pub byte: u64,
    /// The number of the first of them.
    pub line: u32,
    /// How many they are.
    pub count: u32,
}

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

/// See the module's text. Make one with [`Scanner::at`], feed it with [`Scanner::push`], end it with
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
    fields: Vec<FieldPlace>,
    field_count: usize,
    /// The length of the present field's value, quotes removed.
    field_bytes: usize,
    field_is_faulty: bool,
    faults: Vec<Fault>,
    blank_lines: Option<BlankLines>,
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
            field_bytes: 0,
            field_is_faulty: false,
            faults: Vec::new(),
            blank_lines: None,
        };
        scanner.begin_field(byte);
        scanner
    }

    /// Takes the next bytes and hands every record that ends in them to `on_record`.
    pub fn push(&mut self, chunk: &[u8], on_record: &mut impl FnMut(RawRecord<'_>)) {
        // Where the part of the present record that lies in this chunk begins.
        let mut from = 0;
        for (at, &byte) in chunk.iter().enumerate() {
            if self.state == State::CarriageReturn && byte != b'\n' {
                self.fault_at(ErrorCode::LoneCarriageReturn, self.byte - 1);
                self.end_record(&chunk[from..at], 1, on_record);
                from = at;
            }
            match (self.state, byte) {
                (State::Unquoted, b',') | (State::QuoteInQuoted | State::FieldStart, b',') => {
                    self.begin_field(self.byte + 1)
                }
                (State::FieldStart | State::Unquoted | State::QuoteInQuoted, b'\r') => {
                    self.state = State::CarriageReturn
                }
                (State::FieldStart | State::Unquoted | State::QuoteInQuoted | State::CarriageReturn, b'\n') => {
                    let line_end = if self.state == State::CarriageReturn { 2 } else { 1 };
                    self.byte += 1;
                    self.end_record(&chunk[from..=at], line_end, on_record);
                    from = at + 1;
                    continue;
                }
                (State::FieldStart, b'"') => self.state = State::Quoted,
                (State::FieldStart | State::Unquoted, byte) => {
                    self.state = State::Unquoted;
                    if byte == b'"' {
                        self.fault_at(ErrorCode::QuoteInUnquotedField, self.byte);
                    }
                    self.count_field_byte();
                }
                (State::Quoted, b'"') => self.state = State::QuoteInQuoted,
                (State::Quoted, byte) => {
                    if byte == b'\n' {
                        self.line += 1;
                    }
                    self.count_field_byte();
                }
                (State::QuoteInQuoted, b'"') => {
                    self.state = State::Quoted;
                    self.count_field_byte();
                }
                (State::QuoteInQuoted, _) => {
                    self.fault_at(ErrorCode::TextAfterQuote, self.byte);
                    self.state = State::Unquoted;
                }
                // A carriage return that anything but a line feed follows has ended its record above.
                (State::CarriageReturn, _) => {}
            }
            self.byte += 1;
        }
        if self.faults.is_empty() {
            self.carried.extend_from_slice(&chunk[from..]);
        }
    }

    /// Takes the end of the file. The last record needs no line end.
    pub fn finish(mut self, on_record: &mut impl FnMut(RawRecord<'_>)) {
        match self.state {
            State::Quoted if self.field_count <= RECORD_COLUMNS_MAX => {
                // The missing quote explains everything that this field seemed to break.
                let field = self.field_count - 1;
                self.faults.retain(|fault| fault.field != field);
                self.field_is_faulty = false;
                let opening_quote = self.field_byte();
                self.fault_at(ErrorCode::UnclosedQuote, opening_quote);
            }
            State::CarriageReturn => self.fault_at(ErrorCode::LoneCarriageReturn, self.byte - 1),
            _ => {}
        }
        let line_end = u64::from(self.state == State::CarriageReturn);
        if self.byte > self.record_byte {
            self.end_record(&[], line_end, on_record);
        }
    }

    /// Hands out the present record, whose last part is `rest` with a line end of `line_end` bytes, and begins the next.
    fn end_record(&mut self, rest: &[u8], line_end: u64, on_record: &mut impl FnMut(RawRecord<'_>)) {
        let length = usize::try_from(self.byte - self.record_byte - line_end).unwrap_or(usize::MAX);
        if length == 0 && self.faults.is_empty() {
            let first = BlankLines { byte: self.record_byte, line: self.record_line, count: 0 };
            self.blank_lines.get_or_insert(first).count += 1;
        } else {
            let bytes = if !self.faults.is_empty() {
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
                faults: &self.faults,
                blank_lines: self.blank_lines.take(),
            });
        }
        self.begin_record();
    }

    fn begin_record(&mut self) {
        self.line += 1;
        self.record_byte = self.byte;
        self.record_line = self.line;
        self.carried.clear();
        self.fields.clear();
        self.field_count = 0;
        self.faults.clear();
        self.begin_field(self.byte);
    }

    fn begin_field(&mut self, byte: u64) {
        self.state = State::FieldStart;
        self.field_bytes = 0;
        self.field_is_faulty = false;
        self.field_count += 1;
        if self.field_count <= RECORD_COLUMNS_MAX {
            let offset = usize::try_from(byte - self.record_byte).unwrap_or(usize::MAX);
            self.fields.push(FieldPlace { offset, line: self.line });
        } else if self.field_count == RECORD_COLUMNS_MAX + 1 {
            self.fault_at(ErrorCode::TooManyColumns, byte);
        }
    }

    fn count_field_byte(&mut self) {
        self.field_bytes += 1;
        if self.field_bytes == FIELD_BYTES_MAX + 1 {
            let field_byte = self.field_byte();
            self.fault_at(ErrorCode::FieldTooLong, field_byte);
        }
    }

    /// The offset in the file of the present field's first byte.
    fn field_byte(&self) -> u64 {
        self.fields.last().map_or(self.record_byte, |field| self.record_byte + field.offset as u64)
    }

    fn fault_at(&mut self, code: ErrorCode, byte: u64) {
        // A record of too many columns keeps that one fault, so that no record can fill the memory with faults.
        if self.field_is_faulty || self.field_count > RECORD_COLUMNS_MAX + 1 {
            return;
        }
        self.field_is_faulty = true;
        let line = self.fields.last().map_or(self.record_line, |field| field.line);
        self.faults.push(Fault { code, byte, line, field: self.field_count - 1 });
        // A faulty record is not read on, so its bytes need not be kept.
        self.carried = Vec::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, PartialEq, Eq, Clone)]
    struct Seen {
        bytes: Vec<u8>,
        byte: u64,
        line: u32,
        field_offsets: Vec<usize>,
        faults: Vec<(ErrorCode, u64, usize)>,
        blank_lines: Option<BlankLines>,
    }

    fn scan(text: &[u8], chunk_size: usize) -> Vec<Seen> {
        let mut seen = Vec::new();
        let mut keep = |record: RawRecord<'_>| {
            seen.push(Seen {
                bytes: record.bytes.to_vec(),
                byte: record.byte,
                line: record.line,
                field_offsets: record.fields.iter().map(|field| field.offset).collect(),
                faults: record.faults.iter().map(|fault| (fault.code, fault.byte, fault.field)).collect(),
                blank_lines: record.blank_lines,
            });
        };
        let mut scanner = Scanner::at(0, 1);
        for chunk in text.chunks(chunk_size) {
            scanner.push(chunk, &mut keep);
        }
        scanner.finish(&mut keep);
        seen
    }

    fn faults_of(text: &str) -> Vec<(ErrorCode, u64, usize)> {
        scan(text.as_bytes(), 7).into_iter().flat_map(|record| record.faults).collect()
    }

    #[test]
    fn sound_records_come_whole_with_their_places() {
        let seen = scan(b"a,b\r\n\"x,\"\"\n\",2\nlast,\"\"", 3);
        let bytes: Vec<_> = seen.iter().map(|record| record.bytes.as_slice()).collect();
        assert_eq!(bytes, [&b"a,b"[..], b"\"x,\"\"\n\",2", b"last,\"\""]);
        assert_eq!(seen.iter().map(|record| (record.byte, record.line)).collect::<Vec<_>>(), [(0, 1), (5, 2), (15, 4)]);
        assert_eq!(seen[1].field_offsets, [0, 8]);
        assert!(seen.iter().all(|record| record.faults.is_empty()));
    }

    #[test]
    fn faults_have_the_byte_that_breaks_the_rule() {
        use ErrorCode::{
            FieldTooLong, LoneCarriageReturn, QuoteInUnquotedField, TextAfterQuote, TooManyColumns, UnclosedQuote,
        };
        assert_eq!(faults_of("a,b\"c\n"), [(QuoteInUnquotedField, 3, 1)]);
        assert_eq!(faults_of("\"a\"b,\"c\" ,d\n"), [(TextAfterQuote, 3, 0), (TextAfterQuote, 8, 1)]);
        assert_eq!(faults_of("ok,1\nx,\"open\nmore,2\n"), [(UnclosedQuote, 7, 1)]);
        assert_eq!(faults_of("a,b\rc,d\r"), [(LoneCarriageReturn, 3, 1), (LoneCarriageReturn, 7, 1)]);
        assert_eq!(faults_of(&format!("ab,{}\n", "x".repeat(FIELD_BYTES_MAX + 1))), [(FieldTooLong, 3, 1)]);
        assert_eq!(faults_of(&format!("{}\n", ",".repeat(100))), [(TooManyColumns, 64, 64)]);
        assert_eq!(faults_of(&format!("a,\"{}", "x\n".repeat(FIELD_BYTES_MAX))), [(UnclosedQuote, 2, 1)]);
        assert_eq!(faults_of(&format!("{},\"{}\"\n", "x".repeat(FIELD_BYTES_MAX), "\"\"".repeat(FIELD_BYTES_MAX))), []);
        assert_eq!(faults_of(&format!("{}\n", ",".repeat(RECORD_COLUMNS_MAX - 1))), []);
    }

    #[test]
    fn blank_lines_are_told_only_where_a_record_follows() {
        let seen = scan(b"a\n\n\r\nb\n\n\n", 2);
        assert_eq!(seen.len(), 2);
        assert_eq!(seen[1].blank_lines, Some(BlankLines { byte: 2, line: 2, count: 2 }));
    }

    proptest! {
        #[test]
        fn chunks_do_not_matter(text in "([a-c,\"\r\n]|é){0,60}", chunk_size in 1_usize..20) {
            prop_assert_eq!(scan(text.as_bytes(), chunk_size), scan(text.as_bytes(), usize::MAX));
        }

        /// On files without a fault, our records and fields are those of the `csv` reader.
        #[test]
        fn agrees_with_csv_core_where_nothing_is_wrong(text in "([a-c,\"\n]|\r\n|\"\"|,\"[a-c,\n]*\"){0,40}") {
            let seen = scan(text.as_bytes(), 5);
            prop_assume!(seen.iter().all(|record| record.faults.is_empty()));
            let mut reader = csv_core::Reader::new();
            let (mut output, mut ends) = (vec![0; text.len() + 1], vec![0; text.len() + 1]);
            let mut input = text.as_bytes();
            let mut field_counts = Vec::new();
            loop {
                let (result, read, _, fields) = reader.read_record(input, &mut output, &mut ends);
                input = &input[read..];
                match result {
                    csv_core::ReadRecordResult::Record => field_counts.push(fields),
                    csv_core::ReadRecordResult::End => break,
                    _ => {
                        if input.is_empty() {
                            let (last, _, _, rest) = reader.read_record(&[], &mut output[1..], &mut ends[fields..]);
                            if last == csv_core::ReadRecordResult::Record { field_counts.push(fields + rest); }
                            break;
                        }
                    }
                }
            }
            let ours: Vec<_> = seen.iter().map(|record| record.field_offsets.len()).collect();
            prop_assert_eq!(ours, field_counts);
        }
    }
}
