//! What must have become of a round's files: judged when its storm is over, and again, exactly, when what failed has been
//! redriven.

use super::feed::message_of;
use super::file_acts::totals_of;
use super::file_round::FileRound;
use super::history;
use super::ledger::{Deed, Ledger};
use super::planned_file::{PlannedFile, thousandths};
use super::product::{end_of_bad_file, may_be_a_letter};
use super::promise::{Promise, Tally};
use super::sender::send;
use crate::support::cloud::{eventually, now_ms};
use crate::support::upload::number;
use aws_sdk_sfn::types::ExecutionStatus;
use domain::Timestamp;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// Near midnight a file may count to the day before or after, by a clock of its own.
const MIDNIGHT_MS: u64 = 60_000;

/// How a file must end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    Completed,
    Rejected,
    /// It is good, and only came with wrong control totals: that is told to its sender, and whether it is remembered is open. It
    /// must not look as if it was being worked on.
    Misstated,
    /// One or the other: its verdict hung on a clock, and its sender was not told that it is taken.
    Either,
    /// It did not come.
    Nothing,
}

pub(super) struct FileOracle<'r, 'w> {
    pub(super) play: &'r FileRound<'w>,
}

impl FileOracle<'_, '_> {
    /// Judges all promises about files that one round can tell of.
    pub(super) async fn judge(&self, ids: &[String]) {
        let ends: Vec<(&PlannedFile, End)> = self.files().map(|file| (file, self.end_of(file))).collect();
        for &(file, end) in &ends {
            self.nothing_is_lost(file, end).await;
        }
        self.play.world.proxy.calm(self.play.words());
        let mut completed = Vec::new();
        for (file, end) in ends {
            if self.has_come_to(file, end).await {
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
            _ if ledger.has(&file.id, Deed::Doubtful) => End::Either,
            (true, _) if ledger.has(&file.id, Deed::Rejected) => End::Rejected,
            _ if ledger.has(&file.id, Deed::Rejected) => End::Misstated,
            _ => End::Nothing,
        }
    }

    async fn row(&self, file: &PlannedFile) -> Value {
        self.play.world.cloud.status_row(&file.id).await.unwrap_or(Value::Null)
    }

    /// After the storm the file is completed, refused, or a dead letter has its input.
    async fn nothing_is_lost(&self, file: &PlannedFile, end: End) {
        if matches!(end, End::Nothing | End::Misstated) {
            return;
        }
        let ended = eventually(&format!("{} to end or to be a dead letter ({end:?})", file.id), async || {
            let row = self.row(file).await;
            // What waits although it came waits for ever: nothing more is delivered.
            let is_over = has_ended_as(&row, end) || row["status"] == "awaiting_upload";
            (is_over || !self.letters(file).is_empty()).then_some(row)
        })
        .await;
        for letter in self.letters(file) {
            let object = &letter["input"]["detail"]["object"];
            let is_whole = object["key"].as_str().is_some_and(|key| key.contains(&file.id))
                && object["version-id"].is_string()
                && letter["error"]["Error"].is_string();
            self.tally().judge(Promise::NothingLost, is_whole, || format!("a letter lacks its input: {letter}"));
            self.tally().judge(Promise::NothingLost, may_be_a_letter(&letter), || {
                format!("what a partner got wrong is no dead letter: {letter}")
            });
        }
        if ended["status"] == "awaiting_upload" && self.letters(file).is_empty() {
            self.tally()
                .judge(Promise::OutcomeStaysVisible, false, || format!("{}: {ended}", self.ledger().tell(&file.id)));
        }
        let is_known = ended["file_id"] == file.id.as_str() || !self.letters(file).is_empty();
        self.tally().judge(Promise::NothingLost, is_known, || format!("{} is nowhere", file.id));
    }

    fn letters(&self, file: &PlannedFile) -> Vec<Value> {
        self.play.world.letters.about(&file.id)
    }

    /// Judges what is known of one file when all is calm. Returns whether it is completed.
    async fn has_come_to(&self, file: &PlannedFile, end: End) -> bool {
        if matches!(end, End::Nothing | End::Misstated) {
            self.has_not_come(file, end).await;
            return false;
        }
        let row = self.redriven(file, end).await;
        let is_rejected = row["status"] == "validation_failed";
        let reprocesses = self.ledger().reprocesses(&file.id);
        let fault = history::fault(&row["history"], is_rejected, reprocesses);
        self.tally().judge(Promise::HistoryWhole, fault.is_none(), || {
            format!("{fault:?}: {row}, {}", self.ledger().tell(&file.id))
        });
        self.is_to_be_seen(file, &row).await;
        if !is_rejected {
            self.money_is_exact(file, &row);
            self.notifications_are_recognisable(file, reprocesses).await;
        }
        !is_rejected
    }

    /// Of a file that never came in a way that could have it accepted nothing is known but perhaps that it is awaited, or that it was
    /// rejected.
    async fn has_not_come(&self, file: &PlannedFile, end: End) {
        let chance = self.play.world.chance(self.play.round, &file.id);
        // Null where its sender was never told where to look.
        let status = self.play.look(file, chance).await["status"].clone();
        let kept = match status.as_str() {
            None | Some("awaiting_upload" | "upload_expired") => true,
            Some(status) => end == End::Misstated && status == "validation_failed",
        };
        self.tally().judge(Promise::NothingLost, kept, || {
            format!("{end:?}, and its status is {status}: {}", self.ledger().tell(&file.id))
        });
    }

    /// The row of a file when all is calm and an operator has redriven it where that was needed.
    async fn redriven(&self, file: &PlannedFile, end: End) -> Value {
        let world = self.play.world;
        for letter in self.letters(file).into_iter().rev() {
            let row = self.row(file).await;
            if has_ended_as(&row, end) {
                return row;
            }
            let mut input = letter["input"].clone();
            input["redrive"] = json!(true);
            let ended = world.execute(&world.cloud.stack.state_machine_arn, &input).await;
            let is_as_it_must = match end {
                End::Completed => ended == ExecutionStatus::Succeeded,
                End::Rejected => ended == end_of_bad_file(),
                End::Either | End::Misstated | End::Nothing => true,
            };
            assert!(is_as_it_must, "the redrive of {} ended {ended:?}: {input}", file.id);
        }
        let row = self.row(file).await;
        let tell = || format!("{} must end {end:?}: {row}, {}", file.id, self.ledger().tell(&file.id));
        self.tally().judge(Promise::NothingLost, has_ended_as(&row, end), tell);
        row
    }

    /// Whoever follows the file sees how it ended.
    async fn is_to_be_seen(&self, file: &PlannedFile, row: &Value) {
        let path = format!("/files/{}?token={}", file.id, text(&row["token"]));
        let seen = self.get(&path).await;
        let is_same = seen["status"] == row["status"];
        self.tally().judge(Promise::OutcomeStaysVisible, is_same, || format!("{row} is shown as {seen}"));
        self.play.judge_visible(file, &seen);
    }

    /// What the partner is answered. What the answer is made of may still meet faults that are others'.
    async fn get(&self, path: &str) -> Value {
        let world = self.play.world;
        let url = format!("{}{path}", world.cloud.stack.api_url);
        let answer = send(world.chance(self.play.round, path), || {
            world.cloud.http.get(&url).header("x-api-key", &self.play.bank.key)
        })
        .await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
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

    /// The totals and counts of the status are those that the trials have added up themselves.
    fn money_is_exact(&self, file: &PlannedFile, row: &Value) {
        self.tally().judge(Promise::MoneyExact, totals_of(&row["totals"]) == file.totals(), || format!("{row}"));
        let counted: u64 =
            ["rows_stored", "rows_unchanged", "rows_superseded"].iter().map(|name| number(&row[*name])).sum();
        let rows = file.records.len() as u64;
        self.tally().judge(Promise::EffectsOnce, counted == rows && number(&row["rows"]) == rows, || format!("{row}"));
    }

    /// The completion is announced under one id, however many attempts it took, and under another one where the file was processed
    /// again. What comes again says the same; only how many rows a later file has overtaken may differ, and the attempt.
    async fn notifications_are_recognisable(&self, file: &PlannedFile, reprocesses: usize) {
        let heard = eventually(&format!("the notification of {}", file.id), async || {
            let heard = self.play.world.notifications.about(&file.id);
            let completions = heard.into_iter().filter(|told| message_of(told)["status"] == "completed");
            Some(completions.collect::<Vec<_>>()).filter(|completions| !completions.is_empty())
        })
        .await;
        let ids: BTreeSet<String> = heard.iter().map(|told| text(&message_of(told)["notification_id"])).collect();
        let is_one = ids.len() <= 1 + reprocesses;
        self.tally().judge(Promise::NotificationsRecognizable, is_one, || format!("{ids:?}"));
        for told in &heard {
            let message = message_of(told);
            let kept = message["notification_id"] == told["MessageAttributes"]["notification_id"]["Value"]
                && message["partner"] == self.play.bank.partner.as_str()
                && message["records_processed"] == file.records.len()
                && totals_of(&message["totals"]) == file.totals();
            self.tally().judge(Promise::NotificationsRecognizable, kept, || format!("{told} beside {ids:?}"));
        }
    }

    /// Each row is that of a file that has it and that no other one follows, by the sender's own clock; and there is no other row.
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
                let told: Vec<_> = in_files.keys().map(|file| ledger.tell(file)).collect();
                format!("{id} has the row of {file_id}, and {successor:?} came after it: {told:#?}")
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
    // What could not be checked failed too, but has no errors.
    let rejected = row["status"] == "validation_failed" && row["error_count"].is_string();
    match end {
        End::Completed => completed,
        End::Rejected => rejected,
        End::Either => completed || rejected,
        End::Misstated | End::Nothing => !completed,
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}
