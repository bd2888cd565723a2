//! The error report of a rejected file: a CSV file with every error, written while the errors are found.
//!
//! It has no content of the file, so it contains no formulas and no personal data.

use domain::csv::RowError;

/// The names of its columns.
const HEADER: [&str; 8] = ["record", "line", "column", "column_number", "byte", "code", "reason", "fix"];

/// Writes the report, piece by piece.
#[derive(Debug)]
pub struct ReportWriter(csv::Writer<Vec<u8>>);

impl Default for ReportWriter {
    /// A report that has its header.
    fn default() -> Self {
        let mut report = Self(csv::Writer::from_writer(Vec::new()));
        report.write(HEADER);
        report
    }
}

impl ReportWriter {
    /// Adds a line for an error.
    pub fn add(&mut self, error: &RowError) {
        self.write([
            &error.record.to_string(),
            &error.line.to_string(),
            error.column.map_or("", |column| column.name()),
            &error.column_number.map_or(String::new(), |number| number.to_string()),
            &error.byte.to_string(),
            error.code.as_str(),
            &error.reason,
            error.code.fix(),
        ]);
    }

    /// What was written since this was asked last.
    #[must_use]
    pub fn take(&mut self) -> Vec<u8> {
        // Writing to a Vec cannot fail.
        std::mem::replace(&mut self.0, csv::Writer::from_writer(Vec::new())).into_inner().unwrap_or_default()
    }

    fn write(&mut self, fields: [&str; 8]) {
        // Writing to a Vec cannot fail.
        let _ = self.0.write_record(fields);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::csv::{Column, ErrorCode};

    #[test]
    fn quotes_what_needs_it_and_writes_the_header_once() {
        let mut report = ReportWriter::default();
        report.add(&RowError {
            record: 2,
            line: 3,
            column: Some(Column::Amount),
            column_number: Some(2),
            byte: 80,
            code: ErrorCode::AmountMalformed,
            reason: "say \"1.5\", not 1,5".into(),
        });
        let fix = ErrorCode::AmountMalformed.fix();
        let fix = if fix.contains(',') { format!("\"{fix}\"") } else { fix.to_owned() };
        let expected = format!(
            "record,line,column,column_number,byte,code,reason,fix\n\
             2,3,amount,2,80,amount_malformed,\"say \"\"1.5\"\", not 1,5\",{fix}\n"
        );
        assert_eq!(report.take(), expected.as_bytes());
        assert!(report.take().is_empty());
    }
}
