//! One row of a correctable file: the cells of a record in the file's own columns, and its errors.

use crate::csv::RowError;
use crate::csv::fields::Fields;
use crate::csv::guard::{GUARD, has_guard, needs_guard};
use crate::limits::FIELD_BYTES_MAX;
use std::borrow::Cow;

/// Separates the columns, and the reasons, of a record with several errors.
const BETWEEN_ERRORS: &str = " | ";
/// Replaces the end of a note that would be too long for a field.
const CUT: &str = " …";

/// Writes rows, with quotes where a cell needs them.
pub(super) type Writer = ::csv::Writer<Vec<u8>>;

/// A writer that goes on behind these bytes. Its lines end as spreadsheets write them.
pub(super) fn writer(bytes: Vec<u8>) -> Writer {
    ::csv::WriterBuilder::new().flexible(true).terminator(::csv::Terminator::CRLF).from_writer(bytes)
}

/// The cells of the current record. It knows which fields are the record's own, and which are notes of an earlier
/// correction.
#[derive(Default)]
pub(super) struct Row {
    /// For each field of the header, whether it is one of the file's own and not a note.
    is_own: Vec<bool>,
    cells: Vec<Vec<u8>>,
}

impl Row {
    /// The rows below a header with this number of fields, of which `notes` are notes.
    pub(super) fn of_header(fields: usize, notes: &[usize]) -> Self {
        Self { is_own: (0..fields).map(|field| !notes.contains(&field)).collect(), cells: Vec::new() }
    }

    /// Sets the values of a well-formed record.
    pub(super) fn set_values(&mut self, fields: &Fields<'_>) {
        self.set((0..fields.count()).map(|field| Cow::Borrowed(fields.get(field))).collect());
    }

    /// Sets the names of a header, without the blanks around them. Blanks are insignificant there, and a guarded tab
    /// would change the name when the file is uploaded again.
    pub(super) fn set_header(&mut self, fields: &Fields<'_>) {
        self.set((0..fields.count()).map(|field| Cow::Borrowed(without_blanks(fields.get(field)))).collect());
    }

    /// Sets the likely values of a malformed record.
    pub(super) fn set_malformed(&mut self, bytes: &[u8]) {
        let line_ends = bytes.iter().rev().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let mut values = split(&bytes[..bytes.len() - line_ends]);
        if self.is_own.contains(&false) {
            // The file comes from a correctable file itself. A second guard would remain when the file is uploaded
            // again.
            for value in values.iter_mut().filter(|value| has_guard(value)) {
                *value = Cow::Owned(value[1..].to_vec());
            }
        }
        self.set(values);
    }

    /// Sets the values of the file's own columns. Surplus values, for example after an unquoted comma, are joined into
    /// the last column with their commas, so that every row has the same columns and nothing is lost.
    fn set(&mut self, mut values: Vec<Cow<'_, [u8]>>) {
        let surplus = values.len().saturating_sub(self.is_own.len());
        if let Some(last) = self.is_own.iter().rposition(|is_own| *is_own).filter(|_| surplus > 0) {
            let joined = values[last..=last + surplus].join(&b","[..]);
            values.splice(last..=last + surplus, [Cow::Owned(joined)]);
        }
        values.resize(self.is_own.len(), Cow::Borrowed(b""));
        let own = self.is_own.iter().zip(values).filter(|(is_own, _)| **is_own);
        self.cells = own.map(|(_, value)| legible(&value).into_owned()).collect();
    }

    /// Writes the header: the file's own columns, and the notes.
    pub(super) fn write_header(&self, notes: [&str; 3], out: &mut Writer) {
        self.write_line(notes, out);
    }

    /// Writes the record with this number, and what is wrong with it.
    pub(super) fn write(&self, number: u32, errors: &[RowError], out: &mut Writer) {
        if errors.is_empty() {
            return self.write_line(["", "", ""], out);
        }
        let mut columns: Vec<String> = errors.iter().map(column_of).filter(|column| !column.is_empty()).collect();
        columns.dedup();
        let reasons: Vec<String> = errors.iter().map(reason_of).collect();
        let (columns, reasons) = (columns.join(BETWEEN_ERRORS), reasons.join(BETWEEN_ERRORS));
        self.write_line([&number.to_string(), &cut(columns), &cut(reasons)], out);
    }

