//! The required outcomes of a round's files: judged after its faulty phase, and again, exactly, after failures were
//! redriven.

use super::feed::message_of;
use super::file_acts::totals_of;
use super::file_round::FileRound;
use super::history;
use super::ledger::{Action, Ledger};
use super::planned_file::{PlannedFile, thousandths};
use super::product::{end_of_bad_file, may_be_a_dead_letter};
use super::promise::{Promise, Tally};
use super::sender::send;
use crate::support::cloud::{eventually, now_ms};
use crate::support::upload::number;
use aws_sdk_sfn::types::ExecutionStatus;
use domain::Timestamp;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// Near midnight a file may belong to the day before or after, by the clock of its function.
const MIDNIGHT_MS: u64 = 60_000;

/// How a file must end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    Completed,
    Rejected,
    /// It is valid, but had wrong control totals every time. Its sender was informed, and it may or may not be
    /// recorded. It must not look as if it was in progress.
    WrongTotals,
    /// Either one: its validity depended on a clock, and its sender got no acceptance.
    Either,
    /// It did not arrive.
    Nothing,
}

pub(super) struct FileOracle<'r, 'w> {
    pub(super) play: &'r FileRound<'w>,
}

impl FileOracle<'_, '_> {
    /// Judges all promises about files in one round.
    pub(super) async fn judge(&self, ids: &[String]) {
        let ends: Vec<(&PlannedFile, End)> = self.files().map(|file| (file, self.end_of(file))).collect();
        for &(file, end) in &ends {
            self.nothing_is_lost(file, end).await;
        }
        self.play.world.proxy.stop_faults(self.play.words());
        let mut completed = Vec::new();
        for (file, end) in ends {
            if self.has_reached(file, end).await {
                completed.push(file);
            }
        }
        self.day_shows(&completed).await;
        self.rows_are_those_of_the_files(ids, &completed).await;
    }

    /// Each of the files once.
    fn files(&self) -> impl Iterator<Item = &PlannedFile> {
        let distinct: BTreeMap<&str, &PlannedFile> =
            self.play.files.iter().map(|file| (file.id.as_str(), file)).collect();
        distinct.into_values()
    }

    fn tally(&self) -> &Tally {
        &self.play.world.tally
    }

    fn ledger(&self) -> Ledger {
        self.play.ledger.lock().unwrap().clone()
    }

    fn end_of(&self, file: &PlannedFile) -> End {
        let ledger = self.ledger();
        match (file.is_bad, ledger.is_accepted(&file.id)) {
            (false, true) => End::Completed,
            (true, true) => End::Rejected,
            _ if ledger.has(&file.id, Action::Doubtful) => End::Either,
            (true, _) if ledger.has(&file.id, Action::Rejected) => End::Rejected,
            _ if ledger.has(&file.id, Action::Rejected) => End::WrongTotals,
            _ => End::Nothing,
        }
    }

    async fn row(&self, file: &PlannedFile) -> Value {
        self.play.world.cloud.status_row(&file.id).await.unwrap_or(Value::Null)
    }

    /// After the faulty phase the file is completed, rejected, or a dead letter has its input.
    async fn nothing_is_lost(&self, file: &PlannedFile, end: End) {
        if matches!(end, End::Nothing | End::WrongTotals) {
            return;
        }
        let ended =
            eventually(&format!("{} to end or to be in the dead-letter queue ({end:?})", file.id), async || {
                let row = self.row(file).await;
                // A file that waits although it was put waits forever: no further event is delivered.
                let is_over = has_ended_as(&row, end) || row["status"] == "awaiting_upload";
                (is_over || !self.dead_letters(file).is_empty()).then_some(row)
            })
            .await;
        for dead_letter in self.dead_letters(file) {
            let object = &dead_letter["input"]["detail"]["object"];
            let is_whole = object["key"].as_str().is_some_and(|key| key.contains(&file.id))
                && object["version-id"].is_string()
                && dead_letter["error"]["Error"].is_string();
            self.tally()
                .judge(Promise::NothingLost, is_whole, || format!("a dead letter lacks its input: {dead_letter}"));
            self.tally().judge(Promise::NothingLost, may_be_a_dead_letter(&dead_letter), || {
                format!("a partner's error is no dead letter: {dead_letter}")
            });
        }
        if ended["status"] == "awaiting_upload" && self.dead_letters(file).is_empty() {
            self.tally().judge(Promise::OutcomeStaysVisible, false, || {
                format!("{}: {ended}", self.ledger().describe(&file.id))
            });
        }
        let is_known = ended["file_id"] == file.id.as_str() || !self.dead_letters(file).is_empty();
        self.tally().judge(Promise::NothingLost, is_known, || format!("{} has no outcome", file.id));
    }

