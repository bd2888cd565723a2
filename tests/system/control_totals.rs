//! Control totals: what a sender states of a file is held against it, on each road, and a right statement mends a wrong one.

use crate::support::cloud::{Cloud, unique};
use crate::support::files::{self, digest, file_id, record_of};
use crate::support::upload::{Answer, Uploader, WHOLE_WAY, number, statuses};
use crate::system::presigned_uploads::put;
use futures::future::join_all;
use serde_json::{Value, json};

/// A file of two records that add up to 9.30 USD.
fn file_of_two() -> Vec<u8> {
    files::file(&[record_of(&unique(), "12.50"), record_of(&unique(), "-3.20")])
}

const RIGHT: [(&str, &str); 2] = [("expected_rows", "2"), ("expected_totals", "{\"USD\": \"9.3\"}")];
const WRONG: [(&str, &str); 2] = [("expected_rows", "3"), ("expected_totals", "{\"USD\": \"9.31\", \"EUR\": \"1\"}")];

fn reasons(errors: &Value) -> Vec<(u64, &str, &str)> {
    let errors = errors.as_array().unwrap().iter();
    errors
        .map(|error| {
            (error["record"].as_u64().unwrap(), error["code"].as_str().unwrap(), error["reason"].as_str().unwrap())
        })
        .collect()
}

const WHAT_IS_WRONG: [(u64, &str, &str); 3] = [
    (0, "row_count_mismatch", "the file has 2 data records; expected_rows is 3"),
    (0, "total_mismatch", "the file has no amounts in EUR; expected_totals has 1.00"),
    (0, "total_mismatch", "the amounts in USD add up to 9.30; expected_totals has 9.31"),
];

impl Uploader<'_> {
    pub(crate) async fn announce_stating(&self, path: &str, file: &[u8], rows: u64, totals: Value) -> Answer {
        let body = json!({
            "size": file.len(), "sha256": digest(file).as_str(), "expected_rows": rows, "expected_totals": totals,
        });
        self.announce_body(path, Some("application/json"), body.to_string()).await
    }
}

#[tokio::test]
async fn a_wrong_statement_refuses_a_file_and_a_right_one_is_a_new_attempt() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let file = file_of_two();
    let refused = bank.upload_stating("/upload", &file, &WRONG).await;
    assert_eq!((refused.status, refused.error(), &refused.body["error_count"]), (400, "invalid_csv", &json!(3)));
    assert_eq!(reasons(&refused.body["errors"]), WHAT_IS_WRONG);
    let counts = json!({"row_count_mismatch": 1, "total_mismatch": 2});
    assert_eq!((&refused.body["errors_by_code"], &refused.body["truncated"]), (&counts, &json!(false)));
    let status = cloud.get(refused.text("status_path")).await.accepted().body;
    assert_eq!((&status["status"], &status["error_count"]), (&json!("validation_failed"), &json!(3)));
    let report = cloud.http.get(status["report_url"].as_str().unwrap()).send().await.unwrap().text().await.unwrap();
    assert_eq!(report.lines().filter(|line| line.starts_with("0,1,,,0,")).count(), 3, "{report}");
    // The same again gets the same answer; another wrong statement gets its own.
    let again = bank.upload_stating("/upload", &file, &WRONG).await;
    assert_eq!(again.body["errors"], refused.body["errors"]);
    let history = |row: Value| statuses(&row["history"]).len();
    assert_eq!(history(cloud.status_row(refused.text("file_id")).await.unwrap()), 2);
    let other = bank.upload_stating("/upload", &file, &[("expected_rows", "4")]).await;
    assert_eq!(reasons(&other.body["errors"])[0].2, "the file has 2 data records; expected_rows is 4");
    let row = cloud.status_row(refused.text("file_id")).await.unwrap();
    assert_eq!((&row["attempt"], &row["rejected_totals"]["rows"]), (&json!("1"), &json!("4")), "no new attempt: {row}");
    assert_eq!(history(row), 2);

    let taken = bank.upload_stating("/upload", &file, &RIGHT).await.accepted();
    assert_eq!((&taken.body["duplicate"], &taken.body["status_path"]), (&json!(false), &refused.body["status_path"]));
    let row = cloud.ended(taken.text("file_id"), 2).await;
    assert_eq!((&row["status"], &row["attempt"]), (&json!("completed"), &json!("2")), "{row}");
    assert!(row["rejected_totals"].is_null() && row["error_count"].is_null(), "{row}");
    // What is done is not undone by a wrong statement, nor by one that asks for it to be done again.
    for path in ["/upload", "/upload?reprocess_attempt=2"] {
        let refused = bank.upload_stating(path, &file, &WRONG).await;
        assert_eq!((refused.status, reasons(&refused.body["errors"]).len()), (400, 3));
        assert!(refused.text("message").contains("which has not changed"), "{}", refused.body);
    }
    for path in ["/uploads", "/uploads?reprocess_attempt=2"] {
        let refused = bank.announce_stating(path, &file, 3, json!({"USD": "9.31", "EUR": "1"})).await;
        assert_eq!((refused.status, refused.error()), (400, "invalid_csv"), "{}", refused.body);
        assert_eq!(reasons(&refused.body["errors"]), WHAT_IS_WRONG);
    }
    assert_eq!(cloud.status_row(taken.text("file_id")).await.unwrap(), row);
    let duplicate = bank.upload_stating("/upload", &file, &RIGHT).await.accepted();
    assert_eq!(duplicate.body["duplicate"], true);
    // Nor while the same file is awaited once more.
    let awaited =
        bank.announce_stating("/uploads?reprocess_attempt=2", &file, 2, json!({"USD": "9.30"})).await.accepted();
    let refused = bank.announce_stating("/uploads", &file, 3, json!({"USD": "9.31", "EUR": "1"})).await;
    assert_eq!(reasons(&refused.body["errors"]), WHAT_IS_WRONG);
    assert_eq!(put(&cloud, &awaited.body["upload"], &file).await.0, 200);
    assert_eq!(cloud.ended(taken.text("file_id"), 3).await["status"], "completed");
}

