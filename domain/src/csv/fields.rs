//! Removes the quotes from the fields of a record.

use super::guard::has_guard;
use super::raw_record::{Quotes, RawRecord, Span};
use crate::limits::RECORD_COLUMNS_MAX;

/// Reads the fields of well-formed records. It keeps the positions of one record, and its values if it has doubled
/// quotes.
#[derive(Debug)]
pub(super) struct FieldReader {
    spans: Vec<Span>,
    /// The values of a record with doubled quotes, one after the other.
    values: Vec<u8>,
    /// Whether the file comes from a correctable file, so that guards are removed.
    has_guards: bool,
}

impl Default for FieldReader {
    fn default() -> Self {
        Self::new(false)
    }
}

/// The values of one record's fields, quotes removed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a> {
    bytes: &'a [u8],
    spans: &'a [Span],
}

impl FieldReader {
    /// A reader of a file with or without guarded values.
    pub(super) fn new(has_guards: bool) -> Self {
        Self { spans: Vec::with_capacity(RECORD_COLUMNS_MAX), values: Vec::new(), has_guards }
    }

    /// Whether guards are removed.
    #[inline]
    pub(super) fn has_guards(&self) -> bool {
        self.has_guards
    }

    /// The values of the fields of `record`, which must have no error.
    #[inline]
    pub(super) fn read<'a>(&'a mut self, record: &RawRecord<'a>) -> Fields<'a> {
        if self.has_guards {
            return self.read_guarded(record);
        }
        match record.quotes {
            Quotes::None => Fields { bytes: record.bytes, spans: record.fields },
            Quotes::Enclosing => {
                self.spans.clear();
                self.spans.extend(record.fields.iter().map(|&field| inside_quotes(record.bytes, field)));
                Fields { bytes: record.bytes, spans: &self.spans }
            }
            Quotes::Doubled => self.read_doubled(record),
        }
    }

    /// The same without the guards: a guarded value begins one byte later.
    #[cold]
    fn read_guarded<'a>(&'a mut self, record: &RawRecord<'a>) -> Fields<'a> {
        let bytes = if record.quotes == Quotes::Doubled {
            self.read_doubled(record);
            &self.values
        } else {
            self.spans.clear();
            self.spans.extend(record.fields.iter().map(|&field| inside_quotes(record.bytes, field)));
            record.bytes
        };
        for span in &mut self.spans {
            span.start += usize::from(has_guard(&bytes[span.start..span.end]));
        }
        Fields { bytes, spans: &self.spans }
    }

    fn read_doubled(&mut self, record: &RawRecord<'_>) -> Fields<'_> {
        self.spans.clear();
        self.values.clear();
        for &field in record.fields {
            let start = self.values.len();
            let value = inside_quotes(record.bytes, field);
            let mut rest = &record.bytes[value.start..value.end];
            // Between the quotes of a field, every quote is doubled. Outside, there is none.
            while let Some(quote) = memchr::memchr(b'"', rest) {
                self.values.extend_from_slice(&rest[..=quote]);
                rest = &rest[rest.len().min(quote + 2)..];
            }
            self.values.extend_from_slice(rest);
            self.spans.push(Span { start, end: self.values.len() });
        }
        Fields { bytes: &self.values, spans: &self.spans }
    }
}

/// The span of the value of a field.
#[inline]
fn inside_quotes(bytes: &[u8], field: Span) -> Span {
    // A well-formed field that begins with a quote ends with one.
    if bytes.get(field.start) == Some(&b'"') && field.end > field.start + 1 {
        Span { start: field.start + 1, end: field.end - 1 }
    } else {
        field
    }
}

impl<'a> Fields<'a> {
    #[inline]
    pub(super) fn count(&self) -> usize {
        self.spans.len()
    }

    /// The value of the field at `index`, from 0; empty beyond the last.
    #[inline]
    pub(super) fn get(&self, index: usize) -> &'a [u8] {
        self.spans.get(index).and_then(|span| self.bytes.get(span.start..span.end)).unwrap_or_default()
    }
}
