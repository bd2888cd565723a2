//! The measured subjects: from a count of lines to everything that the service does with a file.

use domain::ContentHasher;
use domain::Timestamp;
use domain::csv::{FileValidator, Limits, RowError, ValidationReport};
use std::hint::black_box;
use std::io::{self, Cursor, Read, Seek};

/// The service reads a file in chunks of this size.
pub(crate) const CHUNK_BYTES: usize = 64 * 1024;

/// The assumed time of arrival of the files, in milliseconds since 1970: 2026-02-01T00:00:00Z, the end of the month of their
/// transactions.
pub(crate) const RECEIVED_AT_MILLISECONDS: u64 = 1_769_904_000_000;

/// A rung of the ladder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Subject {
    /// Counts line feeds with vector instructions.
    Newlines,
    /// Splits records and fields, without checks.
    CsvByteRecord,
    /// All rules of the format.
    Ours,
    /// All rules and the digest that identifies the file, as in the service.
    OursWithSha256,
}

/// The verdict of a subject on a file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Verdict {
    /// Data records; or lines without the header, if the subject does not know records.
    pub(crate) rows: u64,
    /// The records that have errors, in ascending order.
    pub(crate) bad: Vec<u32>,
    /// The number of errors.
    pub(crate) errors: u64,
}

/// The instant of arrival.
pub(crate) fn received_at() -> Timestamp {
    Timestamp::from_unix_milliseconds(RECEIVED_AT_MILLISECONDS)
}

/// No limits, to measure speed beyond what the service accepts.
pub(crate) fn unlimited() -> Limits {
    Limits { bytes_max: u64::MAX, rows_max: u32::MAX }
}

impl Subject {
    const ALL: [Self; 4] = [Self::Newlines, Self::CsvByteRecord, Self::Ours, Self::OursWithSha256];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Newlines => "newlines",
            Self::CsvByteRecord => "csv",
            Self::Ours => "ours",
            Self::OursWithSha256 => "ours-sha256",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|subject| subject.name() == name)
    }

    /// Reads bytes in memory.
    ///
    /// # Errors
    /// Only those of the `csv` crate.
    pub(crate) fn read_memory(self, bytes: &[u8]) -> io::Result<Verdict> {
        match self {
            Self::Newlines => Ok(lines(memchr::memchr_iter(b'\n', bytes).count())),
            Self::CsvByteRecord => count_records(Cursor::new(bytes)),
            Self::Ours => validate(false, |take| {
                bytes.chunks(CHUNK_BYTES).for_each(take);
                Ok(())
            }),
            Self::OursWithSha256 => validate(true, |take| {
                bytes.chunks(CHUNK_BYTES).for_each(take);
                Ok(())
            }),
        }
    }

    /// Reads a file in chunks.
    ///
    /// # Errors
    /// The file could not be read.
    pub(crate) fn read_stream(self, mut file: impl Read + Seek) -> io::Result<Verdict> {
        match self {
            Self::Newlines => {
                let mut count = 0;
                for_each_chunk(&mut file, &mut |chunk| count += memchr::memchr_iter(b'\n', chunk).count())?;
                Ok(lines(count))
            }
            Self::CsvByteRecord => count_records(file),
            Self::Ours => validate(false, |take| for_each_chunk(&mut file, take)),
            Self::OursWithSha256 => validate(true, |take| for_each_chunk(&mut file, take)),
        }
    }
}

/// Reads a file from its beginning, in chunks.
fn for_each_chunk(file: &mut (impl Read + Seek), take: &mut dyn FnMut(&[u8])) -> io::Result<()> {
    file.rewind()?;
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(()),
            length => take(&chunk[..length]),
        }
    }
}

/// A line count as a verdict: the first line is the header.
fn lines(count: usize) -> Verdict {
    Verdict { rows: (count as u64).saturating_sub(1), ..Verdict::default() }
}

/// Reads every record into the same buffer, which is the crate's fastest way. Accepts records of any length.
fn count_records(input: impl Read) -> io::Result<Verdict> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).buffer_capacity(CHUNK_BYTES).from_reader(input);
    let mut record = csv::ByteRecord::new();
    let mut rows = 0;
    while reader.read_byte_record(&mut record)? {
        black_box(&record);
        rows += 1;
    }
    Ok(Verdict { rows, ..Verdict::default() })
}

/// Validates the chunks from `read`, a second time if IDs seem to repeat.
fn validate(with_digest: bool, mut read: impl FnMut(&mut dyn FnMut(&[u8])) -> io::Result<()>) -> io::Result<Verdict> {
    let mut hasher = with_digest.then(ContentHasher::default);
    let mut hash = |chunk: &[u8]| hasher.iter_mut().for_each(|hasher| hasher.push(chunk));
    let first = FileValidator::new(received_at(), unlimited());
    let (mut report, mut bad) = reading(first, &mut hash, &mut read)?;
    black_box(hasher.map(ContentHasher::finish));
    if !report.is_complete {
        let second = FileValidator::again(received_at(), unlimited(), &report);
        (report, bad) = reading(second, &mut |_| {}, &mut read)?;
    }
    // Errors are not ordered by their records.
    bad.sort_unstable();
    bad.dedup();
    Ok(Verdict { rows: u64::from(report.rows), bad, errors: report.error_count })
}

/// One pass over a file: its report, and the invalid records.
fn reading(
    mut validator: FileValidator,
    also: &mut impl FnMut(&[u8]),
    read: &mut impl FnMut(&mut dyn FnMut(&[u8])) -> io::Result<()>,
) -> io::Result<(ValidationReport, Vec<u32>)> {
    let mut bad = Vec::new();
    read(&mut |chunk| {
        also(chunk);
        validator.push(chunk, &mut |error| note(&mut bad, &error));
    })?;
    let report = validator.finish(&mut |error| note(&mut bad, &error));
    Ok((report, bad))
}

/// Adds the record of an error, once for consecutive errors.
fn note(bad: &mut Vec<u32>, error: &RowError) {
    if bad.last() != Some(&error.record) {
        bad.push(error.record);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::{Set, error_of, in_memory};

    #[test]
    fn all_subjects_count_the_same_rows() {
        for set in Set::ALL {
            let bytes = in_memory(set, 2000, 5);
            for subject in Subject::ALL {
                let verdict = subject.read_memory(&bytes).unwrap();
                assert_eq!(verdict.rows, 2000, "{} of {}", subject.name(), set.name());
                assert_eq!(verdict, subject.read_stream(Cursor::new(&bytes)).unwrap());
            }
        }
    }

    #[test]
    fn the_verdict_lists_the_invalid_records() {
        let verdict = Subject::Ours.read_memory(&in_memory(Set::Bad, 2000, 5)).unwrap();
        let planned: Vec<u32> = (1..=2000).filter(|&number| error_of(Set::Bad, 5, number).is_some()).collect();
        assert_eq!((verdict.bad, verdict.errors), (planned, 20));
    }
}
