//! The table of the measurements, and their bounds.

use crate::subject::Times;
use std::collections::BTreeMap;
use std::time::Duration;

/// The name of the empty function.
pub(crate) const EMPTY: &str = "empty";

/// The most time of a function to its first request for an event, in times of the empty function.
const TIMES_EMPTY_MAX: u128 = 3;

/// A function must be at least this many times as fast as its version in Python.
const TIMES_PYTHON_MIN: u128 = 10;

/// The name of a function's version in Python.
pub(crate) fn in_python(name: &str) -> String {
    format!("{name} in Python")
}

/// The measurements with one limit of the processor.
#[derive(Debug)]
pub(crate) struct Report {
    names: Vec<String>,
    times: BTreeMap<String, Vec<Times>>,
}

/// The medians of one subject, in microseconds.
#[derive(Clone, Copy)]
struct Medians {
    to_request: u128,
    to_response: u128,
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

    /// Prints the table. Returns whether every bound holds.
    pub(crate) fn print(&self, percent: u32) -> bool {
        println!("\nAt {} of a core, medians of {} starts:", stubs::share(percent), self.rounds());
        println!("{:<30} {:>24}   {:>24}", "", "first request", "first response");
        let empty = self.medians(EMPTY);
        let mut exceeded = Vec::new();
        for name in &self.names {
            let median = self.medians(name);
            let request =
                format!("{} ms {:>7}", decimal(median.to_request, 1000), times(median.to_request, empty.to_request));
            let response =
                format!("{} ms {:>7}", decimal(median.to_response, 1000), times(median.to_response, empty.to_response));
            println!("{name:<30} {request:>24}   {response:>24}");
            if self.names.contains(&in_python(name)) {
                exceeded.extend(exceeded_bounds(name, median, empty, self.medians(&in_python(name))));
            }
        }
        for sentence in &exceeded {
            println!("BOUND EXCEEDED: {sentence}");
        }
        exceeded.is_empty()
    }

    fn rounds(&self) -> usize {
        self.times.values().map(Vec::len).min().unwrap_or_default()
    }

    fn medians(&self, name: &str) -> Medians {
        let times = self.times.get(name).map(Vec::as_slice).unwrap_or_default();
        Medians {
            to_request: median(times.iter().map(|times| times.to_request)),
            to_response: median(times.iter().map(|times| times.to_response)),
        }
    }
}

fn exceeded_bounds(name: &str, ours: Medians, empty: Medians, python: Medians) -> Vec<String> {
    let mut exceeded = Vec::new();
    if ours.to_request > TIMES_EMPTY_MAX * empty.to_request {
        exceeded.push(format!("{name} takes more than {TIMES_EMPTY_MAX} times as long as an empty function to start"));
    }
    for (what, ours, python) in
        [("to start", ours.to_request, python.to_request), ("to respond first", ours.to_response, python.to_response)]
    {
        if ours * TIMES_PYTHON_MIN > python {
            exceeded.push(format!(
                "{name} takes more than 1/{TIMES_PYTHON_MIN} of the time of its version in Python {what}"
            ));
        }
    }
    exceeded
}

/// The median in microseconds; 0 without values.
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
    fn a_bound_holds_at_its_value_and_fails_above() {
        let empty = Medians { to_request: 100, to_response: 100 };
        let python = Medians { to_request: 3000, to_response: 9000 };
        let at_the_bounds = Medians { to_request: 300, to_response: 900 };
        assert_eq!(exceeded_bounds("f", at_the_bounds, empty, python), Vec::<String>::new());
        let start = exceeded_bounds("f", Medians { to_request: 301, to_response: 900 }, empty, python);
        assert_eq!(start.len(), 2, "{start:?}");
        let response = exceeded_bounds("f", Medians { to_request: 300, to_response: 901 }, empty, python);
        assert_eq!(response, ["f takes more than 1/10 of the time of its version in Python to respond first"]);
    }

    #[test]
    fn the_median_is_of_sorted_times() {
        let times = [9, 1, 5].map(Duration::from_micros);
        assert_eq!(median(times.into_iter()), 5);
        assert_eq!(decimal(2199, 1000), "2.1");
    }
}
