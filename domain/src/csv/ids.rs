//! Finds repeated ids in a file, exactly and in little memory.
//!
//! The first reading keeps a hash of eight bytes for each id. If no two hashes are equal, no two ids are, which is the
//! case for nearly every file. Otherwise the file is read once more, and only the ids with repeated hashes are
//! compared, by a digest of 128 bits. Two different ids of five million share both hash and digest with a probability
//! below 10^-44.

use foldhash::quality::FixedState;
use siphasher::sip128::{Hasher128, SipHasher13};
use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};

/// The hashes that more than one id of a file has, in order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct RepeatedIds(Vec<u64>);

/// The check of one reading.
pub(super) enum IdCheck {
    /// The first reading: the hashes of all ids so far.
    First(Vec<u64>),
    /// The second reading: the first record of each id, by digest.
    Second { repeated: RepeatedIds, sieve: Sieve, first_records: HashMap<u128, u32> },
}

/// A filter that passes the repeated hashes and few others. Searching the list for each id would take as long as the
/// rest of the second reading.
pub(super) struct Sieve {
    /// A bit for each remainder of a hash, set if a repeated hash has it.
    words: Vec<u64>,
}

impl Sieve {
    /// Bits for each repeated hash: about one other hash in this many passes.
    const BITS_A_HASH: usize = 32;

    fn of(repeated: &RepeatedIds) -> Self {
        let words = (repeated.0.len() * Self::BITS_A_HASH).div_ceil(u64::BITS as usize).next_power_of_two();
        let mut sieve = Self { words: vec![0; words] };
        for &hash in &repeated.0 {
            let (word, bit) = sieve.position(hash);
            sieve.words[word] |= bit;
        }
        sieve
    }

    #[inline]
    fn passes(&self, hash: u64) -> bool {
        let (word, bit) = self.position(hash);
        self.words[word] & bit != 0
    }

    /// The word of a hash and its bit. The number of words is a power of two, so the mask is a remainder.
    #[inline]
    fn position(&self, hash: u64) -> (usize, u64) {
        ((hash >> 6) as usize & (self.words.len() - 1), 1 << (hash % 64))
    }
}

impl IdCheck {
    pub(super) fn first() -> Self {
        Self::First(Vec::new())
    }

    pub(super) fn second(repeated: RepeatedIds) -> Self {
        Self::Second { sieve: Sieve::of(&repeated), repeated, first_records: HashMap::new() }
    }

    /// Adds the id of a record and returns the first record with the same id. Only the second reading finds one.
    #[inline]
    pub(super) fn earlier(&mut self, id: &[u8], record: u32) -> Option<u32> {
        match self {
            Self::First(hashes) => {
                hashes.push(hash(id));
                None
            }
            Self::Second { repeated, .. } if repeated.0.is_empty() => None,
            Self::Second { repeated, sieve, first_records } => {
                let hash = hash(id);
                if !sieve.passes(hash) {
                    return None;
                }
                repeated.0.binary_search(&hash).ok()?;
                let first = *first_records.entry(digest(id)).or_insert(record);
                (first != record).then_some(first)
            }
        }
    }

    /// Whether every repeated id was found, and the repeated hashes.
    pub(super) fn finish(self) -> (bool, RepeatedIds) {
        let mut hashes = match self {
            Self::First(hashes) => hashes,
            Self::Second { repeated, .. } => return (true, repeated),
        };
        hashes.sort_unstable();
        let mut repeated: Vec<u64> = hashes.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
        repeated.dedup();
        (repeated.is_empty(), RepeatedIds(repeated))
    }
}

/// Not keyed: a sender can choose ids that share a hash, which only costs a second reading.
#[inline]
fn hash(id: &[u8]) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    hasher.write(id);
    hasher.finish()
}

fn digest(id: &[u8]) -> u128 {
    let mut hasher = SipHasher13::new();
    hasher.write(id);
    hasher.finish128().as_u128()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What two readings of `ids` find: the first record of each repeated id.
    fn earlier_records(ids: &[&str]) -> Vec<Option<u32>> {
        let numbered = || (1..).zip(ids);
        let mut first = IdCheck::first();
        assert!(numbered().all(|(record, id)| first.earlier(id.as_bytes(), record).is_none()));
        let (is_complete, repeated) = first.finish();
        assert_eq!(is_complete, repeated == RepeatedIds::default());
        let mut second = IdCheck::second(repeated.clone());
        let earlier = numbered().map(|(record, id)| second.earlier(id.as_bytes(), record)).collect();
        assert_eq!(second.finish(), (true, repeated));
        earlier
    }

    #[test]
    fn the_second_reading_names_the_first_record_of_each_repeated_id() {
        assert_eq!(earlier_records(&["a", "b", "c"]), [None, None, None]);
        assert_eq!(earlier_records(&["a", "b", "a", "c", "b", "a"]), [None, None, Some(1), None, Some(2), Some(1)]);
        assert_eq!(earlier_records(&[]), []);
    }

    /// Equal hashes alone are not enough: the ids are compared.
    #[test]
    fn distinguishes_ids_that_share_a_hash() {
        let mut second = IdCheck::second(RepeatedIds({
            let mut hashes = vec![hash(b"a"), hash(b"b")];
            hashes.sort_unstable();
            hashes
        }));
        assert_eq!(second.earlier(b"a", 1), None);
        assert_eq!(second.earlier(b"b", 2), None);
        assert_eq!(second.earlier(b"b", 3), Some(2));
    }
}
