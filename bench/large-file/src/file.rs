//! A file of the largest size with the most rows, on the disk, from where the stub of the bucket reads it.

use domain::limits::{BUCKET_FILE_BYTES_MAX, FILE_ROWS_MAX};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use stubs::in_repository;

/// The size of the file.
pub(crate) const BYTES: u64 = BUCKET_FILE_BYTES_MAX;

const HEADER: &str = "transaction_id,amount,currency,timestamp,merchant,status\n";
const CURRENCIES: [&str; 4] = ["USD", "EUR", "GBP", "CHF"];
const STATUSES: [&str; 3] = ["completed", "pending", "failed"];
const WORDS: [&str; 8] = ["Harbour", "Books", "Café", "Lindner", "Northern", "Rail", "Market", "Hall"];

/// The content of the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Content {
    /// Every record is valid.
    Valid,
    /// Every record has two errors.
    Invalid,
}

impl Content {
    /// Its description in the table.
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Invalid => "two errors a row",
        }
    }
}

/// The file, which is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct LargeFile {
    pub(crate) content: Content,
    pub(crate) bytes: u64,
    pub(crate) rows: u32,
    pub(crate) path: PathBuf,
}

impl LargeFile {
    /// Writes a file of exactly so many bytes, with the number of rows in proportion.
    ///
    /// # Errors
    /// The disk is full.
    pub(crate) fn make(content: Content, bytes: u64) -> io::Result<Self> {
        let directory = in_repository("target/bench");
        fs::create_dir_all(&directory)?;
        let path = directory.join(format!("large-file-{}.csv", std::process::id()));
        let rows = u32::try_from(u64::from(FILE_ROWS_MAX) * bytes / BYTES).unwrap_or(FILE_ROWS_MAX);
        let file = Self { content, bytes, rows, path };
        let mut out = BufWriter::with_capacity(1 << 20, File::create(&file.path)?);
        out.write_all(HEADER.as_bytes())?;
        let mut left = bytes - HEADER.len() as u64;
        let mut line = String::new();
        for number in 1..=rows {
            // The remainder is distributed, so that the last row ends with the last byte.
            let length = left.div_ceil(u64::from(rows - number + 1));
            record(&mut line, content, number, usize::try_from(length).map_err(io::Error::other)?);
            out.write_all(line.as_bytes())?;
            left -= line.len() as u64;
        }
        out.flush()?;
        Ok(file)
    }
}

impl Drop for LargeFile {
    fn drop(&mut self) {
        // A remaining file only uses disk space.
        let _ = fs::remove_file(&self.path);
    }
}

/// Writes a record of so many bytes, including the line end. A number gives the same record in every run.
fn record(line: &mut String, content: Content, number: u32, bytes: usize) {
    let mixed = number.wrapping_mul(2_654_435_761);
    let pick = |list: &[&'static str], shift: u32| list[(mixed >> shift) as usize % list.len()];
    let (day, second, hour) = (mixed % 14 + 1, mixed / 7 % 60, mixed / 11 % 24);
    let (currency, status) = match content {
        Content::Valid => (pick(&CURRENCIES, 3), pick(&STATUSES, 5)),
        Content::Invalid => ("usd", "done"),
    };
    let end = format!(",{status}\n");
    line.clear();
    line.push_str(&format!(
        "B{mixed:08x}{number:08},{}.{:02},{currency},2026-01-{day:02}T{hour:02}:30:{second:02}Z,",
        mixed % 100_000,
        mixed % 100,
    ));
    let merchant_end = bytes.saturating_sub(end.len());
    let mut word = mixed as usize;
    while line.len() < merchant_end {
        line.push_str(WORDS[word % WORDS.len()]);
        line.push(' ');
        word = word / 3 + line.len();
    }
    while line.len() > merchant_end || line.ends_with(' ') {
        line.pop();
    }
    while line.len() < merchant_end {
        line.push('x');
    }
    line.push_str(&end);
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Timestamp;
    use domain::csv::{FileValidator, Limits};

    #[test]
    fn a_file_has_its_size_and_content() {
        for content in [Content::Valid, Content::Invalid] {
            let file = LargeFile::make(content, 200_000).unwrap();
            let bytes = fs::read(&file.path).unwrap();
            assert_eq!(bytes.len(), 200_000);
            // The time of the stub's object.
            let received = Timestamp::from_unix_milliseconds(1_768_478_400_000);
            let mut validator = FileValidator::new(received, Limits::default());
            validator.push(&bytes, &mut |_| ());
            let report = validator.finish(&mut |_| ());
            let errors = if content == Content::Valid { 0 } else { 2 * u64::from(file.rows) };
            assert_eq!((report.rows, report.error_count), (file.rows, errors), "{content:?}");
            assert!(file.rows > 900, "{} rows", file.rows);
        }
    }
}
