//! `txn transactions`: the transactions of a period, in order of time, from the index of the table.

use super::Aws;
use super::row::{COLUMNS, Row, headings};
use super::shards::{DayQuery, DayReader};
use crate::calendar::{DAY_SECONDS, start_of};
use crate::cli::{Format, TransactionsArguments};
use crate::print;
use crate::problem::{Exit, Problem};
use crate::settings::Settings;
use domain::{Currency, Partner, Timestamp};
use std::io::{BufWriter, Write};

/// The maximum number of days of a period. Each takes 1,024 queries.
const DAYS_MAX: usize = 366;

pub(crate) fn run(arguments: &TransactionsArguments, settings: &Settings, as_json: bool) -> Result<Exit, Problem> {
    let environment = settings.environment(&arguments.operate)?;
    let period = Period::read(&arguments.from, arguments.to.as_deref())?;
    let query = DayQuery {
        table: format!("transactions-{environment}"),
        from: period.from.to_string(),
        to: period.to.to_string(),
        currency: arguments.currency.clone().map(currency).transpose()?,
        partner: arguments.partner.clone().map(partner).transpose()?,
    };
    let aws = Aws::new(settings)?;
    let days = DayReader::new(aws.dynamodb(), query, arguments.queries.get());
    let mut writer = Writer::new(if as_json { Format::Json } else { arguments.format });
    writer.begin()?;
    for day in period.days()? {
        aws.runtime.block_on(days.read(&day, |row| writer.row(row)))?;
    }
    writer.end()?;
    Ok(Exit::Success)
}

fn currency(code: String) -> Result<String, Problem> {
    // A code that was replaced is accepted too, because its transactions are still stored.
    let is_known = Currency::well_formed(code.as_bytes()).is_some();
    if is_known {
        Ok(code)
    } else {
        Err(Problem::usage("currency_unknown", "--currency takes an ISO 4217 code such as EUR."))
    }
}

fn partner(name: String) -> Result<String, Problem> {
    let is_name = Partner::named(&name).is_some();
    if is_name {
        Ok(name)
    } else {
        Err(Problem::usage("partner_malformed", "--partner takes a partner's name such as acme."))
    }
}

/// A period from the first instant to the last, both included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Period {
    from: Timestamp,
    to: Timestamp,
}

impl Period {
    /// Parses days and instants. The last day is included, but a last instant is not, so that periods can be consecutive.
    fn read(from: &str, to: Option<&str>) -> Result<Self, Problem> {
        let first = if is_day(from) { instant_of(start_of(from)?)? } else { instant(from)? };
        let last = match to {
            Some(to) if is_day(to) => before(instant_of(start_of(to)? + DAY_SECONDS)?),
            Some(to) => before(instant(to)?),
            None => before(instant_of(start_of(&first.day())? + DAY_SECONDS)?),
        };
        match last.filter(|last| first <= *last) {
            Some(last) => Ok(Self { from: first, to: last }),
            None => Err(Problem::usage("period_empty", "The period is empty, because --to is not after --from.")),
        }
    }

    fn days(&self) -> Result<Vec<String>, Problem> {
        let start = start_of(&self.from.day())?;
        let starts =
            (0..=DAYS_MAX as i64).map(|at| start + at * DAY_SECONDS).take_while(|at| *at <= self.to.unix_seconds());
        let days: Vec<String> = starts.filter_map(|at| Timestamp::from_unix(at, 0)).map(Timestamp::day).collect();
        if days.len() <= DAYS_MAX {
            return Ok(days);
        }
        Err(Problem::usage(
            "period_too_long",
            format!("A period has at most {DAYS_MAX} days; each takes 1,024 queries."),
        ))
    }
}

fn is_day(text: &str) -> bool {
    text.len() == "2026-01-15".len()
}

fn instant_of(unix_seconds: i64) -> Result<Timestamp, Problem> {
    Timestamp::from_unix(unix_seconds, 0)
        .ok_or_else(|| Problem::usage("period_malformed", "The years are 0001 to 9999."))
}

