//! Repeated and concurrent deliveries: one effect, and a notification that can be recognized as a repeat.

use crate::support::cloud::{Cloud, now_ms, unique};
use crate::support::files::{self, digest, file_id, record};
use crate::support::upload::{COMPLETE_HISTORY, Uploader, number, statuses};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sfn::types::ExecutionStatus;
use domain::FileStatus;
use domain::limits::ATTEMPTS_MAX;
use futures::future::join_all;
use serde_json::{Value, json};
use std::collections::HashMap;

/// The notifications of a partner while `work` runs.
async fn notifications_during(bank: &Uploader<'_>, work: impl AsyncFnOnce()) -> Vec<String> {
    let subscriber = bank.cloud.subscribe(json!({"partner": [bank.partner]})).await;
    work().await;
    let mut ids: Vec<String> = vec![id_of(&subscriber.next().await.message)];
    ids.extend(subscriber.all().await.iter().map(|got| id_of(&got.message)));
    ids
}

fn id_of(message: &Value) -> String {
    message["notification_id"].as_str().unwrap().to_owned()
}

/// The row of a file without its timestamps of change, to compare before and after.
async fn effect(bank: &Uploader<'_>, file_id: &str, transaction_id: &str) -> (Value, Option<Value>) {
    (bank.cloud.status_row(file_id).await.unwrap(), bank.transaction(transaction_id).await)
}

#[tokio::test]
async fn a_repeated_upload_has_no_second_effect() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let file = files::file(&[record("T1"), record("T2")]);
    let ids = notifications_during(&bank, async || {
        let (first, _) = bank.upload_and_complete(&file).await;
        let before = effect(&bank, first.text("file_id"), "T1").await;
        let second = bank.upload(&file).await.accepted();
        assert_eq!(second.body["duplicate"], true);
        for same in ["file_id", "s3_key", "row_count", "totals", "status_path"] {
            assert_eq!(first.body[same], second.body[same], "{same}");
        }
        assert_eq!((second.text("status"), &second.body["superseded_by"]), ("completed", &json!([])));
        let versions = cloud.s3().list_object_versions().bucket(&cloud.stack.bucket).prefix(first.text("s3_key"));
        assert_eq!(versions.send().await.unwrap().versions.unwrap().len(), 1, "nothing was stored a second time");
        assert_eq!(effect(&bank, first.text("file_id"), "T1").await, before);
    })
    .await;
    assert_eq!(ids, [format!("{}-1-completed", file_id(&bank.partner, &file))]);
}

#[tokio::test]
async fn concurrent_uploads_of_one_file_have_one_effect() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let file = files::file(&[record("T1"), record("T2")]);
    let id = file_id(&bank.partner, &file);
    let mut ids = notifications_during(&bank, async || {
        let responses = join_all((0..5).map(|_| bank.upload(&file))).await;
        for response in &responses {
            assert_eq!((response.status, response.text("file_id")), (200, id.as_str()), "{}", response.body);
            assert_eq!(response.text("status_path"), responses[0].text("status_path"), "every link must work");
        }
        let status = cloud.follow(responses[0].text("status_path")).await;
        assert_eq!((status["status"].as_str(), status["attempt"].as_u64()), (Some("completed"), Some(1)), "{status}");
        assert_eq!(statuses(&status["history"]), COMPLETE_HISTORY, "each transition happens once");
        assert_eq!(number(&status["rows_stored"]) + number(&status["rows_unchanged"]), 2, "{status}");
        assert_eq!(bank.transaction("T1").await.unwrap()["file_id"], id);
    })
    .await;
    ids.dedup();
    assert_eq!(ids, [format!("{id}-1-completed")], "repeats have the same id");
}