#[tokio::test]
async fn an_announced_file_is_held_against_what_was_stated_last() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let file = file_of_two();
    let announced = bank.announce_stating("/uploads", &file, 3, json!({"USD": "9.31", "EUR": "1"})).await.accepted();
    assert_eq!(put(&cloud, &announced.body["upload"], &file).await.0, 200);
    let letter = cloud.rejected_with(announced.text("s3_key"), "InvalidCsv").await;
    assert!(letter["output"].to_string().contains("row_count_mismatch"), "{letter}");
    let status = cloud.get(announced.text("status_path")).await.accepted().body;
    assert_eq!((&status["status"], &status["error_count"]), (&json!("validation_failed"), &json!(3)));
    let report = cloud.http.get(status["report_url"].as_str().unwrap()).send().await.unwrap().text().await.unwrap();
    for (_, code, reason) in WHAT_IS_WRONG {
        assert!(report.contains(&format!("{code},\"{reason}\"")), "{report}");
    }
    // The second announcement is wrong again, the third one right: the last one counts.
    bank.announce_stating("/uploads", &file, 7, json!({"USD": "9.30"})).await.accepted();
    let announced = bank.announce_stating("/uploads", &file, 2, json!({"USD": "9.30"})).await.accepted();
    assert_eq!(put(&cloud, &announced.body["upload"], &file).await.0, 200);
    let row = cloud.ended(announced.text("file_id"), 2).await;
    assert_eq!((&row["status"], &row["attempt"]), (&json!("completed"), &json!("2")), "{row}");
    // One that states nothing takes back what one before has stated.
    let file = file_of_two();
    bank.announce_stating("/uploads", &file, 7, json!({"USD": "9.30"})).await.accepted();
    let announced = bank.announce(&file).await.accepted();
    assert_eq!(put(&cloud, &announced.body["upload"], &file).await.0, 200);
    assert_eq!(cloud.ended(announced.text("file_id"), 1).await["status"], "completed");
}

