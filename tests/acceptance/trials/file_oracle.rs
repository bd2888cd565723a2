//! What must have become of a round's files: judged when its storm is over, and again, exactly, when what failed has been
//! redriven.

use super::feed::message_of;
use super::file_round::{FileRound, Sent};
use super::history;
use super::planned_file::{PlannedFile, thousandths};
use super::promise::Promise;
use crate::cloud::eventually;
use crate::upload::number;
use aws_sdk_sfn::types::ExecutionStatus;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How often a failed file is redriven. Nothing goes wrong any more by then.
const REDRIVES_MAX: usize = 3;

pub(super) struct FileOracle<'r, 'w> {
    pub(super) play: &'r FileRound<'w>,
    pub(super) sent: &'r BTreeMap<String, Sent>,
}

impl FileOracle<'_, '_> {
    /// Judges all promises about files that one round can tell of.
    pub(super) async fn judge(&self, ids: &[String]) {
        for file in self.files() {
            self.nothing_is_lost(file).await;
        }
        self.play.world.proxy.calm(self.play.words());
        let mut rows = BTreeMap::new();
        for file in self.files() {
            let row = self.redriven(file).await;
            self.history_is_whole(file, &row);
            if !file.is_bad {
                self.money_is_exact(file, &row);
                self.notifications_are_recognisable(file).await;
            }
            rows.insert(file.id.clone(), row);
        }
        self.order_is_that_of_arrival(&rows);
        self.rows_are_those_of_the_files(ids, &rows).await;
    }

    /// Each of the files once.
    fn files(&self) -> impl Iterator<Item = &PlannedFile> {
        let distinct: BTreeMap<&str, &PlannedFile> =
            self.play.files.iter().map(|file| (file.id.as_str(), file)).collect();
        distinct.into_values()
    }

    async fn row(&self, file: &PlannedFile) -> Value {
        self.play.world.cloud.status_row(&file.id).await.unwrap_or(Value::Null)
    }

    /// After the storm the file is completed, refused, or a dead letter has its input.
    async fn nothing_is_lost(&self, file: &PlannedFile) {
        let good_end = if file.is_bad { "validation_failed" } else { "completed" };
        let ended = eventually(&format!("{} to end or to be a dead letter", file.id), async || {
            let row = self.row(file).await;
            (row["status"] == good_end || !self.letters(file).is_empty()).then_some(row)
        })
        .await;
        for letter in self.letters(file) {
            let object = &letter["input"]["detail"]["object"];
            let is_whole = object["key"].as_str().is_some_and(|key| key.contains(&file.id))
                && object["version-id"].is_string()
                && letter["error"]["Error"].is_string();
            self.play
                .world
                .tally
                .judge(Promise::NothingLost, is_whole, || format!("a letter lacks its input: {letter}"));
        }
        let is_known = ended["file_id"] == file.id.as_str() || !self.letters(file).is_empty();
        self.play.world.tally.judge(Promise::NothingLost, is_known, || format!("{} is nowhere", file.id));
    }

    fn letters(&self, file: &PlannedFile) -> Vec<Value> {
        self.play.world.letters.about(&file.id)
    }

    /// The row of a file when all is calm and an operator has redriven it where that was needed.
    async fn redriven(&self, file: &PlannedFile) -> Value {
        let world = self.play.world;
        let good_end = if file.is_bad { "validation_failed" } else { "completed" };
        for _ in 0..REDRIVES_MAX {
            let row = self.row(file).await;
            if row["status"] == good_end {
                return row;
            }
            let mut input = self.letters(file).pop().map(|letter| letter["input"].clone()).unwrap_or_default();
            input["redrive"] = json!(true);
            let ended = world.execute(&world.cloud.stack.state_machine_arn, &input).await;
            let expected = if file.is_bad { ExecutionStatus::Failed } else { ExecutionStatus::Succeeded };
            assert_eq!(ended, expected, "the redrive of {}: {input}", file.id);
        }
        panic!("{} was redriven {REDRIVES_MAX} times: {}", file.id, self.row(file).await);
    }

    fn history_is_whole(&self, file: &PlannedFile, row: &Value) {
        let fault = history::fault(&row["history"], file.is_bad);
        self.play.world.tally.judge(Promise::HistoryWhole, fault.is_none(), || format!("{fault:?}: {row}"));
    }

