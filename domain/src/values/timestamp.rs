//! Instants, read strictly by RFC 3339 and kept in UTC to the nanosecond.

use std::fmt;
use time::OffsetDateTime;

/// An instant between the years 0001 and 9999, in UTC, to the nanosecond.
///
/// Its text (`Display`) has a fixed width (`2026-01-15T10:00:00.000000000Z`), so that the order of texts is the order
/// of instants, which the range keys of the indexes need.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Timestamp {
    unix_seconds: i64,
    nanoseconds: u32,
}

/// Why a text is not a timestamp.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TimestampError {
    /// Not the layout `YYYY-MM-DDThh:mm:ss[.fraction](Z|±hh:mm)`.
    Malformed,
    /// The layout without its offset: the instant is unknown.
    OffsetMissing,
    /// The layout with a part out of range; the text names the part.
    OutOfRange(&'static str),
}

const DATE_TIME_LENGTH: usize = "2026-01-15T10:00:00".len();
/// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z.
const UNIX_SECONDS_MIN: i64 = -62_135_596_800;
const UNIX_SECONDS_MAX: i64 = 253_402_300_799;
const NANOSECOND_DIGITS: usize = 9;

impl Timestamp {
    /// Reads an RFC 3339 `date-time`. `T` and `Z` may be lowercase, as section 5.6 allows; the space that it also
    /// allows instead of `T` is not accepted. Digits after the ninth of the fraction are cut off.
    ///
    /// # Errors
    /// A [`TimestampError`] that says which rule the text breaks.
    pub fn parse(text: &[u8]) -> Result<Self, TimestampError> {
        let (date_time, rest) = text.split_first_chunk::<DATE_TIME_LENGTH>().ok_or(TimestampError::Malformed)?;
        let [date, day_and_hour, time] = [0, 8, 11].map(|at| eight_bytes(date_time, at));
        let (date, time) = (digits_of(date, *b"0000-00-"), digits_of(time, *b"00:00:00"));
        // `T` may be lowercase. The hour and the minute are in both of the later parts, since each has eight bytes.
        let day_and_hour = digits_of(day_and_hour | 0x20 << 16, *b"00t00:00");
        let (Some(date), Some(day_and_hour), Some(time)) = (date, day_and_hour, time) else {
            return Err(TimestampError::Malformed);
        };
        let two_digits = |digits: [u8; 8], at: usize| i64::from(digits[at]) * 10 + i64::from(digits[at + 1]);
        let year = two_digits(date, 0) * 100 + two_digits(date, 2);
        let (month, day) = (two_digits(date, 5), two_digits(day_and_hour, 0));
        let (hour, minute, second) = (two_digits(time, 0), two_digits(time, 3), two_digits(time, 6));
        let (nanoseconds, offset) = fraction(rest)?;
        let offset_seconds = offset_seconds(offset)?;
        let days = days_since_epoch(year, month, day)?;
        let seconds_of_day = seconds_of_day(hour, minute, second)?;
        Self::from_unix(days * 86_400 + seconds_of_day - offset_seconds, nanoseconds)
            .ok_or(TimestampError::OutOfRange("in UTC, its year is not between 0001 and 9999"))
    }

    /// The instant at `unix_seconds` and `nanoseconds`, if its year is between 0001 and 9999.
    #[must_use]
    pub fn from_unix(unix_seconds: i64, nanoseconds: u32) -> Option<Self> {
        let in_calendar = (UNIX_SECONDS_MIN..=UNIX_SECONDS_MAX).contains(&unix_seconds);
        (in_calendar && nanoseconds < 1_000_000_000).then_some(Self { unix_seconds, nanoseconds })
    }

    /// The instant of a clock in milliseconds. After the year 9999 it is the last instant.
    #[must_use]
    pub fn from_unix_milliseconds(milliseconds: u64) -> Self {
        // The remainder is below 1,000 and the quotient of a u64 by 1,000 fits in an i64.
        let seconds = i64::try_from(milliseconds / 1000).unwrap_or(i64::MAX);
        let nanoseconds = u32::try_from(milliseconds % 1000).unwrap_or_default() * 1_000_000;
        Self::from_unix(seconds, nanoseconds)
            .unwrap_or(Self { unix_seconds: UNIX_SECONDS_MAX, nanoseconds: 999_999_999 })
    }

