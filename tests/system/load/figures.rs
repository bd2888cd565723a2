//! The throughput and latency of a load.

use super::UploadResult;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The figures of one load.
pub(crate) struct Figures {
    began: Instant,
    /// The response times of accepted and of rejected uploads.
    accepted: Vec<Duration>,
    rejected: Vec<Duration>,
    retries: BTreeMap<String, usize>,
    wrong: Vec<String>,
    responded: Duration,
    ended: Duration,
}

impl Figures {
    pub(crate) fn begin() -> Self {
        Self {
            began: Instant::now(),
            accepted: Vec::new(),
            rejected: Vec::new(),
            retries: BTreeMap::new(),
            wrong: Vec::new(),
            responded: Duration::ZERO,
            ended: Duration::ZERO,
        }
    }

    pub(crate) fn add(&mut self, UploadResult { tries, took, wrong, is_accepted }: UploadResult) {
        if is_accepted {
            self.accepted.push(took)
        } else {
            self.rejected.push(took)
        }
        tries.into_iter().for_each(|why| *self.retries.entry(why).or_default() += 1);
        self.wrong.extend(wrong);
        let responded = self.accepted.len() + self.rejected.len();
        if responded.is_multiple_of(1_000) {
            println!("load: {responded} responses after {:.0} s", self.began.elapsed().as_secs_f64());
        }
    }

    pub(crate) fn all_responded(&mut self) {
        self.responded = self.began.elapsed();
    }

    pub(crate) fn all_ended(&mut self) {
        self.ended = self.began.elapsed();
    }

    pub(crate) fn wrong(&self) -> &[String] {
        &self.wrong
    }

    pub(crate) fn print(&mut self) {
        let uploads = self.accepted.len() + self.rejected.len();
        let milliseconds = self.responded.as_millis().max(1);
        let tenths = uploads as u128 * 10_000 / milliseconds;
        println!(
            "load: {uploads} uploads in {:.1} s, {}.{} a second",
            self.responded.as_secs_f64(),
            tenths / 10,
            tenths % 10
        );
        println!("load: the last file was completed {:.1} s after the first was sent", self.ended.as_secs_f64());
        println!("load: accepted {}", percentiles(&mut self.accepted));
        println!("load: rejected {}", percentiles(&mut self.rejected));
        println!("load: retries {:?}", self.retries);
    }
}

/// Percentiles of response times, in milliseconds.
fn percentiles(times: &mut [Duration]) -> String {
    times.sort_unstable();
    let at = |share: usize| {
        let rank = (times.len() * share).div_ceil(1_000).saturating_sub(1);
        times.get(rank).map_or(0, Duration::as_millis)
    };
    format!("{:>6}; ms: p50 {}, p95 {}, p99 {}, max {}", times.len(), at(500), at(950), at(990), at(1_000))
}
