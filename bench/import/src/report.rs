//! The tables of the measurements, and their bounds.

use crate::gate::Throttling;
use crate::model::{self, CAPACITIES, FILES, SECONDS_MAX};
use crate::scenario::Measured;
use serde_json::{Value, json};
use std::error::Error;
use std::time::Duration;
use stubs::results::bound;
use stubs::{Results, share};

/// The required share of the table's bound, in percent.
const REACHED_PERCENT_MIN: u64 = 90;

/// The most processor time for a row.
const ROW_MICROSECONDS_MAX: u64 = 100;

/// The share of the time spent waiting for a processor from which on the machine was too busy to measure a full core.
const DISTURBED_PERCENT: u128 = 5;

/// The most memory (half of the 512 MB of a function).
const MEMORY_MEGABYTES_MAX: u64 = 256;

const COLUMNS: [&str; 12] = [
    "importer",
    "table",
    "core",
    "rows",
    "latency ms",
    "rows/s",
    "table's bound, rows/s",
    "of the bound",
    "of the core's share",
    "processor µs a row",
    "peak memory MB",
    "throttled writes",
];

impl Measured {
    /// Rows a second.
    pub(crate) fn rate(&self) -> u64 {
        let microseconds = u64::try_from(self.import.time.as_micros()).unwrap_or(u64::MAX);
        u64::from(self.rows) * 1_000_000 / microseconds.max(1)
    }

    /// Processor time a row, in microseconds.
    pub(crate) fn row_microseconds(&self) -> u64 {
        let microseconds = u64::try_from(self.import.used.processor.as_micros()).unwrap_or(u64::MAX);
        microseconds / u64::from(self.rows.max(1))
    }

    fn memory_megabytes(&self) -> u64 {
        self.import.used.memory_kilobytes_max.div_ceil(1024)
    }

    fn reached_percent(&self) -> u64 {
        self.rate() * 100 / self.bound()
    }

    fn bound(&self) -> u64 {
        self.scenario.bound(self.latency).max(1)
    }

    /// The used part of its share of the processor.
    fn processor_percent(&self) -> u64 {
        let used = self.import.used.processor.as_micros() * 10_000 / self.import.time.as_micros().max(1);
        u64::try_from(used).unwrap_or(u64::MAX) / u64::from(self.percent)
    }

    fn cells(&self) -> [String; 12] {
        [
            self.importer().to_owned(),
            self.scenario.name.to_owned(),
            share(self.percent),
            thousands(self.rows.into()),
            format!("{}.{:02}", self.latency.as_micros() / 1000, self.latency.as_micros() / 10 % 100),
            thousands(self.rate()),
            thousands(self.bound()),
            format!("{} %", self.reached_percent()),
            format!("{} %", self.processor_percent()),
            self.row_microseconds().to_string(),
            self.memory_megabytes().to_string(),
            thousands(self.throttled),
        ]
    }

    fn importer(&self) -> &'static str {
        if self.is_python { "boto3 batch_writer" } else { "data-transformer" }
    }

    fn bounds(&self) -> Vec<Value> {
        let at = format!("{} at {} of a core", self.scenario.name, share(self.percent));
        let (reached, processor) = (self.reached_percent(), self.processor_percent());
        let mut bounds = vec![bound(
            format!("{at}: peak memory"),
            format!("≤ {MEMORY_MEGABYTES_MAX} MB"),
            format!("{} MB", self.memory_megabytes()),
            self.memory_megabytes() <= MEMORY_MEGABYTES_MAX,
        )];
        // The longest merchants are imported to measure memory.
        if self.scenario.merchant_bytes > 0 {
            return bounds;
        }
        bounds.push(bound(
            format!("{at}: rows a second, of the table's bound, or of the processor's share"),
            format!("≥ {REACHED_PERCENT_MIN} %"),
            format!("{reached} %, or {processor} %"),
            reached.max(processor) >= REACHED_PERCENT_MIN,
        ));
        // A throttled row is sent again, which costs more.
        if self.percent == 100 && self.throttled == 0 {
            let microseconds = self.row_microseconds();
            bounds.push(bound(
                format!("{at}: processor time a row"),
                format!("≤ {ROW_MICROSECONDS_MAX} µs"),
                format!("{microseconds} µs"),
                microseconds <= ROW_MICROSECONDS_MAX,
            ));
        }
        bounds
    }

    /// A note if other programs used the processor during a measurement at a full core.
    fn disturbance(&self) -> Option<String> {
        let waited = self.import.used.waited.as_micros() * 100 / self.import.time.as_micros().max(1);
        let is_disturbed = self.percent == 100 && !self.is_python && waited >= DISTURBED_PERCENT;
        is_disturbed.then(|| {
            let name = self.scenario.name;
            format!("{name}: the machine was busy; the function waited for a processor for {waited} % of the time.")
        })
    }

    fn data(&self) -> Value {
        let percent = |part: Duration| {
            u64::try_from(part.as_micros() * 100 / self.import.time.as_micros().max(1)).unwrap_or(u64::MAX)
        };
        json!({
            "importer": self.importer(),
            "table": self.scenario.name,
            "core_percent": self.percent,
            "rows": self.rows,
            "rows_per_second": self.rate(),
            "bound_rows_per_second": self.bound(),
            "latency_microseconds": u64::try_from(self.latency.as_micros()).unwrap_or(u64::MAX),
            "processor_microseconds_a_row": self.row_microseconds(),
            "memory_kilobytes_max": self.import.used.memory_kilobytes_max,
            "throttled_writes": self.throttled,
            "stub_core_percent": percent(self.import.stub_processor),
            "waited_for_a_core_percent": percent(self.import.used.waited),
        })
    }
}

