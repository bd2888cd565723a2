//! Shows an error in its line, as rustc does.

use crate::finding::{Code, Finding};
use crate::print;
use crate::source::Source;
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use domain::csv::ErrorCode;
use std::io::{self, IsTerminal};
use std::ops::Range;

/// How far before an error its line is searched, in bytes. A longer line is cut off.
const BEFORE_BYTES: usize = 16 * 1024;
/// How far after it.
const AFTER_BYTES: usize = 8 * 1024;
/// How much of a line is shown on either side of an error, in bytes.
const SIDE_BYTES: usize = 240;
const CUT: &str = "…";

/// What an error is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Scope {
    /// The file as a whole, so that no line shows it.
    File,
    /// The rest of the line.
    Line,
    Field,
    Character,
}

impl Scope {
    fn of(code: &Code) -> Self {
        let Code::Known(code) = code else {
            return Self::Field;
        };
        match code {
            ErrorCode::FileEmpty
            | ErrorCode::NoDataRows
            | ErrorCode::FileTooLarge
            | ErrorCode::EncodingUtf16
            | ErrorCode::RowCountMismatch
            | ErrorCode::TotalMismatch => Self::File,
            ErrorCode::HeaderMissingColumn
            | ErrorCode::WrongDelimiter
            | ErrorCode::SeparatorLine
            | ErrorCode::TooManyColumns
            | ErrorCode::TooFewFields
            | ErrorCode::TooManyFields => Self::Line,
            ErrorCode::EncodingInvalidUtf8
            | ErrorCode::ByteOrderMarkInside
            | ErrorCode::ControlCharacter
            | ErrorCode::UnclosedQuote
            | ErrorCode::TextAfterQuote
            | ErrorCode::QuoteInUnquotedField
            | ErrorCode::LoneCarriageReturn => Self::Character,
            _ => Self::Field,
        }
    }
}

/// Renders errors as text, with color on a terminal.
#[derive(Debug)]
pub(crate) struct ErrorRenderer(Renderer);

impl ErrorRenderer {
    /// For stdout.
    pub(crate) fn for_stdout() -> Self {
        let use_color = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self(if use_color { Renderer::styled() } else { Renderer::plain() })
    }

    /// An error with its line, its position in it, and its fix.
    pub(crate) fn render(&self, finding: &Finding, source: &Source) -> io::Result<String> {
        let name = source.name.clone();
        let position = match (&finding.column, finding.record) {
            (Some(column), 0) => format!("{column}, in the header"),
            (None, 0) => "in the header".to_owned(),
            (Some(column), record) => format!("{column} of record {record}"),
            (None, record) => format!("record {record}"),
        };
        let title = Level::ERROR.primary_title(print::sanitized(&finding.reason)).id(finding.code.as_str().to_owned());
        let report = match Excerpt::of(finding, source)? {
            Some(excerpt) => title.element(
                Snippet::source(excerpt.text)
                    .line_start(usize::try_from(finding.line).unwrap_or(usize::MAX))
                    .path(name)
                    .annotation(AnnotationKind::Primary.span(excerpt.span).label(position)),
            ),
            None => title.element(Level::NOTE.message(format!("this is about the whole file {name}"))),
        };
        Ok(self.0.render(&[report.element(Level::HELP.message(finding.fix.clone()))]))
    }
}

/// A line, or a part of it, and the position of the error.
#[derive(PartialEq, Eq, Debug)]
struct Excerpt {
    text: String,
    span: Range<usize>,
}

impl Excerpt {
    fn of(finding: &Finding, source: &Source) -> io::Result<Option<Self>> {
        let scope = Scope::of(&finding.code);
        if scope == Scope::File {
            return Ok(None);
        }
        let start = finding.byte.saturating_sub(BEFORE_BYTES as u64);
        let bytes = source.bytes_at(start, BEFORE_BYTES + AFTER_BYTES)?;
        let at = usize::try_from(finding.byte - start).unwrap_or_default().min(bytes.len());
        Ok(Some(Self::in_bytes(&bytes, at, scope)))
    }

