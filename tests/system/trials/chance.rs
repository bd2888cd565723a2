//! Chance that can be had again: whatever happens in the trials follows from the run's seed and the name of what it
//! happens to, and not from the order in which things are asked for.

use domain::ContentDigest;

/// A stream of numbers.
#[derive(Clone, Debug)]
pub(super) struct Chance {
    state: u64,
}

impl Chance {
    /// The stream of this seed and these words.
    pub(super) fn of(seed: u64, words: &[&str]) -> Self {
        let name = format!("{seed}\u{1f}{}", words.join("\u{1f}"));
        let digest = ContentDigest::of(name.as_bytes());
        Self { state: u64::from_str_radix(&digest.as_str()[..16], 16).unwrap() }
    }

    /// The next number: SplitMix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators", 2014).
    pub(super) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from `least` to `most`.
    pub(super) fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.next() % (most - least + 1)
    }

    /// True in so many of a hundred cases.
    pub(super) fn percent(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }

    /// One of these.
    pub(super) fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[usize::try_from(self.next() % choices.len() as u64).unwrap()]
    }

    /// An index below `length`.
    pub(super) fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.next() % length as u64).unwrap()
    }
}

#[test]
fn chance_depends_on_the_seed_and_the_words_alone() {
    let numbers = |seed, words: &[&str]| {
        let mut chance = Chance::of(seed, words);
        [chance.next(), chance.next()]
    };
    assert_eq!(numbers(1, &["a", "b"]), numbers(1, &["a", "b"]));
    assert_ne!(numbers(1, &["a", "b"]), numbers(1, &["ab"]));
    assert_ne!(numbers(1, &["a", "b"]), numbers(2, &["a", "b"]));
    let mut chance = Chance::of(7, &[]);
    assert!((0..1000).all(|_| (3..=5).contains(&chance.between(3, 5))));
}
