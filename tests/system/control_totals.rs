//! Control totals: a sender's expected rows and totals are checked, for each source, and right ones correct wrong ones.

use crate::support::cloud::{Cloud, eventually, unique};
use crate::support::files::{self, digest, file_id, record_of};
use crate::support::upload::{ApiResponse, COMPLETE_HISTORY, Uploader, has_ended, number, statuses};
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

const REASONS: [(u64, &str, &str); 3] = [
    (0, "row_count_mismatch", "the file has 2 data records; expected_rows is 3"),
    (0, "total_mismatch", "the file has no amounts in EUR; expected_totals has 1.00"),
    (0, "total_mismatch", "the amounts in USD add up to 9.30; expected_totals has 9.31"),
];

impl Uploader<'_> {
    pub(crate) async fn create_upload_expecting(
        &self,
        path: &str,
        file: &[u8],
        rows: u64,
        totals: Value,
    ) -> ApiResponse {
        let body = json!({
            "size": file.len(), "sha256": digest(file).as_str(), "expected_rows": rows, "expected_totals": totals,
        });
        self.create_upload_with_body(path, Some("application/json"), body.to_string()).await
    }
}

#[tokio::test]
async fn right_control_totals_after_wrong_ones_are_a_new_attempt() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let file = file_of_two();
    let rejected = bank.upload_expecting("/upload", &file, &WRONG).await;
    assert_eq!((rejected.status, rejected.error(), &rejected.body["error_count"]), (400, "invalid_csv", &json!(3)));
    assert_eq!(reasons(&rejected.body["errors"]), REASONS);
    let counts = json!({"row_count_mismatch": 1, "total_mismatch": 2});
    assert_eq!((&rejected.body["errors_by_code"], &rejected.body["truncated"]), (&counts, &json!(false)));
    let status = cloud.get(rejected.text("status_path")).await.accepted().body;
    assert_eq!((&status["status"], &status["error_count"]), (&json!("validation_failed"), &json!(3)));
    let report = cloud.http.get(status["report_url"].as_str().unwrap()).send().await.unwrap().text().await.unwrap();
    assert_eq!(report.lines().filter(|line| line.starts_with("0,1,,,0,")).count(), 3, "{report}");
    // The same request gets the same response; other wrong control totals get their own.
    let again = bank.upload_expecting("/upload", &file, &WRONG).await;
    assert_eq!(again.body["errors"], rejected.body["errors"]);
    let history = |row: Value| statuses(&row["history"]).len();
    assert_eq!(history(cloud.status_row(rejected.text("file_id")).await.unwrap()), 2);
    let other = bank.upload_expecting("/upload", &file, &[("expected_rows", "4")]).await;
    assert_eq!(reasons(&other.body["errors"])[0].2, "the file has 2 data records; expected_rows is 4");
    let row = cloud.status_row(rejected.text("file_id")).await.unwrap();
    assert_eq!((&row["attempt"], &row["rejected_totals"]["rows"]), (&json!("1"), &json!("4")), "no new attempt: {row}");
    assert_eq!(history(row), 2);

    let accepted = bank.upload_expecting("/upload", &file, &RIGHT).await.accepted();
    assert_eq!(
        (&accepted.body["duplicate"], &accepted.body["status_path"]),
        (&json!(false), &rejected.body["status_path"])
    );
    let row = cloud.ended(accepted.text("file_id"), 2).await;
    assert_eq!((&row["status"], &row["attempt"]), (&json!("completed"), &json!("2")), "{row}");
    assert!(row["rejected_totals"].is_null() && row["error_count"].is_null(), "{row}");
    // Wrong control totals do not undo a completed file, not even with a reprocess.
    for path in ["/upload", "/upload?reprocess_attempt=2"] {
        let rejected = bank.upload_expecting(path, &file, &WRONG).await;
        assert_eq!((rejected.status, reasons(&rejected.body["errors"]).len()), (400, 3));
        assert!(rejected.text("message").contains("which has not changed"), "{}", rejected.body);
    }
    for path in ["/uploads", "/uploads?reprocess_attempt=2"] {
        let rejected = bank.create_upload_expecting(path, &file, 3, json!({"USD": "9.31", "EUR": "1"})).await;
        assert_eq!((rejected.status, rejected.error()), (400, "invalid_csv"), "{}", rejected.body);
        assert_eq!(reasons(&rejected.body["errors"]), REASONS);
    }
    assert_eq!(cloud.status_row(accepted.text("file_id")).await.unwrap(), row);
    let duplicate = bank.upload_expecting("/upload", &file, &RIGHT).await.accepted();
    assert_eq!(duplicate.body["duplicate"], true);
    // Nor while an upload of the same file is awaited.
    let awaited =
        bank.create_upload_expecting("/uploads?reprocess_attempt=2", &file, 2, json!({"USD": "9.30"})).await.accepted();
    let rejected = bank.create_upload_expecting("/uploads", &file, 3, json!({"USD": "9.31", "EUR": "1"})).await;
    assert_eq!(reasons(&rejected.body["errors"]), REASONS);
    assert_eq!(put(&cloud, &awaited.body["upload"], &file).await.0, 200);
    assert_eq!(cloud.ended(accepted.text("file_id"), 3).await["status"], "completed");
}

