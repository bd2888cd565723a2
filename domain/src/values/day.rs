//! Days of the calendar, in UTC.

use crate::Timestamp;
use std::fmt;

const SECONDS_OF_DAY: i64 = 24 * 60 * 60;
const DAY_LENGTH: usize = "2026-01-15".len();

/// The days of a week. The first is Monday.
pub const DAYS_OF_WEEK: usize = 7;
/// 1970-01-01 was a Thursday, the fourth day of its week.
const WEEKDAY_OF_EPOCH: i64 = 3;

/// A day in UTC between the years 0001 and 9999.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Day(Timestamp);

impl Day {
    /// Reads a day of the form `2026-01-15`, if the calendar has it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let midnight = format!("{text}T00:00:00Z");
        (text.len() == DAY_LENGTH).then(|| Timestamp::parse(midnight.as_bytes()).ok().map(Self))?
    }

    /// The day of an instant.
    #[must_use]
    pub fn of(at: Timestamp) -> Self {
        let since_midnight = at.unix_seconds().rem_euclid(SECONDS_OF_DAY);
        // The midnight before an instant in the calendar is in the calendar.
        Self(Timestamp::from_unix(at.unix_seconds() - since_midnight, 0).unwrap_or(at))
    }

    /// The day of an instant in milliseconds since 1970.
    #[must_use]
    pub fn of_milliseconds(unix_milliseconds: u64) -> Self {
        Self::of(Timestamp::from_unix_milliseconds(unix_milliseconds))
    }

    /// Its first instant, in milliseconds since 1970; 0 for an earlier day.
    #[must_use]
    pub fn start_ms(self) -> u64 {
        u64::try_from(self.0.unix_seconds() * 1000).unwrap_or_default()
    }

    /// The day after, or this day if it is the last of the calendar.
    #[must_use]
    pub fn after(self) -> Self {
        Self(self.0.plus_seconds(SECONDS_OF_DAY))
    }

    /// The day before, or this day if it is the first of the calendar.
    #[must_use]
    pub fn before(self) -> Self {
        Self(self.0.plus_seconds(-SECONDS_OF_DAY))
    }

    /// The day of the week, from 0 for Monday to 6 for Sunday.
    #[must_use]
    pub fn weekday(self) -> usize {
        let days = self.0.unix_seconds().div_euclid(SECONDS_OF_DAY);
        let weekday = (days + WEEKDAY_OF_EPOCH).rem_euclid(7);
        usize::try_from(weekday).unwrap_or_default()
    }
}

impl fmt::Display for Day {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.day())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_day_has_exactly_one_form() {
        for text in ["2026-01-15", "0001-01-01", "9999-12-31", "2024-02-29"] {
            assert_eq!(Day::parse(text).map(|day| day.to_string()).as_deref(), Some(text));
        }
        for text in [
            "",
            "2026-1-15",
            "2026-02-29",
            "2026-13-01",
            "0000-01-01",
            "15.01.2026",
            "20260115",
            "2026-01-15T",
            "+026-01-15",
        ] {
            assert_eq!(Day::parse(text), None, "{text}");
        }
    }

    #[test]
    fn weekdays_are_those_of_the_calendar() {
        for (text, weekday) in
            [("1970-01-01", 3), ("2026-11-21", 5), ("2024-02-29", 3), ("0001-01-01", 0), ("1969-12-29", 0)]
        {
            assert_eq!(Day::parse(text).unwrap().weekday(), weekday, "{text}");
        }
        assert_eq!(Day::parse("2026-03-01").unwrap().before().to_string(), "2026-02-28");
        let last = Day::of_milliseconds(u64::MAX);
        assert_eq!((last.to_string().as_str(), last.after()), ("9999-12-31", last));
        assert_eq!(Day::of_milliseconds(86_400_000 * 2 - 1).start_ms(), 86_400_000);
    }

    proptest! {
        #[test]
        fn an_instant_is_in_its_day(seconds in -62_135_596_800_i64..=253_402_300_799) {
            let at = Timestamp::from_unix(seconds, 999_999_999).unwrap();
            let day = Day::of(at);
            prop_assert_eq!(day.to_string(), at.day());
            prop_assert_eq!(Day::parse(&day.to_string()), Some(day));
        }

        #[test]
        fn the_day_before_is_a_weekday_earlier(days in 1_i64..2_000_000) {
            let day = Day::of(Timestamp::from_unix(-62_135_596_800 + days * SECONDS_OF_DAY, 0).unwrap());
            prop_assert!(day.before() < day);
            prop_assert_eq!(day.before().after(), day);
            prop_assert_eq!((day.before().weekday() + 1) % DAYS_OF_WEEK, day.weekday());
        }
    }
}
