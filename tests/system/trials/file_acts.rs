//! What a partner can do with a file. Each request is written into the ledger with its time, and each response is
//! judged that does not depend on faults.

use super::chance::Chance;
use super::file_plan::{Again, Totals};
use super::file_round::FileRound;
use super::ledger::{Action, Moment, Span};
use super::planned_file::{PlannedFile, thousandths};
use super::product::reprocess_query;
use super::promise::Promise;
use super::sender::{LastResponse, send};
use crate::support::files::digest;
use crate::support::upload::number;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long a sender waits for a file to be completed before it gives up its next step.
const COMPLETION_PATIENCE: Duration = Duration::from_secs(8);
const POLL_INTERVAL: Duration = Duration::from_millis(200);

impl FileRound<'_> {
    fn span_since(&self, began: Moment) -> Span {
        Span { began, ended: self.world.moment() }
    }

    fn record_action(&self, file: &PlannedFile, action: Action, began: Moment, reprocess: Option<u64>) {
        self.ledger.lock().unwrap().add(&file.id, action, self.span_since(began), reprocess);
    }

    /// Uploads a file through the API, perhaps with control totals, perhaps to be processed again.
    pub(super) async fn upload(
        &self,
        file: &PlannedFile,
        totals: Totals,
        reprocess: Option<u64>,
        chance: Chance,
    ) -> LastResponse {
        let query = reprocess.map(reprocess_query).unwrap_or_default();
        let url = format!("{}/upload{query}", self.world.cloud.stack.api_url);
        let fields = fields_of(file, totals, &mut chance.clone());
        let was_accepted = self.known(file).is_accepted;
        let began = self.world.moment();
        let response = send(chance, || {
            let part = Part::bytes(file.bytes.clone()).file_name("day.csv").mime_str("text/csv").unwrap();
            let form = Form::new().part("file", part);
            let form = fields.iter().fold(form, |form, (name, value)| form.text(*name, value.clone()));
            self.world.cloud.http.post(&url).header("x-api-key", &self.bank.key).multipart(form)
        })
        .await;
        self.learn_path(file, &response);
        if file.is_bad || totals == Totals::Wrong {
            let is_rejected = response.status == 400 && response.body["error"] == "invalid_csv";
            assert!(is_rejected, "{} {}", response.status, response.body);
            self.record_action(file, Action::Rejected, began, None);
            return response;
        }
        self.judge_accepted(file, was_accepted, &response);
        if response.status != 200 {
            self.record_action(file, Action::Doubtful, began, None);
            return response;
        }
        self.record_action(file, Action::Uploaded, began, reprocess);
        self.learn(file, |known| known.is_accepted = true);
        response
    }

    /// A valid file is accepted; where its validity depends on a clock, only if it was accepted before.
    fn judge_accepted(&self, file: &PlannedFile, was_accepted: bool, response: &LastResponse) {
        if was_accepted {
            let is_accepted = response.status == 200;
            self.world.tally.judge(Promise::AcceptedStaysAccepted, is_accepted, || {
                format!("accepted before, and now {} {}", response.status, response.body)
            });
        }
        let may_be_late = file.is_at_edge && response.body["error"] == "invalid_csv";
        assert!(response.status == 200 || may_be_late, "{} {}", response.status, response.body);
    }

    fn learn_path(&self, file: &PlannedFile, response: &LastResponse) {
        if let Some(path) = response.body["status_path"].as_str() {
            self.learn(file, |known| known.status_path = Some(path.to_owned()));
        }
    }

    /// Creates an upload. Returns whether the response had a URL.
    pub(super) async fn create(&self, file: &PlannedFile, reprocess: Option<u64>, chance: Chance) -> bool {
        let query = reprocess.map(reprocess_query).unwrap_or_default();
        let url = format!("{}/uploads{query}", self.world.cloud.stack.api_url);
        let body = json!({"size": file.bytes.len(), "sha256": digest(&file.bytes).as_str()}).to_string();
        let began = self.world.moment();
        let response = send(chance, || {
            let request = self.world.cloud.http.post(&url).header("x-api-key", &self.bank.key);
            request.header("content-type", "application/json").body(body.clone())
        })
        .await;
        assert_eq!(response.status, 200, "{}", response.body);
        self.learn_path(file, &response);
        let Some(put_url) = response.body["upload"]["url"].as_str() else {
            // An earlier try of this very request, whose response was lost, may have created an upload that is used
            // already: by the late event of bytes that were put before.
            if reprocess.is_some() {
                self.record_action(file, Action::Created, began, reprocess);
            }
            return false;
        };
        let checksum = response.body["upload"]["headers"]["x-amz-checksum-sha256"].as_str().unwrap();
        self.record_action(file, Action::Created, began, reprocess);
        self.learn(file, |known| known.url = Some((put_url.to_owned(), checksum.to_owned())));
        true
    }

    /// Puts the bytes to the latest URL of the file.
    pub(super) async fn put(&self, file: &PlannedFile, chance: Chance) {
        let Some((url, checksum)) = self.known(file).url else { return };
        let began = self.world.moment();
        let put = || {
            let request = self.world.cloud.http.put(&url).body(file.bytes.clone());
            request.header("x-amz-checksum-sha256", &checksum)
        };
        let stored = send(chance, put).await;
        assert_eq!(stored.status, 200, "{}", stored.body);
        self.record_action(file, Action::Put, began, None);
        self.learn(file, |known| known.puts += 1);
    }

    /// Creates an upload and puts the bytes there, if they are requested.
    pub(super) async fn send_presigned(&self, file: &PlannedFile, reprocess: Option<u64>, chance: Chance) {
        if self.create(file, reprocess, chance.clone()).await {
            self.put(file, chance).await;
        }
    }

    /// Creates an upload that is not used. The outcome of the file must stay visible.
    pub(super) async fn create_and_abandon(&self, file: &PlannedFile, reprocess: Option<u64>, chance: Chance) {
        let before = self.read_status(file, chance.clone()).await;
        self.create(file, reprocess, chance.clone()).await;
        if ["completed", "validation_failed"].iter().any(|status| before["status"] == *status) {
            let after = self.read_status(file, chance).await;
            self.judge_visible(file, &after);
        }
    }

    /// A file that has an outcome shows it, or the attempt in progress; never only that an upload is awaited.
    pub(super) fn judge_visible(&self, file: &PlannedFile, seen: &Value) {
        let kept = match seen["status"].as_str().unwrap_or_default() {
            "completed" => totals_of(&seen["totals"]) == file.totals(),
            // What could not be checked has no errors to report.
            "validation_failed" => seen["report_url"].is_string() || seen["error_count"] == 0,
            status => !["", "awaiting_upload", "upload_expired"].contains(&status),
        };
        self.world.tally.judge(Promise::OutcomeStaysVisible, kept, || format!("{seen}"));
    }

    /// Puts the bytes to a URL that was created some time ago.
    pub(super) async fn put_late(&self, file: &PlannedFile, chance: Chance) {
        if self.known(file).url.is_none() {
            return self.create_and_abandon(file, None, chance).await;
        }
        self.put(file, chance).await;
    }

    /// Requests that a completed file is processed again.
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
            Again::Upload => drop(self.upload(file, Totals::Absent, Some(attempt), chance).await),
            Again::Presigned => self.send_presigned(file, Some(attempt), chance).await,
            Again::GivenUp => self.create_and_abandon(file, Some(attempt), chance).await,
        }
    }

    /// The attempt of a completed file; none where the file is not completed in time.
    pub(super) async fn completed_attempt(&self, file: &PlannedFile, chance: &Chance) -> Option<u64> {
        if file.is_bad || !self.ledger.lock().unwrap().is_accepted(&file.id) {
            return None;
        }
        let since = Instant::now();
        while since.elapsed() < COMPLETION_PATIENCE {
            let seen = self.read_status(file, chance.clone()).await;
            if seen["status"] == "completed" {
                return Some(number(&seen["attempt"]));
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        None
    }

    /// The status of a file; null as long as its sender does not have the path.
    pub(super) async fn read_status(&self, file: &PlannedFile, chance: Chance) -> Value {
        let Some(path) = self.known(file).status_path else { return Value::Null };
        let url = format!("{}{path}", self.world.cloud.stack.api_url);
        let response = send(chance, || self.world.cloud.http.get(&url)).await;
        assert_eq!(response.status, 200, "{}", response.body);
        response.body
    }

    /// Puts the bytes straight into the bucket, under a key of the partner's own.
    pub(super) async fn put_to_bucket(&self, file: &PlannedFile) {
        let key = format!("incoming/{}/by-rights/{}.csv", self.bank.partner, file.id);
        let began = self.world.moment();
        self.world.cloud.put_object(&key, &file.bytes, &[]).await;
        self.record_action(file, Action::PutToBucket, began, None);
        self.learn(file, |known| known.puts += 1);
    }
}

/// The form fields of the control totals.
fn fields_of(file: &PlannedFile, which: Totals, chance: &mut Chance) -> Vec<(&'static str, String)> {
    let [rows, totals] = file.control_totals();
    match which {
        Totals::Absent => Vec::new(),
        Totals::Right if chance.percent(50) => vec![rows, totals],
        Totals::Right => vec![totals],
        Totals::Wrong if chance.percent(50) => vec![(rows.0, (file.records.len() + 1).to_string()), totals],
        // A currency that none of the files has.
        Totals::Wrong => vec![(totals.0, json!({"SEK": "1"}).to_string())],
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
