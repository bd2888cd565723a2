//! Reports the expected files of a day that are missing.
//!
//! Each missing file has a message, whose `notification_id` is the same however often a day is reported, and a log
//! line, which an alarm counts. A schedule reports the day before every morning.

use crate::Ports;
use crate::notification::publish_all;
use adapters::{Failure, FailureKind, Tracer};
use domain::files::partner_day::{DayFile, DayTally, PartnerDay};
use domain::{Day, Timestamp};
use serde::Serialize;

/// The result of the report.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Reported {
    /// The day, in UTC.
    pub day: String,
    /// The number of partners of whom files were expected.
    pub partners: usize,
    /// The number of missing files.
    pub missing: u32,
}

/// The message about a missing file, as JSON.
#[derive(Clone, Debug, Serialize)]
pub struct MissingFile {
    /// The same for every repeat of this message, so that a subscriber can recognize one.
    pub notification_id: String,
    /// The partner.
    pub partner: String,
    /// The day, in UTC.
    pub day: String,
    /// The status of this message.
    pub status: &'static str,
    /// The minimum number of files expected of the partner on this day.
    pub expected: u32,
    /// How many of those were received.
    pub arrived: u32,
    /// When this was found, RFC 3339.
    pub timestamp: String,
    /// The environment of the stack.
    pub environment: String,
}

/// The status of an expected file that is missing.
pub const FILE_MISSING: &str = "file_missing";

/// Reports this day, or the one before `now_ms`.
///
/// # Errors
/// The day is malformed, a part of the schedules cannot be read, or the table or the topic rejected a call or did not
/// respond. Everything that could be reported has been reported by then.
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
        tracing::error!(event = FILE_MISSING, partner, day, notification_id, "an expected file is missing");
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

/// The day of each partner of whom files were expected. Others are not read.
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

/// A message for each missing file of a partner. They are numbered among the expected files, so that a file that
/// arrives in the meantime removes the first number and keeps the others.
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