#[tokio::test]
async fn concurrent_uploads_of_different_files_stay_separate() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let all: Vec<Vec<u8>> = (0..6).map(|number| files::file(&[record(&format!("T{number}"))])).collect();
    let responses = join_all(all.iter().map(|file| bank.upload(file))).await;
    for (number, (response, file)) in responses.into_iter().zip(&all).enumerate() {
        let response = response.accepted();
        assert_eq!(response.text("file_id"), file_id(&bank.partner, file));
        assert_eq!(cloud.ended(response.text("file_id"), 1).await["status"], "completed");
        let row = bank.transaction(&format!("T{number}")).await.unwrap();
        assert_eq!(row["file_id"], response.text("file_id"));
    }
}

#[tokio::test]
async fn a_redelivered_event_changes_nothing() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let file = files::file(&[record("T1")]);
    let ids = notifications_during(&bank, async || {
        let (response, _) = bank.upload_and_complete(&file).await;
        let before = effect(&bank, response.text("file_id"), "T1").await;
        let event = cloud.event_of(&cloud.object(response.text("s3_key")).await);
        for _ in 0..2 {
            cloud.run_workflow(&event).await;
            assert_eq!(effect(&bank, response.text("file_id"), "T1").await, before);
        }
    })
    .await;
    assert_eq!(ids.len(), 1, "a repeat after the end publishes nothing");
}

#[tokio::test]
async fn concurrent_executions_for_one_file_have_one_effect() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let records: Vec<String> = (0..200).map(|number| record(&format!("T{number}"))).collect();
    let file = files::file(&records);
    let id = file_id(&bank.partner, &file);
    let mut ids = notifications_during(&bank, async || {
        let response = bank.upload(&file).await.accepted();
        // The rule has started one execution by now; these run at the same time.
        let event = cloud.event_of(&cloud.object(response.text("s3_key")).await);
        let started = join_all((0..3).map(|_| cloud.start_workflow(&event))).await;
        for ended in join_all(started.iter().map(|arn| cloud.execution_ended(arn))).await {
            assert_eq!(ended.status, ExecutionStatus::Succeeded, "{ended:?}");
        }
        let row = cloud.ended(&id, 1).await;
        assert_eq!((row["status"].as_str(), row["attempt"].as_str()), (Some("completed"), Some("1")), "{row}");
        assert_eq!(statuses(&row["history"]), COMPLETE_HISTORY);
        for number in [0, 100, 199] {
            assert_eq!(bank.transaction(&format!("T{number}")).await.unwrap()["file_id"], id);
        }
    })
    .await;
    ids.dedup();
    assert_eq!(ids, [format!("{id}-1-completed")], "repeats have the same id");
}

#[tokio::test]
async fn an_event_may_arrive_before_the_api_has_responded() {
    let cloud = Cloud::open().await;
    // The API has begun the attempt, and has not yet recorded that the file is validated.
    let partner = format!("bank-{}", unique());
    let file = files::file(&[record("T1")]);
    let id = file_id(&partner, &file);
    assert_eq!(cloud.put_stored(&partner, &file, 1_768_471_200_123).await, id);
    let row = cloud.ended(&id, 1).await;
    assert_eq!(row["status"], "completed", "{row}");
    assert_eq!(statuses(&row["history"]), COMPLETE_HISTORY, "the workflow fills in what is missing");
    let stored = cloud.transaction(&partner, "T1").await.unwrap();
    assert_eq!(
        (stored["file_id"].as_str(), stored["received_at"].as_str()),
        (Some(id.as_str()), Some("1768471200123"))
    );
    let status = cloud.get(&format!("/files/{id}?token={}", row["token"].as_str().unwrap())).await.accepted();
    assert_eq!(status.body["status"], "completed");

    // The API's request ends last, with the same file: it returns the current status.
    let bank = cloud.partner_named(&partner, &cloud.stack.usage_plan_id).await;
    let response = bank.upload(&file).await.accepted();
    assert_eq!((&response.body["duplicate"], response.text("status")), (&json!(true), "completed"));
}