fn instant(text: &str) -> Result<Timestamp, Problem> {
    Timestamp::parse(text.as_bytes()).map_err(|_| {
        let text = print::sanitized(text);
        let message =
            format!("{text:?} is neither a day such as 2026-01-15 nor an instant such as 2026-01-15T10:00:00Z.");
        Problem::usage("period_malformed", message)
    })
}

/// The last instant before another. The index has nanoseconds.
fn before(at: Timestamp) -> Option<Timestamp> {
    let text = at.to_string();
    let nanoseconds: u32 = text.get("2026-01-15T10:00:00.".len()..text.len() - 1)?.parse().ok()?;
    match nanoseconds.checked_sub(1) {
        Some(earlier) => Timestamp::from_unix(at.unix_seconds(), earlier),
        None => Timestamp::from_unix(at.unix_seconds() - 1, 999_999_999),
    }
}

/// Writes rows as they are read.
struct Writer {
    format: Format,
    out: BufWriter<Stdout>,
    rows: u64,
}

impl Writer {
    fn new(format: Format) -> Self {
        Self { format, out: BufWriter::with_capacity(64 * 1024, Stdout), rows: 0 }
    }

    fn begin(&mut self) -> Result<(), Problem> {
        match self.format {
            Format::Table => self.line(&headings()),
            Format::Csv => self.line(&COLUMNS.join(",")),
            Format::Json => Ok(()),
        }
    }

    fn row(&mut self, row: &Row) -> Result<(), Problem> {
        self.rows += 1;
        match self.format {
            Format::Table => self.line(&row.to_table()),
            Format::Csv => self.line(&row.to_csv()),
            Format::Json => self.line(&row.to_json().to_string()),
        }
    }

    fn end(&mut self) -> Result<(), Problem> {
        if self.format == Format::Table {
            self.line(&format!("transactions: {}", self.rows))?;
        }
        self.out.flush().map_err(|error| unwritable(&error))
    }

    fn line(&mut self, text: &str) -> Result<(), Problem> {
        writeln!(self.out, "{text}").map_err(|error| unwritable(&error))
    }
}

fn unwritable(error: &std::io::Error) -> Problem {
    Problem::usage("output_unusable", format!("stdout cannot be written: {error}"))
}

/// Stdout, through [`print::raw`].
struct Stdout;

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        print::raw(bytes).map_err(|problem| std::io::Error::other(problem.message))?;
        if print::reader_is_gone() {
            // A list changes nothing, so nothing has to be finished.
            std::process::exit(Exit::Success as i32);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(from: &str, to: Option<&str>) -> Option<(String, String, usize)> {
        let period = Period::read(from, to).ok()?;
        Some((period.from.to_string(), period.to.to_string(), period.days().ok()?.len()))
    }

    #[test]
    fn includes_the_last_day_but_not_the_last_instant() {
        let of = |from: &str, to: &str, days| Some((from.to_owned(), to.to_owned(), days));
        let (start, end) = ("2026-01-15T00:00:00.000000000Z", "2026-01-15T23:59:59.999999999Z");
        assert_eq!(period("2026-01-15", None), of(start, end, 1));
        assert_eq!(period("2026-01-15", Some("2026-01-15")), of(start, end, 1));
        assert_eq!(period("2026-01-15", Some("2026-01-16T00:00:00Z")), of(start, end, 1));
        assert_eq!(period("2026-02-27", Some("2026-03-01")).map(|(_, _, days)| days), Some(3));
        let noon = "2026-01-15T11:00:00.000000000Z";
        assert_eq!(period("2026-01-15T12:00:00+01:00", None), of(noon, end, 1));
        assert_eq!(period("2026-01-15T12:00:00+01:00", Some("2026-01-15T11:00:00.000000001Z")), of(noon, noon, 1));
    }

    #[test]
    fn rejects_an_invalid_period() {
        for (from, to) in [
            ("2026-01-16", Some("2026-01-15")),
            ("2026-01-15T10:00:00Z", Some("2026-01-15T10:00:00Z")),
            ("2026-02-30", None),
            ("yesterday", None),
            ("2026-01-15T10:00:00", None),
            ("2026-01-15", Some("2028-01-15")),
        ] {
            assert_eq!(period(from, to), None, "{from} {to:?}");
        }
    }
}