/// A wrong statement hinders nobody who sends the same file with a right one, or none, at the same moment or while it is
/// awaited.
#[tokio::test]
async fn a_wrong_statement_hinders_no_other_upload_of_the_file() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let file = file_of_two();
    let (wrong, right) = (WRONG.as_slice(), RIGHT.as_slice());
    let answers =
        join_all([wrong, right, wrong, right].map(|fields| bank.upload_stating("/upload", &file, fields))).await;
    for (answer, status) in answers.iter().zip([400, 200, 400, 200]) {
        assert_eq!((answer.status, answer.text("file_id")), (status, file_id(&bank.partner, &file).as_str()));
    }
    // Where the wrong one was recorded first, the right one was told to send it again.
    bank.upload_stating("/upload", &file, right).await.accepted();
    let followed = cloud.follow(answers[1].text("status_path")).await;
    assert_eq!(followed["status"], "completed", "{followed}");

    let file = file_of_two();
    let announced = bank.announce(&file).await.accepted();
    let refused = bank.upload_stating("/upload", &file, wrong).await;
    assert_eq!((refused.status, refused.error()), (400, "invalid_csv"));
    assert_eq!(cloud.status_row(announced.text("file_id")).await.unwrap()["status"], "awaiting_upload");
    assert_eq!(put(&cloud, &announced.body["upload"], &file).await.0, 200);
    let row = cloud.ended(announced.text("file_id"), 1).await;
    assert_eq!(statuses(&row["history"]), [&["awaiting_upload"], &WHOLE_WAY[..]].concat(), "{row}");
}

/// A rejection draws no sequence. Where its function died, the valid upload that follows gets one of its own, which is later
/// than that of every file that was accepted before, whatever the clock of the rejecting host said.
#[tokio::test]
async fn a_valid_upload_takes_over_what_a_rejection_began() {
    let cloud = Cloud::open().await;
    for (status, rank, attempt) in [("validating", 1, 1), ("validation_failed", 2, 2)] {
        let bank = cloud.partner().await;
        let [earlier, later] = ["1.00", "2.00"].map(|amount| files::file(&[record_of("T1", amount)]));
        bank.upload_and_complete(&earlier).await;
        let id = cloud.put_rejection_begun(&bank.partner, &later, status, rank).await;
        bank.upload(&later).await.accepted();
        let row = cloud.ended(&id, attempt).await;
        assert_eq!((&row["status"], number(&row["rows_superseded"])), (&json!("completed"), 0), "{status}: {row}");
        let before: &[&str] =
            if attempt == 1 { &["validating"] } else { &["validating", "validation_failed", "validating"] };
        assert_eq!(statuses(&row["history"]), [before, &WHOLE_WAY[1..]].concat(), "{row}");
        assert_eq!(bank.transaction("T1").await.unwrap()["file_id"], id.as_str(), "{status}");
    }
}

#[tokio::test]
async fn a_statement_that_cannot_be_read_is_refused_by_name() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let file = file_of_two();
    for (name, value) in [
        ("expected_rows", "two"),
        ("expected_rows", "2.0"),
        ("expected_rows", ""),
        ("expected_totals", "9.30"),
        ("expected_totals", "{\"USD\": 9.30}"),
        ("expected_totals", "{\"usd\": \"9.30\"}"),
    ] {
        let answer = bank.upload_stating("/upload", &file, &[(name, value)]).await;
        answer.refused(400, &format!("{name}_malformed"));
    }
    let twice = [("expected_rows", "2"), ("expected_rows", "2")];
    bank.upload_stating("/upload", &file, &twice).await.refused(400, "part_repeated");
    let long = format!("{{\"USD\": \"9.30\"}}{}", " ".repeat(20_000));
    bank.upload_stating("/upload", &file, &[("expected_totals", &long)])
        .await
        .refused(400, "expected_totals_malformed");
    let dry = bank.upload_stating("/upload?dry_run=true", &file, &WRONG).await;
    assert_eq!((dry.status, reasons(&dry.body["errors"])), (400, WHAT_IS_WRONG.to_vec()));
    bank.upload_stating("/upload?dry_run=true", &file, &RIGHT).await.accepted();
    assert_eq!(cloud.status_row(&file_id(&bank.partner, &file)).await, None, "nothing of all this was recorded");
}