/// Writes the row of a file as if an attempt of it had this status.
async fn put_status(bank: &Uploader<'_>, file_id: &str, status: &str, attempt: u64) {
    let text = |value: &str| AttributeValue::S(value.to_owned());
    let number = |value: u64| AttributeValue::N(value.to_string());
    let entry = HashMap::from([
        ("status".to_owned(), text(status)),
        ("at".to_owned(), text("2026-01-15T10:00:00.000Z")),
        ("attempt".to_owned(), number(attempt)),
        ("message".to_owned(), text("written by a test")),
    ]);
    let rank = FileStatus::ALL.into_iter().find(|known| known.as_str() == status).unwrap().rank();
    let row = bank.cloud.dynamodb().put_item().table_name(&bank.cloud.stack.status_table);
    let row = row.item("file_id", text(file_id)).item("partner", text(&bank.partner)).item("status", text(status));
    let row = row.item("attempt", number(attempt)).item("rank", number(rank.into())).item("token", text("first-token"));
    let row = row.item("received_at", number(now_ms() - 1_000)).item("updated_at_ms", number(now_ms() - 1_000));
    let row = row.item("day", text("2026-01-15")).item("timestamp", text("2026-01-15T10:00:00.000Z"));
    row.item("history", AttributeValue::L(vec![AttributeValue::M(entry)])).send().await.unwrap();
}

#[tokio::test]
async fn a_file_is_not_processed_after_its_last_attempt() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let file = files::file(&[record("T1")]);
    put_status(&bank, &file_id(&bank.partner, &file), "processing_failed", u64::from(ATTEMPTS_MAX)).await;
    let response = bank.upload(&file).await;
    response.assert_rejected(409, "attempts_exhausted");
    assert_eq!(bank.transaction("T1").await, None);
}

#[tokio::test]
async fn the_next_upload_takes_over_from_a_handler_that_died() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let file = files::file(&[record("T1")]);
    let id = file_id(&bank.partner, &file);
    // The attempt has begun and nothing has followed: no object, no further status.
    put_status(&bank, &id, "validating", 1).await;
    let response = bank.upload(&file).await.accepted();
    assert_eq!((response.text("file_id"), &response.body["duplicate"]), (id.as_str(), &json!(false)));
    assert_eq!(response.text("status_path"), format!("/files/{id}?token=first-token"));
    let row = cloud.ended(&id, 1).await;
    assert_eq!((row["status"].as_str(), row["attempt"].as_str()), (Some("completed"), Some("1")), "{row}");
    assert_eq!(statuses(&row["history"]), COMPLETE_HISTORY);
}

#[tokio::test]
async fn rejects_objects_under_the_apis_prefix_from_others() {
    let cloud = Cloud::open().await;
    let partner = format!("bank-{}", unique());
    let file = files::file(&[record("T1")]);
    let metadata = |partner: &str, file: &[u8]| {
        [
            ("partner", partner.to_owned()),
            ("attempt", "1".to_owned()),
            ("received-at", "1768471200123".to_owned()),
            ("sha256", digest(file).as_str().to_owned()),
        ]
    };
    // The right name without metadata, and the metadata of another partner or file.
    let key = format!("validated/{}.csv", file_id(&partner, &file));
    cloud.put_object(&key, &file, &[]).await;
    cloud.failed_with(&key, "InvalidInput").await;
    // The metadata of an object prove nothing that the status table does not have.
    cloud.put_object(&key, &file, &metadata(&partner, &file)).await;
    cloud.failed_with(&key, "InvalidInput").await;
    // The row of another file.
    cloud.put_received(&partner, &file, 4_102_444_800_000).await;
    let other = files::file(&[record("T2")]);
    cloud.put_object(&key, &other, &metadata(&partner, &other)).await;
    cloud.failed_with(&key, "InvalidInput").await;
    let stray = format!("validated/{}.csv", unique());
    cloud.put_object(&stray, &file, &metadata(&partner, &file)).await;
    cloud.rejected_with(&stray, "UnknownPartner").await;
    assert_eq!(cloud.transaction(&partner, "T1").await, None);
    assert_eq!(cloud.transaction(&partner, "T2").await, None);
}
