//! The table of what was measured, and the bounds that it must keep.

use crate::subject::Times;
use std::collections::BTreeMap;
use std::time::Duration;

/// The name of the empty function.
pub(crate) const EMPTY: &str = "empty";

/// A function may take at most this many times as long as the empty one to its first request for work.
const TIMES_EMPTY_MAX: u128 = 3;

/// A function may take at most the reciprocal of this of the time of its twin in Python.
const PYTHON_SHARE_MIN: u128 = 10;

/// The name of a function's twin in Python.
pub(crate) fn in_python(name: &str) -> String {
    format!("{name} in Python")
}

/// What was measured under one limit of the processor.
#[derive(Debug)]
pub(crate) struct Report {
    names: Vec<String>,
    times: BTreeMap<String, Vec<Times>>,
}

/// The medians of one subject, in microseconds.
#[derive(Clone, Copy)]
struct Medians {
    to_work: u128,
    to_answer: u128,
}

impl Report {
    /// An empty report, whose table has the subjects in this order.
    pub(crate) fn new(names: impl Iterator<Item = String>) -> Self {
        Self { names: names.collect(), times: BTreeMap::new() }
    }

    /// Adds one start of a subject.
    pub(crate) fn add(&mut self, name: &str, times: Times) {
        self.times.entry(name.to_owned()).or_default().push(times);
    }

    /// Prints the table and tells whether every bound holds.
    pub(crate) fn print(&self, percent: u32) -> bool {
        println!("\nAt {}.{:02} of a core, medians of {} starts:", percent / 100, percent % 100, self.rounds());
        println!("{:<30} {:>24}   {:>24}", "", "first request for work", "first answer");
        let empty = self.medians(EMPTY);
        let mut broken = Vec::new();
        for name in &self.names {
            let median = self.medians(name);
            let work = format!("{} ms {:>7}", decimal(median.to_work, 1000), times(median.to_work, empty.to_work));
            let answer =
                format!("{} ms {:>7}", decimal(median.to_answer, 1000), times(median.to_answer, empty.to_answer));
            println!("{name:<30} {work:>24}   {answer:>24}");
            if self.names.contains(&in_python(name)) {
                broken.extend(broken_bounds(name, median, empty, self.medians(&in_python(name))));
            }
        }
        for sentence in &broken {
            println!("NOT KEPT: {sentence}");
        }
        broken.is_empty()
    }

    fn rounds(&self) -> usize {
        self.times.values().map(Vec::len).min().unwrap_or_default()
    }

    fn medians(&self, name: &str) -> Medians {
        let times = self.times.get(name).map(Vec::as_slice).unwrap_or_default();
        Medians {
            to_work: median(times.iter().map(|times| times.to_work)),
            to_answer: median(times.iter().map(|times| times.to_answer)),
        }
    }
}

fn broken_bounds(name: &str, ours: Medians, empty: Medians, python: Medians) -> Vec<String> {
    let mut broken = Vec::new();
    if ours.to_work > TIMES_EMPTY_MAX * empty.to_work {
        broken.push(format!("{name} takes more than {TIMES_EMPTY_MAX} times as long as an empty function to start"));
    }
    for (what, ours, python) in
        [("to start", ours.to_work, python.to_work), ("to answer first", ours.to_answer, python.to_answer)]
    {
        if ours * PYTHON_SHARE_MIN > python {
            broken
                .push(format!("{name} takes more than 1/{PYTHON_SHARE_MIN} of the time of its twin in Python {what}"));
        }
    }
    broken
}

/// The median in microseconds; 0 of nothing.
fn median(durations: impl Iterator<Item = Duration>) -> u128 {
    let mut sorted: Vec<u128> = durations.map(|duration| duration.as_micros()).collect();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

/// A number divided by another, with one decimal.
fn decimal(number: u128, by: u128) -> String {
    let tenths = number * 10 / by.max(1);
    format!("{}.{}", tenths / 10, tenths % 10)
}

fn times(number: u128, of: u128) -> String {
    format!("×{}", decimal(number, of))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_holds_at_its_value_and_breaks_above_it() {
        let empty = Medians { to_work: 100, to_answer: 100 };
        let python = Medians { to_work: 3000, to_answer: 9000 };
        let at_the_bounds = Medians { to_work: 300, to_answer: 900 };
        assert_eq!(broken_bounds("f", at_the_bounds, empty, python), Vec::<String>::new());
        let start = broken_bounds("f", Medians { to_work: 301, to_answer: 900 }, empty, python);
        assert_eq!(start.len(), 2, "{start:?}");
        let answer = broken_bounds("f", Medians { to_work: 300, to_answer: 901 }, empty, python);
        assert_eq!(answer, ["f takes more than 1/10 of the time of its twin in Python to answer first"]);
    }

    #[test]
    fn the_median_is_that_of_the_sorted_times() {
        let times = [9, 1, 5].map(Duration::from_micros);
        assert_eq!(median(times.into_iter()), 5);
        assert_eq!(decimal(2199, 1000), "2.1");
    }
}
