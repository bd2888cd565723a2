//! The files of a partner on one day: those received, and those expected and missing.

use crate::files::schedule::Schedules;
use crate::values::money::add_up;
use crate::{Day, FileId, FileStatus, PendingUpload, StatusToken};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A file of a day, as the status table has it. A file belongs to the day on which it was first received, however often
/// it is sent again. One that was not received belongs to the day on which its upload was created.
#[derive(Clone, Debug, Deserialize)]
pub struct DayFile {
    /// The file.
    pub file_id: FileId,
    /// Who sent it.
    #[serde(default)]
    pub partner: String,
    /// When it was first received, or its upload was created, RFC 3339 in UTC with milliseconds.
    #[serde(rename = "timestamp")]
    pub received_at: String,
    /// The status of its latest attempt.
    pub status: FileStatus,
    /// Its latest attempt, from 1.
    pub attempt: u32,
    /// Its data records.
    #[serde(default)]
    pub rows: Option<u32>,
    /// How many errors it has.
    #[serde(default)]
    pub error_count: Option<u64>,
    /// The sums of its records, by currency.
    #[serde(default)]
    pub totals: BTreeMap<String, String>,
    /// The token of its status page.
    #[serde(default)]
    pub token: Option<StatusToken>,
    /// The upload that its sender has not used, if any.
    #[serde(default)]
    pub upload: Option<PendingUpload>,
    /// Its rows that were superseded by a later file when they were written.
    #[serde(default)]
    pub rows_superseded: Option<u32>,
    /// Its rows that later files have replaced, by file.
    #[serde(default)]
    pub replaced_by: BTreeMap<String, u32>,
    /// The rows of other files that it has replaced.
    #[serde(default)]
    pub rows_replaced: Option<u32>,
}

impl DayFile {
    /// The file with the status that is shown at `now_ms`.
    #[must_use]
    pub fn shown_at(self, now_ms: u64) -> Self {
        let expires_at_ms = self.upload.as_ref().map(|upload| upload.expires_at_ms);
        Self { status: self.status.shown_at(now_ms, expires_at_ms), ..self }
    }

    /// How many of its rows are not in effect, because a later file superseded them.
    #[must_use]
    pub fn rows_not_in_effect(&self) -> u64 {
        let replaced = self.replaced_by.values().copied().map(u64::from).sum::<u64>();
        u64::from(self.rows_superseded.unwrap_or_default()) + replaced
    }
}

/// The counts of one partner's files of one day. Each received file is counted in exactly one of the four outcomes.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct PartnerDay {
    /// The partner.
    pub partner: String,
    /// The files received.
    pub received: u32,
    /// Of those, the completed ones.
    pub completed: u32,
    /// Of those, the rejected ones, which have errors.
    pub rejected: u32,
    /// Of those, the ones that could not be checked, written or published.
    pub failed: u32,
    /// Of those, the ones in progress.
    pub in_progress: u32,
    /// The files that were not received and have a valid URL.
    pub awaiting_upload: u32,
    /// The files that were not received and whose URL has expired.
    pub upload_expired: u32,
    /// The records of the completed files.
    pub rows: u64,
    /// Of those, the ones that are not in effect, because a later file superseded them.
    pub rows_superseded: u64,
    /// The sums of those records by currency.
    pub totals: BTreeMap<String, String>,
    /// When the last file was received.
    pub last_received_at: Option<String>,
    /// The minimum number of expected files; none if the partner has no schedule.
    pub expected: Option<u32>,
    /// How many of those are missing.
    pub missing: u32,
}

impl PartnerDay {
    /// How many files count as expected files. A rejected file does not count: the expected file is still missing. A
    /// failed one counts, since it was received and its failure has its own alarm.
    fn arrived(&self) -> u32 {
        self.completed + self.failed + self.in_progress
    }
}

/// Counts the files of a day by partner.
#[derive(Clone, Debug, Default)]
pub struct DayTally {
    by_partner: BTreeMap<String, PartnerDay>,
}

impl DayTally {
    /// Adds this partner to the result, even without files.
    pub fn include(&mut self, partner: &str) {
        self.of(partner);
    }