    fn dead_letters(&self, file: &PlannedFile) -> Vec<Value> {
        self.play.world.dead_letters.about(&file.id)
    }

    /// Judges the outcome of one file after the faults. Returns whether it is completed.
    async fn has_reached(&self, file: &PlannedFile, end: End) -> bool {
        if matches!(end, End::Nothing | End::WrongTotals) {
            self.has_not_arrived(file, end).await;
            return false;
        }
        let row = self.redriven(file, end).await;
        let is_rejected = row["status"] == "validation_failed";
        let reprocesses = self.ledger().reprocesses(&file.id);
        let fault = history::fault(&row["history"], is_rejected, reprocesses);
        self.tally().judge(Promise::HistoryWhole, fault.is_none(), || {
            format!("{fault:?}: {row}, {}", self.ledger().describe(&file.id))
        });
        self.judge_shown_outcome(file, &row).await;
        if !is_rejected {
            self.money_is_exact(file, &row);
            self.notifications_are_recognizable(file, reprocesses).await;
        }
        !is_rejected
    }

    /// A file that never arrived in a way by which it could be accepted has no status but perhaps that it is awaited,
    /// or that it was rejected.
    async fn has_not_arrived(&self, file: &PlannedFile, end: End) {
        let chance = self.play.world.chance(self.play.round, &file.id);
        // Null where its sender never got the status path.
        let status = self.play.read_status(file, chance).await["status"].clone();
        let kept = match status.as_str() {
            None | Some("awaiting_upload" | "upload_expired") => true,
            Some(status) => end == End::WrongTotals && status == "validation_failed",
        };
        self.tally().judge(Promise::NothingLost, kept, || {
            format!("{end:?}, and its status is {status}: {}", self.ledger().describe(&file.id))
        });
    }

    /// The row of a file after the faults, and after a redrive where one was needed.
    async fn redriven(&self, file: &PlannedFile, end: End) -> Value {
        let world = self.play.world;
        for dead_letter in self.dead_letters(file).into_iter().rev() {
            let row = self.row(file).await;
            if has_ended_as(&row, end) {
                return row;
            }
            let mut input = dead_letter["input"].clone();
            input["redrive"] = json!(true);
            let ended = world.execute(&world.cloud.stack.state_machine_arn, &input).await;
            let is_as_it_must = match end {
                End::Completed => ended == ExecutionStatus::Succeeded,
                End::Rejected => ended == end_of_bad_file(),
                End::Either | End::WrongTotals | End::Nothing => true,
            };
            assert!(is_as_it_must, "the redrive of {} ended {ended:?}: {input}", file.id);
        }
        let row = self.row(file).await;
        let describe = || format!("{} must end {end:?}: {row}, {}", file.id, self.ledger().describe(&file.id));
        self.tally().judge(Promise::NothingLost, has_ended_as(&row, end), describe);
        row
    }

    /// The status shows how the file ended.
    async fn judge_shown_outcome(&self, file: &PlannedFile, row: &Value) {
        let path = format!("/files/{}?token={}", file.id, text(&row["token"]));
        let seen = self.get(&path).await;
        let is_same = seen["status"] == row["status"];
        self.tally().judge(Promise::OutcomeStaysVisible, is_same, || format!("{row} is shown as {seen}"));
        self.play.judge_visible(file, &seen);
    }

    /// The status of a file for its partner. The sources of the response may still have faults of other rounds.
    async fn get(&self, path: &str) -> Value {
        let world = self.play.world;
        let url = format!("{}{path}", world.cloud.stack.api_url);
        let response = send(world.chance(self.play.round, path), || {
            world.cloud.http.get(&url).header("x-api-key", &self.play.bank.key)
        })
        .await;
        assert_eq!(response.status, 200, "{path}: {}", response.body);
        response.body
    }

    /// The partner's day has each completed file with its totals.
    pub(super) async fn day_shows(&self, completed: &[&PlannedFile]) {
        if now_ms() % DAY_MS < MIDNIGHT_MS || now_ms() % DAY_MS > DAY_MS - MIDNIGHT_MS || completed.is_empty() {
            return;
        }
        let day = Timestamp::from_unix_milliseconds(now_ms()).day();
        let shown = self.get(&format!("/days/{day}")).await;
        if shown["files_truncated"] == true {
            return;
        }
        let listed: BTreeMap<&str, &Value> = shown["files"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|listed| Some((listed["file_id"].as_str()?, listed)))
            .collect();
        for file in completed {
            let shown = listed.get(file.id.as_str());
            let kept = shown
                .is_some_and(|shown| shown["status"] == "completed" && totals_of(&shown["totals"]) == file.totals());
            self.tally().judge(Promise::OutcomeStaysVisible, kept, || format!("{} on its day: {shown:?}", file.id));
        }
    }

