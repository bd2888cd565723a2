//! Presigned uploads that are repeated, concurrent or late: one effect, and the same arrival order as for other
//! sources.

use crate::support::cloud::{Cloud, unique};
use crate::support::files::{self, decimal, record, record_of};
use crate::support::upload::{COMPLETE_HISTORY, number, statuses};
use crate::system::presigned_uploads::put;
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::json;

#[tokio::test]
async fn a_presigned_url_may_be_requested_repeatedly() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let file = files::file(&[record(&unique())]);
    let first = bank.create_upload(&file).await.accepted();
    let before = cloud.status_row(first.text("file_id")).await.unwrap();
    for _ in 0..5 {
        let again = bank.create_upload(&file).await.accepted();
        assert_eq!(again.text("status_path"), first.text("status_path"), "the first link stays valid");
        assert_eq!(again.body["duplicate"], false, "nothing was received yet: {}", again.body);
    }
    let last = bank.create_upload(&file).await.accepted();
    let row = cloud.status_row(first.text("file_id")).await.unwrap();
    assert_eq!((&row["history"], &row["attempt"]), (&before["history"], &json!("1")), "the history does not grow");
    assert!(number(&row["upload"]["expires_at_ms"]) >= number(&before["upload"]["expires_at_ms"]), "{row}");
    assert_eq!(row["upload"]["sequence"], before["upload"]["sequence"], "a repeat keeps its sequence");
    assert_eq!(put(&cloud, &last.body["upload"], &file).await.0, 200);
    let row = cloud.ended(first.text("file_id"), 1).await;
    assert_eq!(statuses(&row["history"]), [&["awaiting_upload"], &COMPLETE_HISTORY[..]].concat());
}

#[tokio::test]
async fn two_puts_to_one_url_make_two_versions_and_one_effect() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let file = files::file(&[record("T1"), record("T2")]);
    let response = bank.create_upload(&file).await.accepted();
    let (one, two) =
        futures::join!(put(&cloud, &response.body["upload"], &file), put(&cloud, &response.body["upload"], &file));
    assert_eq!((one.0, two.0), (200, 200));
    let key = response.text("s3_key");
    let listed = cloud.s3().list_object_versions().bucket(&cloud.stack.bucket).prefix(key).send().await.unwrap();
    let versions = listed.versions.unwrap();
    assert_eq!(versions.len(), 2);
    cloud.ended(response.text("file_id"), 1).await;
    // Both events again, after the file is completed: they change nothing.
    for version in versions {
        let mut object = cloud.object(key).await;
        object.version_id = version.version_id.unwrap();
        cloud.run_workflow(&cloud.event_of(&object)).await;
    }
    let row = cloud.status_row(response.text("file_id")).await.unwrap();
    assert_eq!(statuses(&row["history"]), [&["awaiting_upload"], &COMPLETE_HISTORY[..]].concat());
    assert_eq!((&row["status"], &row["attempt"]), (&json!("completed"), &json!("1")), "{row}");
    assert_eq!(number(&row["rows_stored"]) + number(&row["rows_unchanged"]), 2, "{row}");
}