    /// The totals and counts of the status are those that the trials have added up themselves.
    fn money_is_exact(&self, file: &PlannedFile, row: &Value) {
        self.play
            .world
            .tally
            .judge(Promise::MoneyExact, totals_of(&row["totals"]) == file.totals(), || format!("{row}"));
        let counted: u64 =
            ["rows_stored", "rows_unchanged", "rows_superseded"].iter().map(|name| number(&row[*name])).sum();
        let rows = file.records.len() as u64;
        self.play
            .world
            .tally
            .judge(Promise::EffectsOnce, counted == rows && number(&row["rows"]) == rows, || format!("{row}"));
    }

    /// The completion is announced under one id, however many attempts it took. What comes again says the same; only how
    /// many rows a later file has overtaken may differ, and the attempt.
    async fn notifications_are_recognisable(&self, file: &PlannedFile) {
        let heard = eventually(&format!("the notification of {}", file.id), async || {
            let heard = self.play.world.notifications.about(&file.id);
            let completions = heard.into_iter().filter(|told| message_of(told)["status"] == "completed");
            Some(completions.collect::<Vec<_>>()).filter(|completions| !completions.is_empty())
        })
        .await;
        let id = text(&message_of(&heard[0])["notification_id"]);
        for told in &heard {
            let message = message_of(told);
            let kept = message["notification_id"] == id.as_str()
                && told["MessageAttributes"]["notification_id"]["Value"] == id.as_str()
                && message["partner"] == self.play.bank.partner.as_str()
                && message["records_processed"] == file.records.len()
                && totals_of(&message["totals"]) == file.totals();
            self.play.world.tally.judge(Promise::NotificationsRecognisable, kept, || format!("{told} beside {id}"));
        }
    }

    /// What came by the API came when it was sent, and what was answered before another was sent came before it.
    fn order_is_that_of_arrival(&self, rows: &BTreeMap<String, Value>) {
        let by_api: Vec<_> = self.files().filter(|file| !file.is_bad && self.sent[&file.id].only_uploaded).collect();
        for file in &by_api {
            let (began, answered) = self.sent[&file.id].first_ms;
            let came = number(&rows[&file.id]["received_at"]);
            let kept = (began..=answered).contains(&came);
            self.play.world.tally.judge(Promise::LaterFileWins, kept, || format!("{came}, sent {began} to {answered}"));
            for other in &by_api {
                let kept = self.sent[&other.id].wave <= self.sent[&file.id].wave
                    || came <= number(&rows[&other.id]["received_at"]);
                let waves = (self.sent[&file.id].wave, self.sent[&other.id].wave);
                self.play
                    .world
                    .tally
                    .judge(Promise::LaterFileWins, kept, || format!("{} {} {waves:?}", file.id, other.id));
            }
        }
    }

    /// Each row is that of the latest file that has it, and there is no other.
    async fn rows_are_those_of_the_files(&self, ids: &[String], rows: &BTreeMap<String, Value>) {
        let mut good: Vec<_> = self.files().filter(|file| !file.is_bad).collect();
        good.sort_by_key(|file| (number(&rows[&file.id]["received_at"]), file.id.clone()));
        let tally = &self.play.world.tally;
        for id in ids {
            let in_files: Vec<_> = good
                .iter()
                .filter_map(|file| Some((file, file.records.iter().find(|record| record.id == *id)?)))
                .collect();
            let stands = self.play.bank.transaction(id).await;
            let (Some((file, record)), Some(row)) = (in_files.last(), &stands) else {
                tally.judge(Promise::EffectsOnce, in_files.is_empty() && stands.is_none(), || {
                    format!("{id}: {stands:?}")
                });
                continue;
            };
            tally.judge(Promise::LaterFileWins, row["file_id"] == file.id.as_str(), || format!("{id}: {row}"));
            tally.judge(Promise::MoneyExact, thousandths(&text(&row["amount"])) == record.thousandths, || {
                format!("{row}")
            });
            let others = [("currency", record.currency), ("merchant", record.merchant), ("status", record.status)];
            let is_ours = others.iter().all(|(name, value)| row[*name] == *value);
            tally.judge(Promise::EffectsOnce, is_ours, || format!("{record:?}: {row}"));
        }
    }
}

/// Totals by currency, in thousandths.
fn totals_of(totals: &Value) -> BTreeMap<String, i128> {
    let members = totals.as_object().into_iter().flatten();
    members.map(|(currency, amount)| (currency.clone(), thousandths(&text(amount)))).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}
