//! Reproducible chance: every decision in the trials follows from the run's seed and the name of its subject, and not
//! from the order of requests.

use domain::ContentDigest;
use fastrand::Rng;

/// A stream of numbers.
#[derive(Clone, Debug)]
pub(super) struct Chance(Rng);

impl Chance {
    /// The stream of this seed and these words.
    pub(super) fn of(seed: u64, words: &[&str]) -> Self {
        let name = format!("{seed}\u{1f}{}", words.join("\u{1f}"));
        let digest = ContentDigest::of(name.as_bytes());
        Self(Rng::with_seed(u64::from_str_radix(&digest.as_str()[..16], 16).unwrap()))
    }

    /// The next number.
    pub(super) fn next(&mut self) -> u64 {
        self.0.u64(..)
    }

    /// A number from `least` to `most`.
    pub(super) fn between(&mut self, least: u64, most: u64) -> u64 {
        self.0.u64(least..=most)
    }

    /// True in so many of a hundred cases.
    pub(super) fn percent(&mut self, percent: u64) -> bool {
        self.0.u64(..100) < percent
    }

    /// One of these.
    pub(super) fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.index(choices.len())]
    }

    /// An index below `length`.
    pub(super) fn index(&mut self, length: usize) -> usize {
        self.0.usize(..length)
    }
}

#[test]
fn chance_depends_only_on_the_seed_and_the_words() {
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
