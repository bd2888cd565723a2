//! Tells of the files that were expected on a day and have not come.
//!
//! Each missing file has a message, whose `notification_id` is the same however often a day is reported, and a line in the
//! log, from which an alarm is made. A morning's schedule asks for the day before.

use crate::Ports;
use crate::notification::publish_all;
use adapters::{Failure, FailureKind, Tracer};
use domain::files::partner_day::{DayFile, DayTally, PartnerDay};
use domain::{Day, Timestamp};
use serde::Serialize;

/// What the step found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Reported {
    /// The day that was looked at, in UTC.
    pub day: String,
    /// How many partners had files to send on it.
    pub partners: usize,
    /// How many of those files have not come.
    pub missing: u32,
}

/// What a subscriber gets of a missing file, as JSON.
#[derive(Clone, Debug, Serialize)]
pub struct MissingFile {
    /// The same for every repeat of this message, so that a subscriber can recognise one.
    pub notification_id: String,
    /// Who was to send it.
    pub partner: String,
    /// On which day, in UTC.
    pub day: String,
    /// What this message tells, beside the statuses of files that came.
    pub status: &'static str,
    /// How many files were expected of the partner on this day, at least.
    pub expected: u32,
    /// How many of those have come.
    pub arrived: u32,
    /// When this was found out, RFC 3339.
    pub timestamp: String,
    /// The environment of the stack.
    pub environment: String,
}

/// The status of a file that was expected and did not come.
pub const FILE_MISSING: &str = "file_missing";

/// Reports the day that is named, or the one before `now_ms`.
///
/// # Errors
/// The day is none, a part of the schedules cannot be read, or the table or the topic refused a call or did not answer. All
/// that could be told has been told by then.
pub async fn report(day: Option<&str>, ports: &Ports, tracer: &Tracer, now_ms: u64) -> Result<Reported, Failure> {
    let now = Timestamp::from_unix_milliseconds(now_ms);
    let day = match day {
        Some(text) => Day::parse(text)
            .ok_or_else(|| Failure::new(FailureKind::InvalidInput, "the day is not of the form 2026-01-15"))?,
        None => Day::of(now).before(),
    };
    let days = tracer.step("read day", expected_days(day, ports, now_ms)).await?;
    let missing: Vec<MissingFile> = days.iter().flat_map(|partner| missing_files(partner, day, now, ports)).collect();
    for file in &missing {
        let MissingFile { notification_id, partner, day, .. } = file;
        tracing::error!(event = FILE_MISSING, partner, day, notification_id, "an expected file did not come");
    }
    let attributes = |file: &MissingFile| {
        [
            ("notification_id", file.notification_id.clone()),
            ("status", file.status.to_owned()),
            ("partner", file.partner.clone()),
            ("environment", file.environment.clone()),
        ]
    };
    tracer.step("publish", publish_all(&missing, attributes, &ports.topic)).await?;
    if let Some(part) = ports.schedules.errors().first() {
        return Err(Failure::new(
            FailureKind::InvalidInput,
            format!("a part of PartnerSchedules cannot be read: {part}"),
        ));
    }
    let reported = Reported {
        day: day.to_string(),
        partners: days.len(),
        missing: days.iter().map(|partner| partner.missing).sum(),
    };
    tracing::info!(
        event = "day_reported",
        day = reported.day,
        partners = reported.partners,
        missing = reported.missing,
        "day reported"
    );
    Ok(reported)
}

/// What came of each partner of whom files were expected. Of the others nothing is read.
async fn expected_days(day: Day, ports: &Ports, now_ms: u64) -> Result<Vec<PartnerDay>, Failure> {
    let mut tally = DayTally::default();
    for partner in ports.schedules.partners(day) {
        tally.include(partner);
        let count = |file: DayFile| {
            tally.add(&file.shown_at(now_ms)).map_err(|currency| {
                Failure::new(FailureKind::InvalidInput, format!("item of the status table: its sum in {currency}"))
            })
        };
        ports.status.files_of_day(day, Some(partner), count).await?;
    }
    Ok(tally.finish(&ports.schedules, day))
}

/// One for each missing file of a partner. They are numbered among those expected, so that a file that has come in the
/// meantime takes away the first number and leaves the others.
fn missing_files(partner: &PartnerDay, day: Day, now: Timestamp, ports: &Ports) -> Vec<MissingFile> {
    let expected = partner.expected.unwrap_or_default();
    let arrived = expected - partner.missing;
    let file = |number: u32| MissingFile {
        notification_id: format!("{}-{day}-{FILE_MISSING}-{number}", partner.partner),
        partner: partner.partner.clone(),
        day: day.to_string(),
        status: FILE_MISSING,
        expected,
        arrived,
        timestamp: now.to_milliseconds_text(),
        environment: ports.environment.clone(),
    };
    (arrived + 1..=expected).map(file).collect()
}
