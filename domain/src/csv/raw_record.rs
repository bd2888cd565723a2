//! A record as the scanner finds it: bytes, positions and errors, but no values yet.

use super::ErrorCode;

/// One record, without its line end.
#[derive(Debug)]
pub struct RawRecord<'a> {
    /// Its bytes in the file. Empty if there are [`RawRecord::errors`]: the rest of an invalid record is not kept.
    pub bytes: &'a [u8],
    /// The offset of its first byte in the file.
    pub byte: u64,
    /// The line on which it starts, from 1.
    pub line: u32,
    /// Its fields. Empty if it has an error.
    pub fields: &'a [Span],
    /// Which quotes must be removed to read its values.
    pub quotes: Quotes,
    /// What is known about its characters.
    pub text: Text,
    /// The errors of its structure, at most one for each field.
    pub errors: &'a [ScanError],
    /// The blank lines between the record before and this one.
    pub blank_lines: Option<BlankLines>,
}

/// The bytes of a field in its record, its quotes included.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Span {
    /// The offset of its first byte.
    pub start: usize,
    /// The offset after its last byte.
    pub end: usize,
}

/// The quotes of a record, in the order of the work to remove them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Quotes {
    /// No field is quoted.
    None,
    /// There are quotes only at the ends of fields.
    Enclosing,
    /// Some quote inside a field is doubled.
    Doubled,
}

/// What the scanner knows about the characters of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Text {
    /// Every byte is printable ASCII.
    PrintableAscii,
    /// It has no ASCII control character except line feeds. Bytes above ASCII may be anything.
    WithoutAsciiControls,
    /// Nothing.
    Unknown,
}

/// A broken rule of the structure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ScanError {
    /// The rule.
    pub code: ErrorCode,
    /// The offset in the file of the byte that breaks it.
    pub byte: u64,
    /// The line of the field, from 1.
    pub line: u32,
    /// The position of the field in its record, from 0.
    pub field: usize,
}

/// A run of blank lines.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BlankLines {
    /// The offset of the first of them.
    pub byte: u64,
    /// The number of the first of them.
    pub line: u32,
    /// How many there are.
    pub count: u32,
}
