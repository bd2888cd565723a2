//! Transaction files from a seed: the same set, rows and seed give the same bytes on every machine.
//!
//! Every record is drawn for itself, so that a file of any size is written without holding it.

mod fault;
mod record;

use crate::prng::Prng;
pub(crate) use fault::Fault;
use record::Record;
use std::io::{self, Write};

/// One record of a hundred is bad in [`Set::Bad`].
pub(crate) const RECORDS_PER_BAD: u32 = 100;

/// What the files of a set look like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Set {
    /// Plain fields, LF; ids in no order.
    Clean,
    /// The same with ascending ids and one bad record in a hundred, of every kind in turn.
    Bad,
    /// Every field in quotes, some with commas and doubled quotes, CRLF; ascending ids.
    Quoted,
    /// Merchants of about 50 to 250 bytes with commas and letters beyond ASCII, in quotes; ids in no order.
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

/// The fault that the record of this number, from 1, is given.
pub(crate) fn fault_of(set: Set, seed: u64, number: u32) -> Option<Fault> {
    let block = (number - 1) / RECORDS_PER_BAD;
    // Never the first of its block, so that the record before a bad one is always sound and can lend it its id.
    let place = 1 + Prng::of(!seed, u64::from(block)).below(u64::from(RECORDS_PER_BAD) - 1);
    let is_bad = set == Set::Bad && u64::from((number - 1) % RECORDS_PER_BAD) == place;
    is_bad.then(|| Fault::ALL[block as usize % Fault::ALL.len()])
}

/// Writes a file.
///
/// # Errors
/// What `out` fails with.
pub(crate) fn write(set: Set, rows: u32, seed: u64, out: &mut impl Write) -> io::Result<()> {
    let mut line = Vec::new();
    Record::header().write(set, &mut line);
    out.write_all(&line)?;
    for number in 1..=rows {
        let mut record = Record::draw(set, seed, number);
        if let Some(fault) = fault_of(set, seed, number) {
            fault.put_into(&mut record, &Record::draw(set, seed, number - 1));
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

    /// The codes of the errors of each record that has some, repeated ids included.
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
    fn all_sets_but_the_bad_one_are_valid() {
        for set in [Set::Clean, Set::Quoted, Set::Long] {
            assert_eq!(errors_of(&in_memory(set, 3000, 7)), (3000, BTreeMap::new()), "{}", set.name());
        }
    }

    #[test]
    fn the_bad_set_has_exactly_the_planned_errors() {
        let (rows, errors) = errors_of(&in_memory(Set::Bad, 10_000, 7));
        let planned: BTreeMap<u32, Vec<ErrorCode>> =
            (1..=10_000).filter_map(|number| Some((number, vec![fault_of(Set::Bad, 7, number)?.code()]))).collect();
        assert_eq!((rows, planned.len()), (10_000, 100));
        assert_eq!(errors, planned);
        let kinds: BTreeSet<_> = (1..=10_000).filter_map(|number| fault_of(Set::Bad, 7, number)).collect();
        assert_eq!(kinds.len(), Fault::ALL.len(), "every kind of fault is there");
    }

    #[test]
    fn a_seed_gives_the_same_bytes_and_another_one_others() {
        for set in Set::ALL {
            assert_eq!(in_memory(set, 200, 1), in_memory(set, 200, 1));
            assert_ne!(in_memory(set, 200, 1), in_memory(set, 200, 2));
        }
        // A file of the first rows is the beginning of a longer one.
        assert!(in_memory(Set::Long, 300, 1).starts_with(&in_memory(Set::Long, 200, 1)));
    }

    fn lines(set: Set) -> Vec<Vec<u8>> {
        in_memory(set, 1000, 3).split_inclusive(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect()
    }

    #[test]
    fn the_sets_are_what_they_say() {
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