    /// The line around `bytes[at]`.
    fn in_bytes(bytes: &[u8], at: usize, scope: Scope) -> Self {
        let line_start = bytes[..at].iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        let line_end = bytes[at..].iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |length| at + length);
        let line_end = if bytes[at..line_end].ends_with(b"\r") { line_end - 1 } else { line_end };
        let concerned = &bytes[at..line_end];
        let length = match scope {
            Scope::Character => character_bytes(concerned),
            Scope::Field => field_bytes(concerned),
            Scope::File | Scope::Line => concerned.len(),
        };
        let end = at + length;
        let shown = at.saturating_sub(SIDE_BYTES).max(line_start)..line_end.min(end.min(at + SIDE_BYTES) + SIDE_BYTES);
        let mut text = String::new();
        if shown.start > line_start {
            text.push_str(CUT);
        }
        push_shown(&mut text, &bytes[shown.start..at]);
        let from = text.len();
        push_shown(&mut text, &bytes[at..end.min(shown.end)]);
        let span = from..text.len();
        push_shown(&mut text, &bytes[end.min(shown.end)..shown.end]);
        if shown.end < line_end {
            text.push_str(CUT);
        }
        Self { text, span }
    }
}

/// The length of the first character of a text. An invalid byte counts as one.
fn character_bytes(text: &[u8]) -> usize {
    let first = text.utf8_chunks().next().map(|chunk| chunk.valid().chars().next().map_or(1, char::len_utf8));
    first.unwrap_or_default().min(text.len())
}

/// The length of the first field of a text, with its quotes.
fn field_bytes(text: &[u8]) -> usize {
    let mut quoted = false;
    let ends = |&byte: &u8| {
        if byte == b'"' {
            quoted = !quoted;
        }
        byte == b',' && !quoted
    };
    text.iter().position(ends).unwrap_or(text.len())
}

/// Adds bytes, safe for a terminal: the file can neither control the terminal nor hide what it has.
fn push_shown(text: &mut String, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            text.push(match character {
                // Each control character of ASCII has a symbol.
                '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(character)).unwrap_or('\u{fffd}'),
                '\u{7f}' => '\u{2421}',
                character if print::is_deceptive(character) => '\u{fffd}',
                character => character,
            });
        }
        if !chunk.invalid().is_empty() {
            text.push('\u{fffd}');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The line, with the position of the error in brackets.
    fn shown(file: &[u8], at: usize, code: ErrorCode) -> String {
        let Excerpt { text, span } = Excerpt::in_bytes(file, at, Scope::of(&Code::Known(code)));
        format!("{}[{}]{}", &text[..span.start], &text[span.clone()], &text[span.end..])
    }

    #[test]
    fn points_at_the_field_the_character_or_the_line() {
        let file = b"a,b,c\r\n1,\"x, \"\"y\"\"\",3\r\nlast";
        assert_eq!(shown(file, 7, ErrorCode::AmountMalformed), "[1],\"x, \"\"y\"\"\",3");
        assert_eq!(shown(file, 9, ErrorCode::FieldEmpty), "1,[\"x, \"\"y\"\"\"],3");
        assert_eq!(shown(file, 9, ErrorCode::UnclosedQuote), "1,[\"]x, \"\"y\"\"\",3");
        assert_eq!(shown(file, 0, ErrorCode::HeaderMissingColumn), "[a,b,c]");
        assert_eq!(shown(file, 23, ErrorCode::AmountMalformed), "[last]");
        assert_eq!(shown(file, 27, ErrorCode::FieldEmpty), "last[]");
        assert_eq!(shown(b"", 0, ErrorCode::FieldEmpty), "[]");
        assert_eq!(shown(b"a\n\nb", 2, ErrorCode::BlankLine), "[]");
    }

    #[test]
    fn control_characters_are_replaced() {
        assert_eq!(shown(b"a\x1b[31m,\xff\xc3\xa9,x", 8, ErrorCode::EncodingInvalidUtf8), "a␛[31m,�[é],x");
        assert_eq!(shown(b"a\x1b[31m,\xff\xc3\xa9,x", 7, ErrorCode::EncodingInvalidUtf8), "a␛[31m,[�]é,x");
        assert_eq!(shown("\u{202e}x\u{feff},y".as_bytes(), 3, ErrorCode::FieldEmpty), "�[x�],y");
    }

    #[test]
    fn cuts_a_long_line_on_both_sides() {
        let file = format!("{},{},{}", "a".repeat(5000), "b".repeat(4000), "c".repeat(5000));
        let text = shown(file.as_bytes(), 5001, ErrorCode::FieldTooLong);
        assert!(text.starts_with("…aaa") && text.ends_with("bbb]…"), "{text}");
        assert!(text.len() < 4 * SIDE_BYTES, "{}", text.len());
    }
}