#[tokio::test]
async fn a_file_reprocessed_by_a_presigned_upload_wins() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let a = files::file(&[record_of("T1", "1.00"), record_of("T2", "2.00")]);
    let first = bank.create_upload(&a).await.accepted();
    assert_eq!(put(&cloud, &first.body["upload"], &a).await.0, 200);
    let id = first.text("file_id");
    cloud.ended(id, 1).await;
    let (b, _) = bank.upload_and_complete(&files::file(&[record_of("T1", "1.50")])).await;
    let known = bank.create_upload(&a).await.accepted();
    assert_eq!((&known.body["duplicate"], &known.body["superseded_by"]), (&json!(true), &json!([b.text("file_id")])));
    assert!(known.text("message").contains("/uploads?reprocess_attempt="), "how to reprocess: {}", known.body);

    let again = bank.create_upload_again(&a).await.accepted();
    assert_eq!((again.text("status"), &again.body["duplicate"]), ("completed", &json!(false)));
    late_events_change_nothing(&cloud, first.text("s3_key"), id).await;
    assert_eq!(decimal(bank.transaction("T1").await.unwrap()["amount"].as_str().unwrap()), "1.5");

    assert_eq!(put(&cloud, &again.body["upload"], &a).await.0, 200);
    let row = cloud.ended(id, 2).await;
    assert_eq!(row["status"], "completed", "{row}");
    for (transaction, amount) in [("T1", "1"), ("T2", "2")] {
        let current = bank.transaction(transaction).await.unwrap();
        assert_eq!((decimal(current["amount"].as_str().unwrap()).as_str(), &current["file_id"]), (amount, &json!(id)));
    }
    let story =
        ["awaiting_upload"].iter().chain(&COMPLETE_HISTORY).chain(&COMPLETE_HISTORY).copied().collect::<Vec<_>>();
    assert_eq!(statuses(&row["history"]), story);
}

/// A late repeat of an earlier upload's event does not end the upload that is awaited.
async fn late_events_change_nothing(cloud: &Cloud, key: &str, id: &str) {
    cloud.run_workflow(&cloud.event_of(&cloud.object(key).await)).await;
    let row = cloud.status_row(id).await.unwrap();
    assert_eq!((&row["status"], &row["attempt"]), (&json!("completed"), &json!("1")), "{row}");
    assert!(row["upload"].is_object(), "the upload is still awaited: {row}");
}

#[tokio::test]
async fn an_earlier_plain_upload_does_not_end_a_presigned_one() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let file = files::file(&[record("T1")]);
    let (uploaded, _) = bank.upload_and_complete(&file).await;
    let created = bank.create_upload_again(&file).await.accepted();
    assert_eq!(created.text("file_id"), uploaded.text("file_id"));
    late_events_change_nothing(&cloud, uploaded.text("s3_key"), uploaded.text("file_id")).await;
    assert_eq!(put(&cloud, &created.body["upload"], &file).await.0, 200);
    let row = cloud.ended(uploaded.text("file_id"), 2).await;
    assert_eq!((&row["status"], &row["key"]), (&json!("completed"), &created.body["s3_key"]), "{row}");
}

impl Cloud {
    /// Makes a completed file one whose attempt failed.
    async fn fail(&self, file_id: &str) {
        let update = self.dynamodb().update_item().table_name(&self.stack.status_table);
        let update =
            update.key("file_id", AttributeValue::S(file_id.to_owned())).update_expression("SET #status = :failed");
        let update = update.expression_attribute_names("#status", "status");
        let failed = AttributeValue::S("processing_failed".to_owned());
        update.expression_attribute_values(":failed", failed).send().await.unwrap();
    }
}

/// The event says that the file is large; storing so many bytes would take too long. The file is redriven after a
/// failure.
#[tokio::test]
async fn a_large_file_takes_the_large_file_states() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let file = files::file(&[record("T1")]);
    let response = bank.create_upload(&file).await.accepted();
    assert_eq!(put(&cloud, &response.body["upload"], &file).await.0, 200);
    cloud.ended(response.text("file_id"), 1).await;
    let mut object = cloud.object(response.text("s3_key")).await;
    object.bytes = 32 * 1024 * 1024 + 1;
    let mut event = cloud.event_of(&object);
    event["redrive"] = json!(true);
    cloud.fail(response.text("file_id")).await;
    cloud.run_workflow(&event).await;
    let row = cloud.status_row(response.text("file_id")).await.unwrap();
    assert_eq!((&row["status"], &row["attempt"]), (&json!("completed"), &json!("2")), "{row}");
    assert_eq!(number(&row["rows_unchanged"]), 1, "{row}");
    // A file without a size takes the standard states, and does not fail.
    event["detail"]["object"].as_object_mut().unwrap().remove("size");
    cloud.run_workflow(&event).await;
}