#[tokio::test]
async fn a_presigned_file_is_checked_against_the_last_control_totals() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let file = file_of_two();
    let created =
        bank.create_upload_expecting("/uploads", &file, 3, json!({"USD": "9.31", "EUR": "1"})).await.accepted();
    assert_eq!(put(&cloud, &created.body["upload"], &file).await.0, 200);
    let ended = cloud.rejected_with(created.text("s3_key"), "InvalidCsv").await;
    assert!(ended["output"].to_string().contains("row_count_mismatch"), "{ended}");
    let status = cloud.get(created.text("status_path")).await.accepted().body;
    assert_eq!((&status["status"], &status["error_count"]), (&json!("validation_failed"), &json!(3)));
    let report = cloud.http.get(status["report_url"].as_str().unwrap()).send().await.unwrap().text().await.unwrap();
    for (_, code, reason) in REASONS {
        assert!(report.contains(&format!(",{code},{reason},")), "{report}");
    }
    // The second request has wrong control totals again, the third one right ones: the last ones count.
    bank.create_upload_expecting("/uploads", &file, 7, json!({"USD": "9.30"})).await.accepted();
    let created = bank.create_upload_expecting("/uploads", &file, 2, json!({"USD": "9.30"})).await.accepted();
    assert_eq!(put(&cloud, &created.body["upload"], &file).await.0, 200);
    let row = cloud.ended(created.text("file_id"), 2).await;
    assert_eq!((&row["status"], &row["attempt"]), (&json!("completed"), &json!("2")), "{row}");
    // A request without control totals removes the earlier ones.
    let file = file_of_two();
    bank.create_upload_expecting("/uploads", &file, 7, json!({"USD": "9.30"})).await.accepted();
    let created = bank.create_upload(&file).await.accepted();
    assert_eq!(put(&cloud, &created.body["upload"], &file).await.0, 200);
    assert_eq!(cloud.ended(created.text("file_id"), 1).await["status"], "completed");
}

/// Wrong control totals do not affect others who send the same file with right ones, or none, at the same time or while
/// it is awaited.
#[tokio::test]
async fn wrong_control_totals_do_not_block_other_uploads() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let file = file_of_two();
    let (wrong, right) = (WRONG.as_slice(), RIGHT.as_slice());
    let responses =
        join_all([wrong, right, wrong, right].map(|fields| bank.upload_expecting("/upload", &file, fields))).await;
    for (response, status) in responses.iter().zip([400, 200, 400, 200]) {
        assert_eq!((response.status, response.text("file_id")), (status, file_id(&bank.partner, &file).as_str()));
    }
    // Where the wrong ones were recorded first, the right request is asked to retry.
    bank.upload_expecting("/upload", &file, right).await.accepted();
    let followed = cloud.follow(responses[1].text("status_path")).await;
    assert_eq!(followed["status"], "completed", "{followed}");

    let file = file_of_two();
    let created = bank.create_upload(&file).await.accepted();
    let rejected = bank.upload_expecting("/upload", &file, wrong).await;
    assert_eq!((rejected.status, rejected.error()), (400, "invalid_csv"));
    assert_eq!(cloud.status_row(created.text("file_id")).await.unwrap()["status"], "awaiting_upload");
    assert_eq!(put(&cloud, &created.body["upload"], &file).await.0, 200);
    let row = cloud.ended(created.text("file_id"), 1).await;
    assert_eq!(statuses(&row["history"]), [&["awaiting_upload"], &COMPLETE_HISTORY[..]].concat(), "{row}");
}

/// HTTP clients repeat a PUT whose response was lost. The control totals belong to the request for the upload, whatever
/// version of the bytes is validated.
#[tokio::test]
async fn a_repeated_put_does_not_void_control_totals() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let file = file_of_two();
    let created = bank.create_upload_expecting("/uploads", &file, 3, json!({"USD": "9.30"})).await.accepted();
    let (id, key) = (created.text("file_id"), created.text("s3_key"));
    assert_eq!(put(&cloud, &created.body["upload"], &file).await.0, 200);
    cloud.rejected_with(key, "InvalidCsv").await;
    let first = cloud.status_row(id).await.unwrap();
    assert_eq!(put(&cloud, &created.body["upload"], &file).await.0, 200);
    let second = eventually("the validation of the second version", async || {
        let row = cloud.status_row(id).await.unwrap();
        (row["version_id"] != first["version_id"] && has_ended(&row)).then_some(row)
    })
    .await;
    assert_eq!((&second["status"], &second["attempt"]), (&json!("validation_failed"), &json!("1")), "{second}");
    assert_eq!(second["rejected_totals"]["rows"], "3", "{second}");
}

/// A rejection draws no sequence. Where its function died, the valid upload that follows gets a sequence of its own,
/// which is later than that of every file that was accepted before, whatever the clock of the rejecting host.
#[tokio::test]
async fn a_valid_upload_takes_over_an_unfinished_rejection() {
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
        assert_eq!(statuses(&row["history"]), [before, &COMPLETE_HISTORY[1..]].concat(), "{row}");
        assert_eq!(bank.transaction("T1").await.unwrap()["file_id"], id.as_str(), "{status}");
    }
}

#[tokio::test]
async fn rejects_unreadable_control_totals_by_name() {
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
        let response = bank.upload_expecting("/upload", &file, &[(name, value)]).await;
        response.assert_rejected(400, &format!("{name}_malformed"));
    }
    let twice = [("expected_rows", "2"), ("expected_rows", "2")];
    bank.upload_expecting("/upload", &file, &twice).await.assert_rejected(400, "part_repeated");
    let long = format!("{{\"USD\": \"9.30\"}}{}", " ".repeat(20_000));
    bank.upload_expecting("/upload", &file, &[("expected_totals", &long)])
        .await
        .assert_rejected(400, "expected_totals_malformed");
    let dry = bank.upload_expecting("/upload?dry_run=true", &file, &WRONG).await;
    assert_eq!((dry.status, reasons(&dry.body["errors"])), (400, REASONS.to_vec()));
    bank.upload_expecting("/upload?dry_run=true", &file, &RIGHT).await.accepted();
    assert_eq!(cloud.status_row(&file_id(&bank.partner, &file)).await, None, "nothing of all this was recorded");
}