/// Writes `target/bench/import.json` and prints exceeded bounds. Returns whether all bounds hold.
///
/// # Errors
/// The file cannot be written.
pub(crate) fn write(all: &[Measured], mut notes: Vec<String>) -> Result<bool, Box<dyn Error>> {
    let bounds: Vec<Value> = all.iter().filter(|one| !one.is_python).flat_map(Measured::bounds).collect();
    let ratios = ratios(all);
    notes.extend(ratios.iter().map(|(table, core, times)| {
        format!("{table} at {core} of a core: {times} times as fast as boto3's batch_writer, which writes without conditions.")
    }));
    notes.push(
        "The table's bound is its cap, or 64 writes in flight divided by its measured latency; for a table that throttles 5 % it \
         is 95 % of that, because a throttled write is in flight like any other and writes no row. If the share of a core is \
         too small for that many rows, the function must use all of it. Every row of the table was compared with the file, \
         and the writes were counted."
            .to_owned(),
    );
    notes.extend(all.iter().filter_map(Measured::disturbance));
    let (predictions, model_notes) = predictions(all);
    notes.extend(model_notes);
    for note in &notes {
        eprintln!("{note}");
    }
    let results = Results {
        part: "import",
        title: "Import: rows into a table over TLS",
        columns: json!(COLUMNS),
        rows: all.iter().map(|measured| json!(measured.cells())).collect(),
        bounds,
        notes,
        data: json!({ "measured": all.iter().map(Measured::data).collect::<Vec<_>>(), "model": predictions }),
    };
    Ok(results.write()?)
}

/// Prints the last measurement.
pub(crate) fn print_last(all: &[Measured]) {
    if let Some(last) = all.last() {
        eprintln!("{}", last.cells().join(" | "));
    }
}

/// How many times as fast as the peer, if both were measured.
fn ratios(all: &[Measured]) -> Vec<(&'static str, String, String)> {
    let ours = all.iter().filter(|one| !one.is_python);
    ours.filter_map(|one| {
        let is_peer = |other: &&Measured| {
            other.is_python && other.scenario.name == one.scenario.name && other.percent == one.percent
        };
        let tenths = one.rate() * 10 / all.iter().find(is_peer)?.rate().max(1);
        Some((one.scenario.name, share(one.percent), format!("{}.{}", tenths / 10, tenths % 10)))
    })
    .collect()
}

/// The predictions of the model, by the slowest rate at the share of a core that Lambda gives, as values and as notes.
fn predictions(all: &[Measured]) -> (Vec<Value>, Vec<String>) {
    let on_lambda = |one: &&Measured| {
        one.percent < 100
            && !one.is_python
            && one.scenario.merchant_bytes == 0
            && !matches!(one.scenario.throttling, Throttling::Cap(_))
    };
    let Some(rate) = all.iter().filter(on_lambda).map(Measured::rate).min() else {
        return (
            Vec::new(),
            vec!["No predictions: nothing was measured at the share of a core that Lambda gives.".to_owned()],
        );
    };
    let (mut values, mut notes) = (Vec::new(), Vec::new());
    for capacity in CAPACITIES {
        for rows in FILES {
            let prediction = model::predict(rows, rate, capacity);
            let (even, random) = (tenths(prediction.even), tenths(prediction.random));
            notes.push(format!(
                "Model, {} rows of one day, table {}, functions of {} rows/s: {even} s with an even index, {random} s with a \
                 random one, of {SECONDS_MAX} s.",
                thousands(rows),
                capacity.name,
                thousands(rate)
            ));
            values.push(json!({
                "rows": rows, "table": capacity.name, "function_rows_per_second": rate,
                "seconds_if_even": even, "seconds_random": random, "seconds_max": SECONDS_MAX,
            }));
        }
    }
    (values, notes)
}

fn tenths(value: u64) -> String {
    format!("{}.{}", value / 10, value % 10)
}

/// A number with thousands separators.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;
    use crate::subject::Import;
    use stubs::Usage;

    fn measured(percent: u32, milliseconds: u64) -> Measured {
        let scenario = Scenario {
            name: "6 ms",
            latency_milliseconds: 6,
            throttling: Throttling::None,
            rows: 10_000,
            merchant_bytes: 0,
        };
        let used =
            Usage { processor: Duration::from_millis(1_000), memory_kilobytes_max: 20_480, waited: Duration::ZERO };
        let import = Import { time: Duration::from_millis(milliseconds), used, stub_processor: Duration::ZERO };
        Measured {
            scenario,
            percent,
            is_python: false,
            rows: 10_000,
            import,
            throttled: 0,
            latency: Duration::from_millis(6),
        }
    }

    #[test]
    fn a_function_reaches_the_tables_bound_or_uses_its_share() {
        let reached = |one: &Measured| (one.rate(), one.reached_percent(), one.processor_percent());
        let holds = |one: &Measured| one.bounds().iter().all(|bound| bound["holds"] == true);
        let [fast, slow, used_up] = [measured(100, 1_000), measured(100, 1_200), measured(29, 3_500)];
        assert_eq!((reached(&fast), holds(&fast)), ((10_000, 93, 100), true));
        assert_eq!((reached(&slow), holds(&slow)), ((8_333, 78, 83), false));
        assert_eq!((reached(&used_up), holds(&used_up)), ((2_857, 26, 98), true));
    }

    #[test]
    fn formats_numbers() {
        assert_eq!([7, 999, 1_000, 12_345, 1_000_000].map(thousands), ["7", "999", "1,000", "12,345", "1,000,000"]);
        assert_eq!(tenths(1_234), "123.4");
    }
}
