//! The error report of a rejected file: a CSV file with every error, written while the errors are found.
//!
//! It has no content of the file, so it contains no formulas and no personal data.

use domain::csv::RowError;
use std::fmt::Write;

/// The first line of the report.
pub const HEADER: &str = "record,line,column,column_number,byte,code,reason,fix\n";

/// One error as a line of the report.
pub fn write_line(buffer: &mut String, error: &RowError) {
    let column = error.column.map_or("", |column| column.name());
    let column_number = error.column_number.map_or(String::new(), |number| number.to_string());
    // Writing to a String cannot fail.
    let _ = writeln!(
        buffer,
        "{},{},{column},{column_number},{},{},\"{}\",\"{}\"",
        error.record,
        error.line,
        error.byte,
        error.code.as_str(),
        error.reason.replace('"', "\"\""),
        error.code.fix().replace('"', "\"\""),
    );
}