    /// Counts a file. The order of files does not matter.
    ///
    /// # Errors
    /// The code of a currency whose sum is malformed.
    pub fn add(&mut self, file: &DayFile) -> Result<(), String> {
        let day = self.of(&file.partner);
        let counter = match file.status {
            FileStatus::AwaitingUpload => {
                day.awaiting_upload += 1;
                return Ok(());
            }
            FileStatus::UploadExpired => {
                day.upload_expired += 1;
                return Ok(());
            }
            FileStatus::Completed => &mut day.completed,
            FileStatus::ValidationFailed if file.error_count.is_some() => &mut day.rejected,
            status if status.is_failed() => &mut day.failed,
            _ => &mut day.in_progress,
        };
        *counter += 1;
        day.received += 1;
        // All have the same form and width, so the order of texts is the order of instants.
        if day.last_received_at.as_deref() < Some(&file.received_at) {
            day.last_received_at = Some(file.received_at.clone());
        }
        if file.status == FileStatus::Completed {
            day.rows += u64::from(file.rows.unwrap_or_default());
            day.rows_superseded += file.rows_not_in_effect();
            day.totals = add_up([&day.totals, &file.totals])?;
        }
        Ok(())
    }

    /// The partners by name, each with the number of files expected on `day`.
    #[must_use]
    pub fn finish(self, schedules: &Schedules, day: Day) -> Vec<PartnerDay> {
        let with_expected = |counted: PartnerDay| {
            let expected = schedules.expected(&counted.partner, day);
            let missing = expected.unwrap_or_default().saturating_sub(counted.arrived());
            PartnerDay { expected, missing, ..counted }
        };
        self.by_partner.into_values().map(with_expected).collect()
    }

