//! Files that the seed makes: the bytes to send, and the required outcome of each, computed by the trials' own
//! arithmetic.

use super::chance::Chance;
use crate::support::cloud::now_ms;
use crate::support::files::{self, HEADER};
use domain::Timestamp;
use serde_json::json;
use std::collections::BTreeMap;

/// Currencies with the number of their decimals (ISO 4217).
const CURRENCIES: [(&str, u32); 5] = [("EUR", 2), ("USD", 2), ("JPY", 0), ("KWD", 3), ("CHF", 2)];
/// The trials add up in this unit: a thousandth of any currency's main unit.
const THOUSANDTHS_DIGITS: u32 = 3;
/// Most digits of an amount, so that the sums of a round fit an `i128` of thousandths.
const AMOUNT_DIGITS_MAX: u64 = 33;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// Merchants as stored, and as written in a file.
const MERCHANTS: [(&str, &str); 8] = [
    ("Corner Café", "Corner Café"),
    ("=SUM(A1:A9)", "=SUM(A1:A9)"),
    ("Müller, \"Söhne\"", "\"Müller, \"\"Söhne\"\"\""),
    ("東京", "東京"),
    ("-1", "-1"),
    ("a b", "\"a b\""),
    ("two\nlines", "\"two\nlines\""),
    ("O'Brien & Co", "O'Brien & Co"),
];
const STATUSES: [&str; 3] = ["completed", "pending", "failed"];

/// One record, as it must be stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Record {
    pub(super) id: String,
    pub(super) thousandths: i128,
    pub(super) currency: &'static str,
    pub(super) merchant: &'static str,
    pub(super) status: &'static str,
}

/// A file of a round.
#[derive(Clone, Debug)]
pub(super) struct PlannedFile {
    pub(super) id: String,
    pub(super) bytes: Vec<u8>,
    /// Whether it has an error and must be rejected.
    pub(super) is_bad: bool,
    /// Whether its validity depends on the clock of the function that checks it: its timestamps are a day ahead, give
    /// or take some seconds.
    pub(super) is_at_edge: bool,
    pub(super) records: Vec<Record>,
}

impl PlannedFile {
    /// A file of a partner with some of these ids.
    pub(super) fn of(partner: &str, ids: &[String], chance: &mut Chance) -> Self {
        let count = chance.between(1, ids.len() as u64);
        let first = chance.index(ids.len());
        let chosen = (0..count).map(|offset| &ids[(first + usize::try_from(offset).unwrap()) % ids.len()]);
        let (records, mut lines): (Vec<_>, Vec<_>) = chosen.map(|id| record(id, chance)).unzip();
        let is_bad = chance.percent(15);
        if is_bad {
            corrupt(&mut lines, chance);
        }
        let line_end = *chance.pick(&["\n", "\r\n"]);
        let text = format!("{HEADER}{line_end}{}", lines.join(line_end));
        let bytes = text.into_bytes();
        Self { id: files::file_id(partner, &bytes), bytes, is_bad, is_at_edge: false, records }
    }

    /// A valid file with these ids whose timestamps are this far ahead of the time at which files may be sent. It
    /// differs in each run, since the time does.
    pub(super) fn at_edge(partner: &str, ids: &[String], ahead_ms: u64, chance: &mut Chance) -> Self {
        let (records, lines): (Vec<_>, Vec<_>) = ids.iter().map(|id| record(id, chance)).unzip();
        let at = Timestamp::from_unix_milliseconds(now_ms() + DAY_MS + ahead_ms).to_milliseconds_text();
        let lines: Vec<String> = lines.iter().map(|line| with_timestamp(line, &at)).collect();
        let bytes = files::file(&lines);
        Self { id: files::file_id(partner, &bytes), bytes, is_bad: false, is_at_edge: true, records }
    }

    /// A valid file of one record.
    pub(super) fn of_one(partner: &str, id: &str, chance: &mut Chance) -> Self {
        let (record, line) = record(id, chance);
        let bytes = files::file(&[line]);
        Self { id: files::file_id(partner, &bytes), bytes, is_bad: false, is_at_edge: false, records: vec![record] }
    }

