//! A record as the scanner finds it: bytes, places and errors, but no values yet.

use super::ErrorCode;

/// One record, without its line end.
#[derive(Debug)]
pub struct RawRecord<'a> {
    /// Its bytes as they stand in the file. Empty where [`RawRecord::errors`] is not: a invalid record is not read on.
    pub bytes: &'a [u8],
    /// The offset of its first byte in the file.
    pub byte: u64,
    /// The line on which it starts, from 1.
    pub line: u32,
    /// Its fields. Empty where it has a error.
    pub fields: &'a [Span],
    /// What its quotes need before its values can be read.
    pub quotes: Quotes,
    /// What is known of its characters.
    pub text: Text,
    /// What is wrong with its structure, at most one error a field.
    pub errors: &'a [ScanError],
    /// The blank lines between the record before and this one.
    pub blank_lines: Option<BlankLines>,
}

/// Where a field lies in its record, in bytes; its quotes are a part of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Span {
    /// The offset of its first byte.
    pub start: usize,
    /// The offset after its last byte.
    pub end: usize,
}

/// The quotes of a record, in the order of the work that they need.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Quotes {
    /// No field is quoted.
    None,
    /// Quotes stand at the ends of fields only.
    Enclosing,
    /// Some quote inside a field is doubled.
    Doubled,
}

/// What is known of the characters of a record before anyone has looked at them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Text {
    /// Every byte is printable ASCII.
    PrintableAscii,
    /// It has no control character of ASCII but line feeds. What is beyond ASCII may be anything.
    WithoutAsciiControls,
    /// Nothing.
    Unknown,
}

/// A broken rule of the structure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ScanError {
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