    fn of(&mut self, partner: &str) -> &mut PartnerDay {
        let unseen = || PartnerDay { partner: partner.to_owned(), ..PartnerDay::default() };
        self.by_partner.entry(partner.to_owned()).or_insert_with(unseen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Currency, Money, Totals};
    use proptest::prelude::*;

    fn day() -> Day {
        Day::parse("2026-11-20").unwrap()
    }

    fn file(partner: &str, number: u32, status: FileStatus) -> DayFile {
        DayFile {
            file_id: FileId::parse(&format!("{number:032x}")).unwrap(),
            partner: partner.to_owned(),
            received_at: format!("2026-11-20T10:00:00.{number:03}Z"),
            status,
            attempt: 1,
            rows: Some(number),
            error_count: None,
            totals: BTreeMap::from([("EUR".to_owned(), format!("{number}.50"))]),
            token: None,
            upload: None,
            rows_superseded: None,
            replaced_by: BTreeMap::new(),
            rows_replaced: None,
        }
    }

    fn tally(files: &[DayFile], schedules: &str) -> Vec<PartnerDay> {
        let mut tally = DayTally::default();
        for file in files {
            tally.add(file).unwrap();
        }
        tally.finish(&Schedules::read(schedules), day())
    }

    #[test]
    fn counts_files_by_status_and_adds_up_completed_ones() {
        let mut files: Vec<DayFile> =
            (1..).zip(FileStatus::ALL).map(|(number, status)| file("acme", number, status)).collect();
        let rejected = DayFile { error_count: Some(3), ..file("acme", 11, FileStatus::ValidationFailed) };
        let replaced_by = BTreeMap::from([("b".to_owned(), 2)]);
        let completed = DayFile { rows_superseded: Some(1), replaced_by, ..file("acme", 12, FileStatus::Completed) };
        files.extend([rejected, completed]);
        let expected = PartnerDay {
            partner: "acme".to_owned(),
            received: 11,
            completed: 2,
            rejected: 1,
            failed: 3,
            in_progress: 5,
            awaiting_upload: 1,
            upload_expired: 1,
            rows: 10 + 12,
            rows_superseded: 3,
            totals: BTreeMap::from([("EUR".to_owned(), "23.00".to_owned())]),
            last_received_at: Some("2026-11-20T10:00:00.012Z".to_owned()),
            expected: None,
            missing: 0,
        };
        assert_eq!(tally(&files, "globex:daily"), [expected]);
    }

    #[test]
    fn rejected_and_awaited_files_are_missing() {
        let missing = |files: &[DayFile]| {
            let of_acme = tally(files, "acme:mon-fri*2").into_iter().find(|day| day.partner == "acme");
            of_acme.map(|day| (day.expected, day.missing))
        };
        let rejected = DayFile { error_count: Some(1), ..file("acme", 1, FileStatus::ValidationFailed) };
        let awaited = file("acme", 2, FileStatus::AwaitingUpload);
        assert_eq!(missing(&[rejected.clone(), awaited.clone()]), Some((Some(2), 2)));
        let received = [FileStatus::Completed, FileStatus::ProcessingFailed, FileStatus::Validating];
        let received: Vec<DayFile> = (3..).zip(received).map(|(number, status)| file("acme", number, status)).collect();
        assert_eq!(missing(&[rejected, awaited, received[0].clone()]), Some((Some(2), 1)));
        assert_eq!(missing(&received), Some((Some(2), 0)));
        let mut empty = DayTally::default();
        empty.include("acme");
        let empty = empty.finish(&Schedules::read("acme:fri*2"), day());
        assert_eq!((empty[0].received, empty[0].expected, empty[0].missing), (0, Some(2), 2));
    }

    #[test]
    fn a_pending_upload_does_not_change_a_completed_file() {
        let upload = PendingUpload {
            sequence: 1,
            created_at_ms: 1,
            expires_at_ms: 10,
            bytes: 1,
            expected: crate::ControlTotals::default(),
            reprocess_attempt: Some(1),
        };
        let completed = DayFile { upload: Some(upload.clone()), ..file("acme", 1, FileStatus::Completed) };
        assert_eq!(completed.shown_at(5).status, FileStatus::Completed);
        let awaited = DayFile { upload: Some(upload), ..file("acme", 1, FileStatus::AwaitingUpload) };
        assert_eq!(awaited.clone().shown_at(9).status, FileStatus::AwaitingUpload);
        assert_eq!(awaited.shown_at(10).status, FileStatus::UploadExpired);
    }

    fn files() -> impl Strategy<Value = Vec<DayFile>> {
        let partner = prop::sample::select(vec!["acme", "globex", "initech"]);
        let status = prop::sample::select(FileStatus::ALL.to_vec());
        let amount = (prop::sample::select(vec!["EUR", "JPY", "KWD"]), "-?[1-9][0-9]{0,30}");
        let errors = prop::option::of(1_u64..9);
        let one = (partner, status, errors, prop::collection::vec(amount, 0..3), 0_u32..999);
        let one = one.prop_map(|(partner, status, error_count, amounts, number)| {
            let mut totals = Totals::default();
            for (code, amount) in &amounts {
                let currency = Currency::parse(code.as_bytes()).unwrap();
                totals.add(currency, Money::parse(amount.as_bytes(), currency.decimals()).unwrap());
            }
            DayFile { error_count, totals: totals.to_texts(), ..file(partner, number, status) }
        });
        prop::collection::vec(one, 0..40)
    }

    proptest! {
        #[test]
        fn no_file_is_lost_or_counted_twice(files in files()) {
            let days = tally(&files, "acme:daily*9");
            for day in &days {
                prop_assert_eq!(day.received, day.completed + day.rejected + day.failed + day.in_progress);
                prop_assert!(day.missing <= day.expected.unwrap_or_default());
                prop_assert_eq!(day.last_received_at.is_some(), day.received > 0);
            }
            let counted: u32 = days.iter().map(|day| day.received + day.awaiting_upload + day.upload_expired).sum();
            prop_assert_eq!(usize::try_from(counted).unwrap(), files.len());
        }

        #[test]
        fn counts_depend_only_on_the_partners_own_files(files in files()) {
            let reversed: Vec<DayFile> = files.iter().rev().cloned().collect();
            let days = tally(&files, "globex:daily");
            prop_assert_eq!(&tally(&reversed, "globex:daily"), &days);
            for day in &days {
                let own: Vec<DayFile> = files.iter().filter(|file| file.partner == day.partner).cloned().collect();
                prop_assert_eq!(&tally(&own, "globex:daily"), std::slice::from_ref(day));
            }
        }
    }
}
