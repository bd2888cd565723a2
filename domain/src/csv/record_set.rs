//! A set of data records, with one bit for each.

/// Filled in the order of the records, from 1.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct RecordSet {
    words: Vec<u64>,
    records: u32,
}

impl RecordSet {
    /// Adds the next record, which is in the set or not.
    #[inline]
    pub(super) fn push(&mut self, is_in: bool) {
        let bit = self.records % u64::BITS;
        if bit == 0 {
            self.words.push(0);
        }
        if is_in && let Some(word) = self.words.last_mut() {
            *word |= 1 << bit;
        }
        self.records += 1;
    }

    /// Whether any record is in the set.
    pub(super) fn is_any_in(&self) -> bool {
        self.words.iter().any(|word| *word != 0)
    }

    /// Whether the record, from 1, is in the set. A record that was never added counts as in it.
    #[inline]
    pub(super) fn contains(&self, record: u32) -> bool {
        let index = record.wrapping_sub(1);
        index >= self.records || self.words[(index / u64::BITS) as usize] >> (index % u64::BITS) & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contains_exactly_the_records_that_were_added() {
        let mut set = RecordSet::default();
        for record in 1..=200 {
            set.push(record % 7 == 0);
        }
        assert!((1..=200).all(|record| set.contains(record) == (record % 7 == 0)));
        assert!(set.contains(0) && set.contains(201));
        assert!(set.is_any_in() && !RecordSet::default().is_any_in());
    }
}
