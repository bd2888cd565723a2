//! The files that are expected of each partner: the parameter `PartnerSchedules`.
//!
//! It is a comma-separated list of parts, such as `acme:mon-fri,globex:daily*2,initech:mon+thu`: the name of a partner,
//! a colon, the days (in UTC) on which files are expected, and their minimum number if it is more than one. Days are
//! `daily`, or days and ranges of days joined by `+`. Parts of the same partner add up.

use crate::Day;
use crate::files::identity::Partner;
use crate::limits::SCHEDULED_FILES_MAX;
use crate::values::day::DAYS_OF_WEEK;
use std::collections::BTreeMap;

const WEEKDAYS: [&str; DAYS_OF_WEEK] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// How many files are expected on each day of a week.
type Week = [u32; DAYS_OF_WEEK];

/// The schedules of all partners that have one.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Schedules {
    by_partner: BTreeMap<String, Week>,
    errors: Vec<String>,
}

impl Schedules {
    /// Reads the parameter. A part that cannot be read becomes an error and does not affect the others.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut schedules = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            match part_of(part) {
                Some((partner, week)) => {
                    let known = schedules.by_partner.entry(partner.as_str().to_owned()).or_default();
                    for (sum, files) in known.iter_mut().zip(week) {
                        *sum = sum.saturating_add(files);
                    }
                }
                None => schedules.errors.push(part.to_owned()),
            }
        }
        schedules
    }

    /// The minimum number of files of a partner on a day; none if it has no schedule.
    #[must_use]
    pub fn expected(&self, partner: &str, day: Day) -> Option<u32> {
        self.by_partner.get(partner)?.get(day.weekday()).copied()
    }

    /// The partners of whom files are expected on a day.
    pub fn partners(&self, day: Day) -> impl Iterator<Item = &str> {
        let expects = move |week: &Week| week.get(day.weekday()).is_some_and(|files| *files > 0);
        self.by_partner.iter().filter(move |(_, week)| expects(week)).map(|(partner, _)| partner.as_str())
    }

    /// The parts that could not be read.
    #[must_use]
    pub fn errors(&self) -> &[String] {
        &self.errors
    }
}

fn part_of(part: &str) -> Option<(Partner, Week)> {
    let (name, rest) = part.split_once(':')?;
    let (days, files) = match rest.split_once('*') {
        Some((days, count)) => (days, count_of(count)?),
        None => (rest, 1),
    };
    let mut week = Week::default();
    if days == "daily" {
        week = [files; DAYS_OF_WEEK];
    } else {
        for days in days.split('+') {
            // A day that is listed twice counts once.
            for weekday in weekdays_of(days)? {
                *week.get_mut(weekday)? = files;
            }
        }
    }
    Some((Partner::named(name)?, week))
}

fn count_of(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|count| plain && (1..=SCHEDULED_FILES_MAX).contains(count))
}

/// A day, or a range, which may wrap around the end of the week.
fn weekdays_of(text: &str) -> Option<Vec<usize>> {
    let weekday = |name: &str| WEEKDAYS.iter().position(|known| *known == name);
    let Some((first, last)) = text.split_once('-') else {
        return weekday(text).map(|day| vec![day]);
    };
    let (first, last) = (weekday(first)?, weekday(last)?);
    let length = (last + DAYS_OF_WEEK - first) % DAYS_OF_WEEK;
    Some((0..=length).map(|step| (first + step) % DAYS_OF_WEEK).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The expected files from Monday to Sunday.
    fn week(schedules: &Schedules, partner: &str) -> Vec<Option<u32>> {
        // 2026-11-16 is a Monday.
        let days = (16..23).map(|day| Day::parse(&format!("2026-11-{day}")).unwrap());
        days.map(|day| schedules.expected(partner, day)).collect()
    }

    fn of_week(text: &str) -> Vec<u32> {
        let schedules = Schedules::read(&format!("acme:{text}"));
        assert!(schedules.errors().is_empty(), "{text}");
        week(&schedules, "acme").into_iter().flatten().collect()
    }

    #[test]
    fn reads_days_and_ranges() {
        for (text, expected) in [
            ("daily", [1, 1, 1, 1, 1, 1, 1]),
            ("mon-fri", [1, 1, 1, 1, 1, 0, 0]),
            ("mon-fri*2", [2, 2, 2, 2, 2, 0, 0]),
            ("sun", [0, 0, 0, 0, 0, 0, 1]),
            ("mon+thu", [1, 0, 0, 1, 0, 0, 0]),
            ("mon-wed+wed-thu*24", [24, 24, 24, 24, 0, 0, 0]),
            ("sat-mon", [1, 0, 0, 0, 0, 1, 1]),
            ("tue-tue", [0, 1, 0, 0, 0, 0, 0]),
        ] {
            assert_eq!(of_week(text), expected, "{text}");
        }
    }

    #[test]
    fn parts_of_the_same_partner_add_up() {
        let schedules = Schedules::read("acme:mon-fri, globex:daily*2 ,acme:fri*3,");
        assert_eq!(schedules.errors(), [""; 0]);
        assert_eq!(week(&schedules, "acme"), [1, 1, 1, 1, 4, 0, 0].map(Some));
        assert_eq!(week(&schedules, "globex"), [Some(2); 7]);
        assert_eq!(week(&schedules, "initech"), [None; 7]);
        let sunday = Day::parse("2026-11-22").unwrap();
        assert_eq!(schedules.partners(sunday).collect::<Vec<_>>(), ["globex"]);
        assert_eq!(Schedules::read(""), Schedules::default());
    }

    #[test]
    fn an_unreadable_part_is_an_error_and_hides_no_other() {
        for part in [
            "acme",
            "acme:",
            ":daily",
            "acme:dayly",
            "acme:daily*0",
            "acme:daily*25",
            "acme:daily*+2",
            "acme:daily*02",
            "acme:daily*",
            "acme:mon-",
            "acme:mon+",
            "acme:mon-fri-sun",
            "Acme:mon",
            "acme=mon",
            "operator:daily",
            "acme:daily+mon",
            "acme:daily*2*2",
        ] {
            let schedules = Schedules::read(&format!("globex:daily,{part}"));
            assert_eq!(schedules.errors(), [part], "{part}");
            assert_eq!(week(&schedules, "globex"), [Some(1); 7], "{part}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in ".{0,80}") {
            let schedules = Schedules::read(&text);
            let parts = text.split(',').filter(|part| !part.trim().is_empty()).count();
            prop_assert!(schedules.errors().len() + schedules.by_partner.len() <= parts);
        }
    }
}