    /// The instant this many seconds later. If that is outside the calendar, the instant itself.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self::from_unix(self.unix_seconds.saturating_add(seconds), self.nanoseconds).unwrap_or(self)
    }

    /// Whole seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn unix_seconds(self) -> i64 {
        self.unix_seconds
    }

    /// The day in UTC, as `2026-01-15`.
    #[must_use]
    pub fn day(self) -> String {
        let text = self.to_string();
        text[.."2026-01-15".len()].to_owned()
    }

    /// The text with milliseconds, as `2026-01-15T10:00:00.000Z`. Its width is fixed as well.
    #[must_use]
    pub fn to_milliseconds_text(self) -> String {
        let text = self.to_string();
        format!("{}Z", &text[.."2026-01-15T10:00:00.000".len()])
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Every value was checked to be in the calendar when it was created.
        let utc = OffsetDateTime::from_unix_timestamp(self.unix_seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        write!(
            formatter,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z",
            utc.year(),
            u8::from(utc.month()),
            utc.day(),
            utc.hour(),
            utc.minute(),
            utc.second(),
            self.nanoseconds
        )
    }
}

/// Eight bytes from `at` on as one number, the first byte lowest.
#[inline]
fn eight_bytes(text: &[u8; DATE_TIME_LENGTH], at: usize) -> u64 {
    text[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// The digits of eight bytes that match `pattern`, in which `0` matches any digit and every other byte matches itself;
/// none if they do not match. A byte that is not a digit becomes 0. One comparison checks all eight bytes.
#[inline]
fn digits_of(bytes: u64, pattern: [u8; 8]) -> Option<[u8; 8]> {
    // ASCII digits become their values, and bytes that equal the pattern become 0. Adding 118 to the first value that
    // is not a digit reaches 128, and so does adding 127 to the first value that is not 0.
    let values = bytes ^ u64::from_le_bytes(pattern);
    let room = u64::from_le_bytes(pattern.map(|byte| if byte == b'0' { 118 } else { 127 }));
    let overflows = (values.wrapping_add(room) | values) & 0x8080_8080_8080_8080;
    (overflows == 0).then(|| values.to_le_bytes())
}

fn digits(text: &[u8]) -> Option<i64> {
    text.iter().try_fold(0_i64, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0')))
}

/// Splits what follows the seconds into the fraction, in nanoseconds, and the text of the offset.
#[inline]
fn fraction(rest: &[u8]) -> Result<(u32, &[u8]), TimestampError> {
    let Some(after_point) = rest.strip_prefix(b".") else {
        return Ok((0, rest));
    };
    let length = after_point.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if length == 0 {
        return Err(TimestampError::Malformed);
    }
    let nanoseconds = (0..NANOSECOND_DIGITS)
        .map(|at| if at < length { u32::from(after_point[at] - b'0') } else { 0 })
        .fold(0, |value, digit| value * 10 + digit);
    Ok((nanoseconds, &after_point[length..]))
}

#[inline]
fn offset_seconds(text: &[u8]) -> Result<i64, TimestampError> {
    let (sign, clock) = match text {
        [] => return Err(TimestampError::OffsetMissing),
        [b'Z' | b'z'] => return Ok(0),
        [b'+', clock @ ..] => (1, clock),
        [b'-', clock @ ..] => (-1, clock),
        _ => return Err(TimestampError::Malformed),
    };
    let [hour_tens, hour_ones, b':', minute_tens, minute_ones] = clock else {
        return Err(TimestampError::Malformed);
    };
    let hours = digits(&[*hour_tens, *hour_ones]).ok_or(TimestampError::Malformed)?;
    let minutes = digits(&[*minute_tens, *minute_ones]).ok_or(TimestampError::Malformed)?;
    if hours > 23 || minutes > 59 {
        return Err(TimestampError::OutOfRange("the offset is at most 23:59"));
    }
    Ok(sign * (hours * 3600 + minutes * 60))
}

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar, as in ISO 8601.
fn days_since_epoch(year: i64, month: i64, day: i64) -> Result<i64, TimestampError> {
    /// Days from 0000-03-01 to 1970-01-01.
    const EPOCH_DAYS: i64 = 719_468;
    if year == 0 {
        return Err(TimestampError::OutOfRange("there is no year 0000"));
    }
    if !(1..=12).contains(&month) {
        return Err(TimestampError::OutOfRange("the month is 01 to 12"));
    }
    if day < 1 || day > days_of_month(year, month) {
        return Err(TimestampError::OutOfRange("the month has no such day"));
    }
    // Years are counted from March, so that the leap day is the last of a year; each month then begins 0, 31, 61, 92,
    // ... days after the first of March, which is 153 days every five months.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year / 4 - year / 100 + year / 400;
    Ok(year * 365 + leap_days + (153 * month + 2) / 5 + day - 1 - EPOCH_DAYS)
}

fn days_of_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn seconds_of_day(hour: i64, minute: i64, second: i64) -> Result<i64, TimestampError> {
    match (hour, minute, second) {
        (24.., _, _) => Err(TimestampError::OutOfRange("the hour is 00 to 23")),
        (_, 60.., _) => Err(TimestampError::OutOfRange("the minute is 00 to 59")),
        (_, _, 60..) => Err(TimestampError::OutOfRange("the second is 00 to 59; leap seconds are not accepted")),
        _ => Ok(hour * 3600 + minute * 60 + second),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use time::format_description::well_known::Rfc3339;

    #[test]
    fn timestamps_are_kept_in_utc() {
        for (text, expected) in [
            ("2026-01-15T10:00:00Z", "2026-01-15T10:00:00.000000000Z"),
            ("2026-01-15T10:00:00+00:00", "2026-01-15T10:00:00.000000000Z"),
            ("2026-01-15T04:30:00-05:30", "2026-01-15T10:00:00.000000000Z"),
            ("2026-01-15t10:00:00z", "2026-01-15T10:00:00.000000000Z"),
            ("2026-01-15T10:00:00.5Z", "2026-01-15T10:00:00.500000000Z"),
            ("2026-01-15T10:00:00.1234567899Z", "2026-01-15T10:00:00.123456789Z"),
            ("2024-02-29T23:59:59.999999999+23:59", "2024-02-29T00:00:59.999999999Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000000Z"),
            ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000000000Z"),
            ("2026-01-01T00:30:00+01:00", "2025-12-31T23:30:00.000000000Z"),
        ] {
            assert_eq!(Timestamp::parse(text.as_bytes()).map(|at| at.to_string()).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn rejects_what_is_not_an_instant() {
        for text in ["2026-01-15T10:00:00", "2026-01-15T10:00:00.5"] {
            assert_eq!(Timestamp::parse(text.as_bytes()), Err(TimestampError::OffsetMissing), "{text}");
        }
        for text in [
            "",
            "1768471200",
            "2026-01-15",
            "2026-01-15 10:00:00Z",
            "10000-01-01T00:00:00Z",
            "2026-1-15T10:00:00Z",
            "2026-01-15T10:00:00.Z",
            "2026-01-15T10:00:00+0000",
            "2026-01-15T10:00:00+00",
            "2026-01-15T10:00Z",
            "2026-01-15T10:00:00ZZ",
            "２026-01-15T10:00:00Z",
            "2026-01-15T10:00:00,5Z",
            "+026-01-15T10:00:00Z",
            "2026-01-15T10:00:00 Z",
            "15/01/2026T10:00:00Z",
        ] {
            assert_eq!(Timestamp::parse(text.as_bytes()), Err(TimestampError::Malformed), "{text}");
        }
        for text in [
            "2026-01-15T10:00:60Z",
            "2026-02-31T10:00:00Z",
            "2025-02-29T10:00:00Z",
            "1900-02-29T10:00:00Z",
            "0000-01-01T00:00:00Z",
            "2026-01-15T10:00:00+25:00",
            "2026-01-15T10:00:00+23:60",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-01-15T24:00:00Z",
            "2026-01-15T10:60:00Z",
            "0001-01-01T00:00:00+01:00",
            "9999-12-31T23:59:59-00:01",
        ] {
            assert!(matches!(Timestamp::parse(text.as_bytes()), Err(TimestampError::OutOfRange(_))), "{text}");
        }
    }

    #[test]
    fn a_clock_in_milliseconds_is_an_instant() {
        let at = Timestamp::from_unix_milliseconds(1_768_471_200_123);
        assert_eq!(at.to_milliseconds_text(), "2026-01-15T10:00:00.123Z");
        assert_eq!(at.day(), "2026-01-15");
        assert_eq!(Timestamp::from_unix_milliseconds(u64::MAX).day(), "9999-12-31");
    }

    proptest! {
        /// The parser of the `time` crate is the reference. It accepts leap seconds and some texts that are rejected
        /// here, so the comparison is made on what is accepted here and on what it can write.
        #[test]
        fn agrees_with_the_time_crate(seconds in -62_135_596_800_i64..=253_402_300_799, nanoseconds in 0_i64..1_000_000_000, offset in -1439_i32..=1439) {
            let offset = time::UtcOffset::from_whole_seconds(offset * 60).unwrap();
            let instant = OffsetDateTime::from_unix_timestamp(seconds).unwrap() + time::Duration::nanoseconds(nanoseconds);
            if let Some(shifted) = instant.checked_to_offset(offset) && let Ok(text) = shifted.format(&Rfc3339) {
                let ours = Timestamp::parse(text.as_bytes());
                if shifted.year() > 0 { prop_assert_eq!(ours.map(|at| at.unix_seconds()), Ok(instant.unix_timestamp()), "{}", text); }
            }
        }

        #[test]
        fn accepted_texts_are_the_same_for_the_time_crate(text in "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{1,9})?(Z|[+-][0-2][0-9]:[0-6][0-9])") {
            if let Ok(ours) = Timestamp::parse(text.as_bytes()) {
                let theirs = OffsetDateTime::parse(&text, &Rfc3339).unwrap();
                prop_assert_eq!(ours.unix_seconds(), theirs.unix_timestamp());
                prop_assert_eq!(ours.nanoseconds, theirs.nanosecond());
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = Timestamp::parse(&text);
        }
    }
}
