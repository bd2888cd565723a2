//! Days in UTC, by the clock of this machine.

use crate::print;
use crate::problem::Problem;
use domain::Timestamp;
use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) const DAY_SECONDS: i64 = 24 * 60 * 60;

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}

/// Seconds since 1970.
pub(crate) fn now_seconds() -> i64 {
    Timestamp::from_unix_milliseconds(now_ms()).unix_seconds()
}

/// The day that has a second since 1970.
pub(crate) fn day_of(unix_seconds: i64) -> String {
    Timestamp::from_unix(unix_seconds, 0).map(Timestamp::day).unwrap_or_default()
}

pub(crate) fn today() -> String {
    day_of(now_seconds())
}

/// The first second of a day.
pub(crate) fn start_of(day: &str) -> Result<i64, Problem> {
    let start = Timestamp::parse(format!("{day}T00:00:00Z").as_bytes());
    start.map(Timestamp::unix_seconds).map_err(|_| {
        let day = print::sanitized(day);
        Problem::usage("day_malformed", format!("{day:?} is not a day. Use the format 2026-01-15 (UTC)."))
    })
}