    /// The totals and counts of the status are those that the trials computed themselves.
    fn money_is_exact(&self, file: &PlannedFile, row: &Value) {
        self.tally().judge(Promise::MoneyExact, totals_of(&row["totals"]) == file.totals(), || format!("{row}"));
        let counted: u64 =
            ["rows_stored", "rows_unchanged", "rows_superseded"].iter().map(|name| number(&row[*name])).sum();
        let rows = file.records.len() as u64;
        self.tally().judge(Promise::EffectsOnce, counted == rows && number(&row["rows"]) == rows, || format!("{row}"));
    }

    /// The completion is published under one id, however many attempts it took, and under another one where the file
    /// was processed again. A repeat is the same, except for the attempt and how many rows were superseded.
    async fn notifications_are_recognizable(&self, file: &PlannedFile, reprocesses: usize) {
        let received = eventually(&format!("the notification of {}", file.id), async || {
            let received = self.play.world.notifications.about(&file.id);
            let completions = received.into_iter().filter(|reported| message_of(reported)["status"] == "completed");
            Some(completions.collect::<Vec<_>>()).filter(|completions| !completions.is_empty())
        })
        .await;
        let ids: BTreeSet<String> =
            received.iter().map(|reported| text(&message_of(reported)["notification_id"])).collect();
        let is_one = ids.len() <= 1 + reprocesses;
        self.tally().judge(Promise::NotificationsRecognizable, is_one, || format!("{ids:?}"));
        for reported in &received {
            let message = message_of(reported);
            let kept = message["notification_id"] == reported["MessageAttributes"]["notification_id"]["Value"]
                && message["partner"] == self.play.bank.partner.as_str()
                && message["records_processed"] == file.records.len()
                && totals_of(&message["totals"]) == file.totals();
            self.tally().judge(Promise::NotificationsRecognizable, kept, || format!("{reported} beside {ids:?}"));
        }
    }

    /// Each row is that of a file that has it and that no other one follows, by the sender's own clock; and there is no
    /// other row.
    pub(super) async fn rows_are_those_of_the_files(&self, ids: &[String], completed: &[&PlannedFile]) {
        let ledger = self.ledger();
        for id in ids {
            let in_files: BTreeMap<&str, _> = completed
                .iter()
                .filter_map(|file| Some((file.id.as_str(), file.records.iter().find(|record| record.id == *id)?)))
                .collect();
            let Some(row) = self.play.bank.transaction(id).await else {
                self.tally().judge(Promise::EffectsOnce, in_files.is_empty(), || format!("{id} has no row"));
                continue;
            };
            let file_id = text(&row["file_id"]);
            let Some(record) = in_files.get(file_id.as_str()) else {
                self.tally().judge(Promise::EffectsOnce, false, || format!("{id} is of no file that has it: {row}"));
                continue;
            };
            let successor = ledger.successor(&file_id, in_files.keys().copied());
            self.tally().judge(Promise::LaterFileWins, successor.is_none(), || {
                let reported: Vec<_> = in_files.keys().map(|file| ledger.describe(file)).collect();
                format!("{id} has the row of {file_id}, and {successor:?} arrived later: {reported:#?}")
            });
            let is_exact = thousandths(&text(&row["amount"])) == record.thousandths;
            self.tally().judge(Promise::MoneyExact, is_exact, || format!("{row}"));
            let others = [("currency", record.currency), ("merchant", record.merchant), ("status", record.status)];
            let is_ours = others.iter().all(|(name, value)| row[*name] == *value);
            self.tally().judge(Promise::EffectsOnce, is_ours, || format!("{record:?}: {row}"));
        }
    }
}

fn has_ended_as(row: &Value, end: End) -> bool {
    let completed = row["status"] == "completed";
    // A file that could not be checked failed too, but has no errors.
    let rejected = row["status"] == "validation_failed" && row["error_count"].is_string();
    match end {
        End::Completed => completed,
        End::Rejected => rejected,
        End::Either => completed || rejected,
        End::WrongTotals | End::Nothing => !completed,
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}
