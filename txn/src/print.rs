//! Writes results to stdout, as text, tables and JSON. When the reader is gone (`txn … | head`), the output is dropped and the
//! command goes on, so that it does not stop after half of the files.

use crate::problem::Problem;
use serde_json::Value;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Writes a line.
pub(crate) fn line(text: impl AsRef<str>) -> Result<(), Problem> {
    raw(format!("{}\n", text.as_ref()).as_bytes())
}

static READER_IS_GONE: AtomicBool = AtomicBool::new(false);

/// Whether the reader of stdout is gone.
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

/// Writes a JSON document: indented on a terminal, otherwise on one line.
pub(crate) fn json(value: &Value) -> Result<(), Problem> {
    let text =
        if io::stdout().is_terminal() { serde_json::to_string_pretty(value) } else { serde_json::to_string(value) };
    line(text.unwrap_or_default())
}

/// Writes a table. The columns in `right` are aligned to the right.
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

/// A text from elsewhere, safe for a terminal: control characters, and those that reverse or hide others, are replaced.
pub(crate) fn sanitized(text: &str) -> String {
    text.chars().map(|character| if is_deceptive(character) { '\u{fffd}' } else { character }).collect()
}

/// Whether a character controls the terminal, or changes how the characters beside it look.
pub(crate) fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Totals by currency in one line: `EUR 9.30, USD 1.00`.
pub(crate) fn totals(totals: impl IntoIterator<Item = (String, String)>) -> String {
    totals.into_iter().map(|(currency, sum)| format!("{currency} {sum}")).collect::<Vec<_>>().join(", ")
}

/// The totals in a response of the API, in one line.
pub(crate) fn totals_of(value: &Value) -> String {
    let members = value.as_object().into_iter().flatten();
    totals(members.map(|(currency, sum)| (currency.clone(), sum.as_str().unwrap_or_default().to_owned())))
}
