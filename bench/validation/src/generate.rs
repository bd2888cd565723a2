//! Transaction files from a seed: the same set, rows and seed give the same bytes on every machine.
//!
//! Records are independent of each other, so that a file of any size is written without keeping it in memory.

mod error;
mod record;

use crate::prng::Prng;
pub(crate) use error::PlannedError;
use record::Record;
use std::io::{self, Write};

/// One record in a hundred is invalid in [`Set::Bad`].
pub(crate) const RECORDS_PER_BAD: u32 = 100;

/// A set of files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Set {
    /// Plain fields, LF; unordered IDs.
    Clean,
    /// The same with ascending IDs and one invalid record in a hundred, with each error in turn.
    Bad,
    /// All fields in quotes, some with commas and doubled quotes, CRLF; ascending IDs.
    Quoted,
    /// Merchants of about 50 to 250 bytes with commas and letters beyond ASCII, in quotes; unordered IDs.
    Long,
}

impl Set {
    pub(crate) const ALL: [Self; 4] = [Self::Clean, Self::Bad, Self::Quoted, Self::Long];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Bad => "bad",
            Self::Quoted => "quoted",
            Self::Long => "long",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|set| set.name() == name)
    }

    fn line_end(self) -> &'static [u8] {
        if self == Self::Quoted { b"\r\n" } else { b"\n" }
    }
}

/// The planned error of the record with this number, from 1.
pub(crate) fn error_of(set: Set, seed: u64, number: u32) -> Option<PlannedError> {
    let block = (number - 1) / RECORDS_PER_BAD;
    // Never the first of its block, so that the record before an invalid one is valid, and its ID can be repeated.
    let position = 1 + Prng::of(!seed, u64::from(block)).below(u64::from(RECORDS_PER_BAD) - 1);
    let is_bad = set == Set::Bad && u64::from((number - 1) % RECORDS_PER_BAD) == position;
    is_bad.then(|| PlannedError::ALL[block as usize % PlannedError::ALL.len()])
}

/// Writes a file.
///
/// # Errors
/// Writing to `out` failed.
pub(crate) fn write(set: Set, rows: u32, seed: u64, out: &mut impl Write) -> io::Result<()> {
    let mut line = Vec::new();
    Record::header().write(set, &mut line);
    out.write_all(&line)?;
    for number in 1..=rows {
        let mut record = Record::draw(set, seed, number);
        if let Some(error) = error_of(set, seed, number) {
            error.put_into(&mut record, &Record::draw(set, seed, number - 1));
        }
        line.clear();
        record.write(set, &mut line);
        out.write_all(&line)?;
    }
    Ok(())
}

/// A file in memory.
pub(crate) fn in_memory(set: Set, rows: u32, seed: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing to a Vec cannot fail.
    let _ = write(set, rows, seed, &mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subject::{received_at, unlimited};
    use domain::csv::{ErrorCode, FileValidator, ValidationReport};
    use std::collections::{BTreeMap, BTreeSet};

    /// The error codes of each invalid record, including repeated IDs.
    fn errors_of(bytes: &[u8]) -> (u32, BTreeMap<u32, Vec<ErrorCode>>) {
        let first = FileValidator::new(received_at(), unlimited());
        let (mut report, mut errors) = read(first, bytes);
        if !report.is_complete {
            (report, errors) = read(FileValidator::again(received_at(), unlimited(), &report), bytes);
        }
        (report.rows, errors)
    }

    fn read(mut validator: FileValidator, bytes: &[u8]) -> (ValidationReport, BTreeMap<u32, Vec<ErrorCode>>) {
        let mut errors: BTreeMap<u32, Vec<ErrorCode>> = BTreeMap::new();
        let mut keep = |error: domain::csv::RowError| errors.entry(error.record).or_default().push(error.code);
        validator.push(bytes, &mut keep);
        (validator.finish(&mut keep), errors)
    }

    #[test]
    fn all_sets_except_bad_are_valid() {
        for set in [Set::Clean, Set::Quoted, Set::Long] {
            assert_eq!(errors_of(&in_memory(set, 3000, 7)), (3000, BTreeMap::new()), "{}", set.name());
        }
    }

    #[test]
    fn the_bad_set_has_exactly_the_planned_errors() {
        let (rows, errors) = errors_of(&in_memory(Set::Bad, 10_000, 7));
        let planned: BTreeMap<u32, Vec<ErrorCode>> =
            (1..=10_000).filter_map(|number| Some((number, vec![error_of(Set::Bad, 7, number)?.code()]))).collect();
        assert_eq!((rows, planned.len()), (10_000, 100));
        assert_eq!(errors, planned);
        let kinds: BTreeSet<_> = (1..=10_000).filter_map(|number| error_of(Set::Bad, 7, number)).collect();
        assert_eq!(kinds.len(), PlannedError::ALL.len(), "each planned error occurs");
    }

    #[test]
    fn bytes_depend_on_the_seed() {
        for set in Set::ALL {
            assert_eq!(in_memory(set, 200, 1), in_memory(set, 200, 1));
            assert_ne!(in_memory(set, 200, 1), in_memory(set, 200, 2));
        }
        // A file is the beginning of a longer one.
        assert!(in_memory(Set::Long, 300, 1).starts_with(&in_memory(Set::Long, 200, 1)));
    }

    fn lines(set: Set) -> Vec<Vec<u8>> {
        in_memory(set, 1000, 3).split_inclusive(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect()
    }

    #[test]
    fn the_sets_have_their_properties() {
        let (clean, quoted, long) = (lines(Set::Clean), lines(Set::Quoted), lines(Set::Long));
        assert!(clean.iter().all(|line| line.is_ascii() && !line.contains(&b'"') && !line.ends_with(b"\r\n")));
        assert!(!clean.is_sorted_by_key(|line| line[..16].to_vec()));
        assert!(quoted.iter().all(|line| line.starts_with(b"\"") && line.ends_with(b"\"\r\n")));
        assert!(quoted[1..].is_sorted_by_key(|line| line[..17].to_vec()));
        assert!(quoted.iter().any(|line| line.windows(2).any(|pair| pair == b"\"\"")));
        assert!(!long[1..].is_sorted_by_key(|line| line[..16].to_vec()));
        assert!(long[1..].iter().all(|line| line.len() > 100));
        assert!(long.iter().any(|line| !line.is_ascii()));
    }
}