    fn write_line(&self, notes: [&str; 3], out: &mut Writer) {
        let cells = self.cells.iter().map(Vec::as_slice).chain(notes.map(str::as_bytes));
        // Writing to a Vec cannot fail.
        let _ = out.write_record(cells.map(guarded));
    }
}

fn without_blanks(name: &[u8]) -> &[u8] {
    let is_name = |byte: &u8| !matches!(byte, b' ' | b'\t');
    let start = name.iter().position(is_name).unwrap_or(name.len());
    let end = name.iter().rposition(is_name).map_or(start, |last| last + 1);
    &name[start..end]
}

fn column_of(error: &RowError) -> String {
    match (error.column, error.column_number) {
        (Some(column), _) => column.name().to_owned(),
        (None, Some(number)) => format!("field {number}"),
        (None, None) => String::new(),
    }
}

fn reason_of(error: &RowError) -> String {
    let column = column_of(error);
    let separator = if column.is_empty() { "" } else { ": " };
    format!("{column}{separator}{}; {}", error.reason, error.code.fix())
}

/// Shortens a note to the limit of a field. Reasons are ASCII.
fn cut(mut note: String) -> String {
    let most = FIELD_BYTES_MAX - CUT.len();
    if note.len() > most && note.is_char_boundary(most) {
        note.truncate(most);
        note.push_str(CUT);
    }
    note
}

/// A value as text that a spreadsheet can show. Bytes that are not UTF-8, control characters and byte-order marks,
/// which no valid value has, become U+FFFD, so that they are visible. A value that still has it when the file is
/// uploaded again is rejected (`uncorrected` in `record.rs`).
fn legible(value: &[u8]) -> Cow<'_, [u8]> {
    let is_illegible = |character: char| {
        character == '\u{feff}' || (character.is_control() && !matches!(character, '\t' | '\r' | '\n'))
    };
    match std::str::from_utf8(value) {
        Ok(text) if !text.contains(is_illegible) => Cow::Borrowed(value),
        _ => Cow::Owned(String::from_utf8_lossy(value).replace(is_illegible, "\u{fffd}").into_bytes()),
    }
}

/// A value, with a guard if it needs one.
fn guarded(value: &[u8]) -> Cow<'_, [u8]> {
    if needs_guard(value) { Cow::Owned([&[GUARD], value].concat()) } else { Cow::Borrowed(value) }
}

/// Splits a malformed record into its likely fields. A properly quoted field is the value between its quotes; any other
/// field is its literal text, with its quotes, up to the next comma, or to the end if a quote is never closed.
fn split(record: &[u8]) -> Vec<Cow<'_, [u8]>> {
    let mut values = Vec::new();
    let mut rest = record;
    loop {
        let (value, end) = first_value(rest);
        values.push(value);
        match rest.get(end) {
            Some(_) => rest = &rest[end + 1..],
            None => return values,
        }
    }
}

/// The first value of a record, and the position of the comma after it.
fn first_value(record: &[u8]) -> (Cow<'_, [u8]>, usize) {
    let literally = |from: usize| {
        let end = memchr::memchr(b',', &record[from..]).map_or(record.len(), |comma| from + comma);
        (Cow::Borrowed(&record[..end]), end)
    };
    if record.first() != Some(&b'"') {
        return literally(0);
    }
    let mut value = Vec::new();
    let mut from = 1;
    while let Some(quote) = memchr::memchr(b'"', &record[from..]).map(|quote| from + quote) {
        value.extend_from_slice(&record[from..quote]);
        match record.get(quote + 1) {
            Some(b'"') => {
                value.push(b'"');
                from = quote + 2;
            }
            None | Some(b',') => return (Cow::Owned(value), quote + 1),
            Some(_) => return literally(quote),
        }
    }
    (Cow::Borrowed(record), record.len())
}
