//! The errors of one record's fields, and those of its text.

use super::raw_record::{RawRecord, Text};
use super::{Column, Columns, ErrorCode, RowError};
use std::borrow::Cow;

/// An error of one field, without its position in the file.
pub(super) struct FieldError {
    field: usize,
    column: Option<Column>,
    /// Where in the field, in bytes.
    offset: usize,
    code: ErrorCode,
    reason: Cow<'static, str>,
}

impl FieldError {
    pub(super) fn new(field: usize, column: Option<Column>, code: ErrorCode) -> Self {
        Self { field, column, offset: 0, code, reason: Cow::Borrowed(code.reason()) }
    }

    pub(super) fn because(mut self, reason: impl Into<Cow<'static, str>>) -> Self {
        self.reason = reason.into();
        self
    }

    /// The field, from 0.
    pub(super) fn field(&self) -> usize {
        self.field
    }

    /// Adds the position.
    pub(super) fn in_record(self, record: &RawRecord<'_>, number: u32) -> RowError {
        let start = record.fields.get(self.field).map_or(0, |field| field.start);
        let line_breaks = record.bytes.iter().take(start).filter(|&&byte| byte == b'\n').count();
        RowError {
            record: number,
            line: record.line + u32::try_from(line_breaks).unwrap_or(u32::MAX),
            column: self.column,
            column_number: u32::try_from(self.field + 1).ok(),
            byte: record.byte + (start + self.offset) as u64,
            code: self.code,
            reason: self.reason,
        }
    }
}

/// Finds what no field of the file may contain: bytes that are not UTF-8, byte-order marks, control characters. At most
/// one error a field.
#[inline]
pub(super) fn text_errors(record: &RawRecord<'_>, column_of: impl Fn(usize) -> Option<Column>) -> Vec<FieldError> {
    if is_clean(record) {
        return Vec::new();
    }
    (0..)
        .zip(record.fields)
        .filter_map(|(field, span)| {
            let (code, offset) = text_error(&record.bytes[span.start..span.end])?;
            Some(FieldError { offset, ..FieldError::new(field, column_of(field), code) })
        })
        .collect()
}

/// The errors of a record of a corrected file: a field with one of the six columns that still has U+FFFD, which
/// replaces characters that could not be shown. Accepting it would lose the original value.
pub(super) fn uncorrected(record: &RawRecord<'_>, columns: &Columns) -> Vec<FieldError> {
    let fields = (0..).zip(record.fields);
    let own =
        fields.filter_map(|(field, span)| Some((field, columns.get(field)?, &record.bytes[span.start..span.end])));
    own.filter_map(|(field, column, raw)| {
        let offset = memchr::memmem::find(raw, "\u{fffd}".as_bytes())?;
        let error = FieldError::new(field, Some(column), ErrorCode::EncodingInvalidUtf8);
        Some(
            FieldError { offset, ..error }
                .because("U+FFFD replaces characters that could not be shown; write those characters"),
        )
    })
    .collect()
}

/// Whether it is certain that no field of the record has an error of its text.
#[inline]
fn is_clean(record: &RawRecord<'_>) -> bool {
    match record.text {
        Text::PrintableAscii => true,
        Text::WithoutAsciiControls => is_clean_utf8(record.bytes),
        Text::Unknown => record.bytes.iter().all(|byte| matches!(byte, b' '..=b'~')),
    }
}

/// Whether bytes without ASCII control characters are UTF-8 without the control characters of Latin-1 (U+0080 to
/// U+009F, which begin with C2) and without a possible byte-order mark (EF BB BF).
fn is_clean_utf8(bytes: &[u8]) -> bool {
    let suspect = |at: usize| bytes[at] == 0xef || bytes.get(at + 1).is_some_and(|byte| *byte <= 0x9f);
    simdutf8::basic::from_utf8(bytes).is_ok() && !memchr::memchr2_iter(0xc2, 0xef, bytes).any(suspect)
}

fn text_error(raw: &[u8]) -> Option<(ErrorCode, usize)> {
    let text = match std::str::from_utf8(raw) {
        Ok(text) => text,
        Err(error) => return Some((ErrorCode::EncodingInvalidUtf8, error.valid_up_to())),
    };
    text.char_indices().find_map(|(offset, character)| match character {
        '\u{feff}' => Some((ErrorCode::ByteOrderMarkInside, offset)),
        '\t' | '\r' | '\n' => None,
        character if character.is_control() => Some((ErrorCode::ControlCharacter, offset)),
        _ => None,
    })
}
