//! How fast a load was taken, in figures.

use super::Answered;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The figures of one load.
pub(crate) struct Figures {
    began: Instant,
    /// How long the answers took that took a file, and those that refused one.
    taken: Vec<Duration>,
    refused: Vec<Duration>,
    retries: BTreeMap<String, usize>,
    wrong: Vec<String>,
    answered: Duration,
    ended: Duration,
}

impl Figures {
    pub(crate) fn begin() -> Self {
        Self {
            began: Instant::now(),
            taken: Vec::new(),
            refused: Vec::new(),
            retries: BTreeMap::new(),
            wrong: Vec::new(),
            answered: Duration::ZERO,
            ended: Duration::ZERO,
        }
    }

    pub(crate) fn add(&mut self, Answered { tries, took, wrong, is_taken }: Answered) {
        if is_taken {
            self.taken.push(took)
        } else {
            self.refused.push(took)
        }
        tries.into_iter().for_each(|why| *self.retries.entry(why).or_default() += 1);
        self.wrong.extend(wrong);
        let answered = self.taken.len() + self.refused.len();
        if answered.is_multiple_of(1_000) {
            println!("load: {answered} answered after {:.0} s", self.began.elapsed().as_secs_f64());
        }
    }

    pub(crate) fn all_answered(&mut self) {
        self.answered = self.began.elapsed();
    }

    pub(crate) fn all_ended(&mut self) {
        self.ended = self.began.elapsed();
    }

    pub(crate) fn wrong(&self) -> &[String] {
        &self.wrong
    }

    pub(crate) fn print(&mut self) {
        let uploads = self.taken.len() + self.refused.len();
        let milliseconds = self.answered.as_millis().max(1);
        let tenths = uploads as u128 * 10_000 / milliseconds;
        println!(
            "load: {uploads} uploads answered in {:.1} s, {}.{} a second",
            self.answered.as_secs_f64(),
            tenths / 10,
            tenths % 10
        );
        println!("load: the last file ended {:.1} s after the first was sent", self.ended.as_secs_f64());
        println!("load: taken   {}", percentiles(&mut self.taken));
        println!("load: refused {}", percentiles(&mut self.refused));
        println!("load: retries {:?}", self.retries);
    }
}

/// How long most answers took, in milliseconds.
fn percentiles(times: &mut [Duration]) -> String {
    times.sort_unstable();
    let at = |share: usize| {
        let place = (times.len() * share).div_ceil(1_000).saturating_sub(1);
        times.get(place).map_or(0, Duration::as_millis)
    };
    format!("{:>6}; ms: p50 {}, p95 {}, p99 {}, max {}", times.len(), at(500), at(950), at(990), at(1_000))
}