    /// What its records add up to, by currency, in thousandths.
    pub(super) fn totals(&self) -> BTreeMap<String, i128> {
        let mut totals = BTreeMap::new();
        for record in &self.records {
            *totals.entry(record.currency.to_owned()).or_default() += record.thousandths;
        }
        totals
    }

    /// Its control totals: how many records it has, and their sums.
    pub(super) fn control_totals(&self) -> [(&'static str, String); 2] {
        let totals = self.totals();
        let totals: BTreeMap<_, _> = totals.iter().map(|(currency, total)| (currency, plain(*total))).collect();
        [("expected_rows", self.records.len().to_string()), ("expected_totals", json!(totals).to_string())]
    }
}

/// Thousandths as a decimal text without zeros at its end.
fn plain(thousandths: i128) -> String {
    decimal(thousandths, THOUSANDTHS_DIGITS).trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn with_timestamp(line: &str, at: &str) -> String {
    let (before, after) = line.split_once("2026-01-15T").unwrap();
    format!("{before}{at}{}", after.split_once('Z').unwrap().1)
}

fn record(id: &str, chance: &mut Chance) -> (Record, String) {
    let (currency, decimals) = *chance.pick(&CURRENCIES);
    let digits = if chance.percent(15) { AMOUNT_DIGITS_MAX } else { chance.between(1, 9) };
    let mut minor = (0..digits).fold(0_i128, |value, _| value * 10 + i128::from(chance.between(0, 9)));
    if chance.percent(20) {
        minor = -minor;
    }
    let (merchant, written) = *chance.pick(&MERCHANTS);
    let status = *chance.pick(&STATUSES);
    let second = chance.between(0, 59);
    let amount = decimal(minor, decimals);
    let line = format!("{id},{amount},{currency},2026-01-15T10:00:{second:02}Z,{written},{status}");
    let thousandths = minor * 10_i128.pow(THOUSANDTHS_DIGITS - decimals);
    (Record { id: id.to_owned(), thousandths, currency, merchant, status }, line)
}

/// Makes one of the lines wrong.
fn corrupt(lines: &mut Vec<String>, chance: &mut Chance) {
    let index = chance.index(lines.len());
    let line = lines[index].clone();
    let (head, tail) = line.split_once(',').unwrap();
    lines[index] = match chance.between(0, 5) {
        0 => line.replace("2026-01-15T", "2026-02-30T"),
        1 => format!("{line},one too many"),
        2 => format!("{head},1e5,{}", tail.split_once(',').unwrap().1),
        3 => format!(",{tail}"),
        4 => line.replace("10:00:", "10:00"),
        _ => {
            lines.push(line.clone());
            line
        }
    };
}

/// A number of minor units as a decimal text.
fn decimal(minor: i128, decimals: u32) -> String {
    let unit = 10_i128.pow(decimals);
    let sign = if minor < 0 { "-" } else { "" };
    let (whole, part) = (minor.abs() / unit, minor.abs() % unit);
    if decimals == 0 {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{part:0width$}", width = decimals as usize)
    }
}

/// A decimal text in thousandths. It has no more than three decimals.
pub(super) fn thousandths(text: &str) -> i128 {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    assert!(part.len() <= THOUSANDTHS_DIGITS as usize, "{text} has too many decimals");
    let digits = format!("{}{part:0<3}", whole.trim_start_matches('-'));
    let value: i128 = digits.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
    if whole.starts_with('-') { -value } else { value }
}

#[test]
fn amounts_in_text_equal_those_in_thousandths() {
    for (minor, decimals, text) in
        [(0, 2, "0.00"), (-5, 2, "-0.05"), (1_234, 3, "1.234"), (7, 0, "7"), (-120, 0, "-120")]
    {
        assert_eq!(decimal(minor, decimals), text);
        assert_eq!(thousandths(text), minor * 10_i128.pow(3 - decimals), "{text}");
    }
}
