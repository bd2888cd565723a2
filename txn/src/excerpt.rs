//! Shows an error in the line that it is about, as rustc does.

use crate::finding::Finding;
use crate::print;
use crate::source::Source;
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use std::io::{self, IsTerminal};
use std::ops::Range;

/// How far before an error its line is looked for, in bytes. What begins earlier is cut off.
const BEFORE_BYTES: usize = 16 * 1024;
/// How far after it.
const AFTER_BYTES: usize = 8 * 1024;
/// How much of a line is shown on either side of an error, in bytes.
const SIDE_BYTES: usize = 240;
const CUT: &str = "…";

/// Errors of the file as a whole, which no line shows.
const OF_THE_WHOLE_FILE: [&str; 6] =
    ["file_empty", "no_data_rows", "file_too_large", "encoding_utf16", "row_count_mismatch", "total_mismatch"];
/// Errors of a character rather than of a field.
const OF_A_CHARACTER: [&str; 7] = [
    "encoding_invalid_utf8",
    "byte_order_mark_inside",
    "control_character",
    "unclosed_quote",
    "text_after_quote",
    "quote_in_unquoted_field",
    "lone_carriage_return",
];
/// Errors of all that is left of a line.
const OF_A_LINE: [&str; 6] = [
    "header_missing_column",
    "wrong_delimiter",
    "separator_line",
    "too_many_columns",
    "too_few_fields",
    "too_many_fields",
];

/// Writes errors as text, in colours where somebody sees them.
#[derive(Debug)]
pub(crate) struct Shower(Renderer);

impl Shower {
    /// For stdout.
    pub(crate) fn for_stdout() -> Self {
        let colours = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self(if colours { Renderer::styled() } else { Renderer::plain() })
    }

    /// An error with its line, the place in it, and what to do.
    pub(crate) fn show(&self, finding: &Finding, source: &Source) -> io::Result<String> {
        let name = source.name.clone();
        let place = match (&finding.column, finding.record) {
            (Some(column), 0) => format!("{column}, in the header"),
            (None, 0) => "in the header".to_owned(),
            (Some(column), record) => format!("{column} of record {record}"),
            (None, record) => format!("record {record}"),
        };
        let title = Level::ERROR.primary_title(print::shown(&finding.reason)).id(finding.code.clone());
        let report = match Excerpt::of(finding, source)? {
            Some(excerpt) => title.element(
                Snippet::source(excerpt.text)
                    .line_start(usize::try_from(finding.line).unwrap_or(usize::MAX))
                    .path(name)
                    .annotation(AnnotationKind::Primary.span(excerpt.span).label(place)),
            ),
            None => title.element(Level::NOTE.message(format!("this is about the whole file {name}"))),
        };
        Ok(self.0.render(&[report.element(Level::HELP.message(finding.fix.clone()))]))
    }
}

/// A line, or what can be shown of it, and the place in it.
#[derive(PartialEq, Eq, Debug)]
struct Excerpt {
    text: String,
    span: Range<usize>,
}

impl Excerpt {
    fn of(finding: &Finding, source: &Source) -> io::Result<Option<Self>> {
        if OF_THE_WHOLE_FILE.contains(&finding.code.as_str()) {
            return Ok(None);
        }
        let start = finding.byte.saturating_sub(BEFORE_BYTES as u64);
        let bytes = source.bytes_at(start, BEFORE_BYTES + AFTER_BYTES)?;
        let at = usize::try_from(finding.byte - start).unwrap_or_default().min(bytes.len());
        Ok(Some(Self::in_bytes(&bytes, at, &finding.code)))
    }

    /// The line around `bytes[at]`.
    fn in_bytes(bytes: &[u8], at: usize, code: &str) -> Self {
        let line_start = bytes[..at].iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        let line_end = bytes[at..].iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |length| at + length);
        let line_end = if bytes[at..line_end].ends_with(b"\r") { line_end - 1 } else { line_end };
        let concerned = &bytes[at..line_end];
        let length = if OF_A_CHARACTER.contains(&code) {
            character_bytes(concerned)
        } else if OF_A_LINE.contains(&code) {
            concerned.len()
        } else {
            field_bytes(concerned)
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

/// How long the character is that a text begins with. A byte that is none counts as one.
fn character_bytes(text: &[u8]) -> usize {
    let first = text.utf8_chunks().next().map(|chunk| chunk.valid().chars().next().map_or(1, char::len_utf8));
    first.unwrap_or_default().min(text.len())
}

/// How long the field is that a text begins with, its quotes included.
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

/// Adds bytes as a terminal may see them, so that a file cannot command the terminal, nor hide what stands in it.
fn push_shown(text: &mut String, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            text.push(match character {
                // Each control character of ASCII has a picture.
                '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(character)).unwrap_or('\u{fffd}'),
                '\u{7f}' => '\u{2421}',
                character if print::is_treacherous(character) => '\u{fffd}',
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

    /// The line with what is concerned in brackets.
    fn shown(file: &[u8], at: usize, code: &str) -> String {
        let Excerpt { text, span } = Excerpt::in_bytes(file, at, code);
        format!("{}[{}]{}", &text[..span.start], &text[span.clone()], &text[span.end..])
    }

    #[test]
    fn an_error_points_at_its_field_its_character_or_its_line() {
        let file = b"a,b,c\r\n1,\"x, \"\"y\"\"\",3\r\nlast";
        assert_eq!(shown(file, 7, "amount_malformed"), "[1],\"x, \"\"y\"\"\",3");
        assert_eq!(shown(file, 9, "field_empty"), "1,[\"x, \"\"y\"\"\"],3");
        assert_eq!(shown(file, 9, "unclosed_quote"), "1,[\"]x, \"\"y\"\"\",3");
        assert_eq!(shown(file, 0, "header_missing_column"), "[a,b,c]");
        assert_eq!(shown(file, 23, "amount_malformed"), "[last]");
        assert_eq!(shown(file, 27, "field_empty"), "last[]");
        assert_eq!(shown(b"", 0, "field_empty"), "[]");
        assert_eq!(shown(b"a\n\nb", 2, "blank_line"), "[]");
    }

    #[test]
    fn a_file_cannot_command_the_terminal() {
        assert_eq!(shown(b"a\x1b[31m,\xff\xc3\xa9,x", 8, "encoding_invalid_utf8"), "a␛[31m,�[é],x");
        assert_eq!(shown(b"a\x1b[31m,\xff\xc3\xa9,x", 7, "encoding_invalid_utf8"), "a␛[31m,[�]é,x");
        assert_eq!(shown("\u{202e}x\u{feff},y".as_bytes(), 3, "field_empty"), "�[x�],y");
    }

    #[test]
    fn a_long_line_is_cut_on_both_sides() {
        let file = format!("{},{},{}", "a".repeat(5000), "b".repeat(4000), "c".repeat(5000));
        let text = shown(file.as_bytes(), 5001, "field_too_long");
        assert!(text.starts_with("…aaa") && text.ends_with("bbb]…"), "{text}");
        assert!(text.len() < 4 * SIDE_BYTES, "{}", text.len());
    }
}
