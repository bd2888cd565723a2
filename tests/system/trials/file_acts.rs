//! What a partner can do with a file. Each request is written into the ledger with its time, and each answer is judged that
//! must be one whatever fails.

use super::chance::Chance;
use super::file_plan::{Again, Stated};
use super::file_round::FileRound;
use super::ledger::{Deed, Moment, Span};
use super::planned_file::{PlannedFile, thousandths};
use super::product::reprocess_query;
use super::promise::Promise;
use super::sender::{Answered, send};
use crate::support::files::digest;
use crate::support::upload::number;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long a sender waits for a file to be completed before it gives up what it wanted then.
const COMPLETION_PATIENCE: Duration = Duration::from_secs(8);
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(200);

impl FileRound<'_> {
    fn span_since(&self, began: Moment) -> Span {
        Span { began, ended: self.world.moment() }
    }

    fn write_down(&self, file: &PlannedFile, deed: Deed, began: Moment, reprocess: Option<u64>) {
        self.ledger.lock().unwrap().add(&file.id, deed, self.span_since(began), reprocess);
    }

    /// Uploads a file through the API, perhaps with control totals, perhaps to be processed again.
    pub(super) async fn upload(
        &self,
        file: &PlannedFile,
        stated: Stated,
        reprocess: Option<u64>,
        chance: Chance,
    ) -> Answered {
        let query = reprocess.map(reprocess_query).unwrap_or_default();
        let url = format!("{}/upload{query}", self.world.cloud.stack.api_url);
        let fields = fields_of(file, stated, &mut chance.clone());
        let was_taken = self.known(file).is_taken;
        let began = self.world.moment();
        let answer = send(chance, || {
            let part = Part::bytes(file.bytes.clone()).file_name("day.csv").mime_str("text/csv").unwrap();
            let form = Form::new().part("file", part);
            let form = fields.iter().fold(form, |form, (name, value)| form.text(*name, value.clone()));
            self.world.cloud.http.post(&url).header("x-api-key", &self.bank.key).multipart(form)
        })
        .await;
        self.learn_path(file, &answer);
        if file.is_bad || stated == Stated::Wrong {
            let is_rejected = answer.status == 400 && answer.body["error"] == "invalid_csv";
            assert!(is_rejected, "{} {}", answer.status, answer.body);
            self.write_down(file, Deed::Rejected, began, None);
            return answer;
        }
        self.judge_taken(file, was_taken, &answer);
        if answer.status != 200 {
            self.write_down(file, Deed::Doubtful, began, None);
            return answer;
        }
        self.write_down(file, Deed::Uploaded, began, reprocess);
        self.learn(file, |known| known.is_taken = true);
        answer
    }

    /// A good file is taken; but where its verdict hangs on a clock, only what was taken before must be.
    fn judge_taken(&self, file: &PlannedFile, was_taken: bool, answer: &Answered) {
        if was_taken {
            let is_taken = answer.status == 200;
            self.world.tally.judge(Promise::AcceptedStaysAccepted, is_taken, || {
                format!("taken before, and now {} {}", answer.status, answer.body)
            });
        }
        let may_be_late = file.is_at_edge && answer.body["error"] == "invalid_csv";
        assert!(answer.status == 200 || may_be_late, "{} {}", answer.status, answer.body);
    }

    fn learn_path(&self, file: &PlannedFile, answer: &Answered) {
        if let Some(path) = answer.body["status_path"].as_str() {
            self.learn(file, |known| known.status_path = Some(path.to_owned()));
        }
    }

    /// Creates an upload. Returns whether a URL was given.
    pub(super) async fn create(&self, file: &PlannedFile, reprocess: Option<u64>, chance: Chance) -> bool {
        let query = reprocess.map(reprocess_query).unwrap_or_default();
        let url = format!("{}/uploads{query}", self.world.cloud.stack.api_url);
        let body = json!({"size": file.bytes.len(), "sha256": digest(&file.bytes).as_str()}).to_string();
        let began = self.world.moment();
        let answer = send(chance, || {
            let request = self.world.cloud.http.post(&url).header("x-api-key", &self.bank.key);
            request.header("content-type", "application/json").body(body.clone())
        })
        .await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        self.learn_path(file, &answer);
        let Some(put_url) = answer.body["upload"]["url"].as_str() else {
            // An earlier try of this very request, whose answer was lost, may have created an upload that is used already: by the
            // late event of bytes that were put before.
            if reprocess.is_some() {
                self.write_down(file, Deed::Created, began, reprocess);
            }
            return false;
        };
        let checksum = answer.body["upload"]["headers"]["x-amz-checksum-sha256"].as_str().unwrap();
        self.write_down(file, Deed::Created, began, reprocess);
        self.learn(file, |known| known.url = Some((put_url.to_owned(), checksum.to_owned())));
        true
    }

    /// Puts the bytes to the latest URL that was given for them.
    pub(super) async fn put(&self, file: &PlannedFile, chance: Chance) {
        let Some((url, checksum)) = self.known(file).url else { return };
        let began = self.world.moment();
        let put = || {
            let request = self.world.cloud.http.put(&url).body(file.bytes.clone());
            request.header("x-amz-checksum-sha256", &checksum)
        };
        let stored = send(chance, put).await;
        assert_eq!(stored.status, 200, "{}", stored.body);
        self.write_down(file, Deed::Put, began, None);
        self.learn(file, |known| known.puts += 1);
    }

    /// Creates an upload and puts the bytes there, if they are wanted.
    pub(super) async fn send_presigned(&self, file: &PlannedFile, reprocess: Option<u64>, chance: Chance) {
        if self.create(file, reprocess, chance.clone()).await {
            self.put(file, chance).await;
        }
    }

    /// Creates an upload that is not used. What was to be seen of the file before is to be seen still.
    pub(super) async fn create_and_give_up(&self, file: &PlannedFile, reprocess: Option<u64>, chance: Chance) {
        let before = self.look(file, chance.clone()).await;
        self.create(file, reprocess, chance.clone()).await;
        if ["completed", "validation_failed"].iter().any(|status| before["status"] == *status) {
            let after = self.look(file, chance).await;
            self.judge_visible(file, &after);
        }
    }

    /// A file that has an outcome shows it, or the attempt that goes on; never only that it is awaited.
    pub(super) fn judge_visible(&self, file: &PlannedFile, seen: &Value) {
        let kept = match seen["status"].as_str().unwrap_or_default() {
            "completed" => totals_of(&seen["totals"]) == file.totals(),
            // What could not be checked has no errors to report.
            "validation_failed" => seen["report_url"].is_string() || seen["error_count"] == 0,
            status => !["", "awaiting_upload", "upload_expired"].contains(&status),
        };
        self.world.tally.judge(Promise::OutcomeStaysVisible, kept, || format!("{seen}"));
    }

    /// The bytes to a URL that was given some time ago.
    pub(super) async fn put_late(&self, file: &PlannedFile, chance: Chance) {
        if self.known(file).url.is_none() {
            return self.create_and_give_up(file, None, chance).await;
        }
        self.put(file, chance).await;
    }

    /// Asks for a completed file to be processed again.
    pub(super) async fn reprocess(&self, file: &PlannedFile, again: Again, chance: Chance) {
        let Some(attempt) = self.completed_attempt(file, &chance).await else { return };
        self.learn(file, |known| known.reprocess = Some((again, attempt)));
        self.ask_again(file, again, attempt, chance).await;
    }

    pub(super) async fn repeat_reprocess(&self, file: &PlannedFile, chance: Chance) {
        if let Some((again, attempt)) = self.known(file).reprocess {
            self.ask_again(file, again, attempt, chance).await;
        }
    }

    async fn ask_again(&self, file: &PlannedFile, again: Again, attempt: u64, chance: Chance) {
        match again {
            Again::Upload => drop(self.upload(file, Stated::Nothing, Some(attempt), chance).await),
            Again::Presigned => self.send_presigned(file, Some(attempt), chance).await,
            Again::GivenUp => self.create_and_give_up(file, Some(attempt), chance).await,
        }
    }

    /// The attempt at which a file is seen to be completed; none where that does not come to be.
    pub(super) async fn completed_attempt(&self, file: &PlannedFile, chance: &Chance) -> Option<u64> {
        if file.is_bad || !self.ledger.lock().unwrap().is_accepted(&file.id) {
            return None;
        }
        let since = Instant::now();
        while since.elapsed() < COMPLETION_PATIENCE {
            let seen = self.look(file, chance.clone()).await;
            if seen["status"] == "completed" {
                return Some(number(&seen["attempt"]));
            }
            tokio::time::sleep(LOOK_AGAIN_AFTER).await;
        }
        None
    }

    /// What is to be seen of a file; null as long as its sender does not know where.
    pub(super) async fn look(&self, file: &PlannedFile, chance: Chance) -> Value {
        let Some(path) = self.known(file).status_path else { return Value::Null };
        let url = format!("{}{path}", self.world.cloud.stack.api_url);
        let answer = send(chance, || self.world.cloud.http.get(&url)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    }

    /// The bytes straight into the bucket, under a key of the partner's own.
    pub(super) async fn put_by_rights(&self, file: &PlannedFile) {
        let key = format!("incoming/{}/by-rights/{}.csv", self.bank.partner, file.id);
        let began = self.world.moment();
        self.world.cloud.put_object(&key, &file.bytes, &[]).await;
        self.write_down(file, Deed::PutByRights, began, None);
        self.learn(file, |known| known.puts += 1);
    }
}

/// The form fields by which something is stated of a file.
fn fields_of(file: &PlannedFile, stated: Stated, chance: &mut Chance) -> Vec<(&'static str, String)> {
    let [rows, totals] = file.control_totals();
    match stated {
        Stated::Nothing => Vec::new(),
        Stated::Right if chance.percent(50) => vec![rows, totals],
        Stated::Right => vec![totals],
        Stated::Wrong if chance.percent(50) => vec![(rows.0, (file.records.len() + 1).to_string()), totals],
        // A currency that none of the files has.
        Stated::Wrong => vec![(totals.0, json!({"SEK": "1"}).to_string())],
    }
}

/// Totals by currency, in thousandths.
pub(super) fn totals_of(totals: &Value) -> BTreeMap<String, i128> {
    let members = totals.as_object().into_iter().flatten();
    members
        .map(|(currency, amount)| {
            let text = amount.as_str().unwrap_or_else(|| panic!("{amount} is no text"));
            (currency.clone(), thousandths(text))
        })
        .collect()
}
