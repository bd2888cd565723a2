//! Writes results to stdout, as texts, tables and JSON. A reader that went away (`txn … | head`) hears no more, and what was
//! asked for is done all the same: half of the files must not stay unsent because somebody has read enough.

use crate::problem::Problem;
use serde_json::Value;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Writes a text and a line end.
pub(crate) fn line(text: impl AsRef<str>) -> Result<(), Problem> {
    raw(format!("{}\n", text.as_ref()).as_bytes())
}

static READER_IS_GONE: AtomicBool = AtomicBool::new(false);

/// Whether nobody reads stdout any more.
pub(crate) fn reader_is_gone() -> bool {
    READER_IS_GONE.load(Ordering::Relaxed)
}

/// Writes bytes as they are.
pub(crate) fn raw(bytes: &[u8]) -> Result<(), Problem> {
    if reader_is_gone() {
        return Ok(());
    }
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            READER_IS_GONE.store(true, Ordering::Relaxed);
            Ok(())
        }
        Err(error) => Err(Problem::usage("output_unusable", format!("stdout cannot be written: {error}"))),
    }
}

/// Writes a JSON document, indented for people on a terminal and in one line for programs.
pub(crate) fn json(value: &Value) -> Result<(), Problem> {
    let text =
        if io::stdout().is_terminal() { serde_json::to_string_pretty(value) } else { serde_json::to_string(value) };
    line(text.unwrap_or_default())
}

/// Writes rows under their headings, in columns. Those named in `right` hold numbers.
pub(crate) fn table(headings: &[&str], right: &[usize], rows: &[Vec<String>]) -> Result<(), Problem> {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row.get(column).map_or(0, |cell| cell.chars().count()));
        cells.max().unwrap_or_default().max(headings[column].chars().count())
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    line(table_row(&headings.iter().map(|heading| (*heading).to_owned()).collect::<Vec<_>>(), right, &widths))?;
    rows.iter().try_for_each(|row| line(table_row(row, right, &widths)))
}

/// One row of a table whose columns have these widths.
pub(crate) fn table_row(cells: &[String], right: &[usize], widths: &[usize]) -> String {
    let padded = cells.iter().zip(widths).enumerate().map(|(column, (cell, width))| {
        if right.contains(&column) { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
    });
    padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

/// What a terminal may show of a text from elsewhere: its control characters, and those that turn or hide other ones, could
/// make it look like another.
pub(crate) fn shown(text: &str) -> String {
    text.chars().map(|character| if is_treacherous(character) { '\u{fffd}' } else { character }).collect()
}

/// Whether a character does something to a terminal, or to the characters beside it, rather than being seen.
pub(crate) fn is_treacherous(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Sums by currency in one line: `EUR 9.30, USD 1.00`.
pub(crate) fn totals(totals: impl IntoIterator<Item = (String, String)>) -> String {
    totals.into_iter().map(|(currency, sum)| format!("{currency} {sum}")).collect::<Vec<_>>().join(", ")
}

/// The sums of an answer of the API, in one line.
pub(crate) fn totals_of(value: &Value) -> String {
    let members = value.as_object().into_iter().flatten();
    totals(members.map(|(currency, sum)| (currency.clone(), sum.as_str().unwrap_or_default().to_owned())))
}
