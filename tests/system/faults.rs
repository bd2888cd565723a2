//! A store that fails permanently or for a while. These tests have a stack to themselves and take turns on it.

use crate::simulators::failing_services::{BUCKET, Fault, FaultyStore, TOPIC};
use crate::support::cloud::{Cloud, eventually, now_ms};
use crate::support::files::{self, decimal, record, record_of};
use crate::support::template::{definition, states};
use crate::support::upload::{ApiResponse, COMPLETE_HISTORY, Uploader, number, statuses};
use crate::support::workflow::task_of;
use crate::system::presigned_uploads;
use crate::system::unfinished_files::without_file_events;
use futures::lock::Mutex;
use serde_json::json;
use std::sync::LazyLock;

pub(crate) static TURN: LazyLock<Mutex<()>> = LazyLock::new(Mutex::default);

/// Uploads a file whose rows the store always rejects, until the file has failed; then the store works again.
async fn upload_that_fails(bank: &Uploader<'_>, file: &[u8]) -> ApiResponse {
    let store = FaultyStore::open(bank.cloud).await;
    store.serve_function(bank.cloud, "data-transformer").await;
    store.fail(Fault::Always("PutItem"));
    let response = bank.upload(file).await.accepted();
    bank.cloud.failed_with(response.text("s3_key"), "StoreUnavailable").await;
    store.fail(Fault::None);
    response
}

#[tokio::test]
async fn a_permanent_store_failure_affects_one_file_alone() {
    let _turn = TURN.lock().await;
    let cloud = Cloud::of_stack("faults").await;
    let store = FaultyStore::open(&cloud).await;
    store.serve_function(&cloud, "data-transformer").await;
    let retriers = states(&definition())["ProcessRange"]["Retry"].clone();
    let tries = 1 + usize::try_from(retriers[0]["MaxAttempts"].as_u64().unwrap()).unwrap();
    for operation in ["PutItem", "UpdateItem"] {
        let bank = cloud.partner().await;
        let subscriber = cloud.subscribe(json!({"partner": [bank.partner]})).await;
        store.fail(Fault::Always(operation));
        let file = files::file(&[record("T1")]);
        let response = bank.upload(&file).await.accepted();
        let (key, id) = (response.text("s3_key"), response.text("file_id"));
        let dead_letter = cloud.failed_with(key, "StoreUnavailable").await;
        let (made, failed) = store.call_counts();
        assert_eq!((made, failed), (tries, tries), "each of the workflow's tries makes one call of the store");
        let row = cloud.status_row(id).await.unwrap();
        assert_eq!(row["status"], "processing_failed", "{row}");
        let reached = if operation == "PutItem" { &COMPLETE_HISTORY[..3] } else { &COMPLETE_HISTORY[..2] };
        assert_eq!(statuses(&row["history"]), [reached, &["processing_failed"]].concat());
        assert_eq!(bank.transaction("T1").await, None);
        let received = subscriber.next().await.message;
        assert_eq!((&received["status"], &received["attempt"]), (&json!("processing_failed"), &json!(1)), "{received}");
        assert_eq!(received["notification_id"], format!("{id}-1-processing_failed"));
        let status = cloud.get(response.text("status_path")).await.accepted().body;
        assert_eq!(status["status"], "processing_failed");

        store.fail(Fault::None);
        bank.upload_and_complete(&files::file(&[record("T2")])).await;
        // The failed file is redriven by its dead letter as an operator would do it, which is a new attempt.
        let mut redrive = dead_letter["input"].clone();
        cloud.run_workflow(&redrive).await;
        assert_eq!(cloud.status_row(id).await.unwrap()["attempt"], "1", "a repeat of the event is no new attempt");
        redrive["redrive"] = json!(true);
        cloud.run_workflow(&redrive).await;
        let row = cloud.status_row(id).await.unwrap();
        assert_eq!((row["status"].as_str(), row["attempt"].as_str()), (Some("completed"), Some("2")), "{row}");
        assert_eq!(decimal(bank.transaction("T1").await.unwrap()["amount"].as_str().unwrap()), "12.34");
    }
}

#[tokio::test]
async fn a_failed_file_may_be_uploaded_again() {
    let _turn = TURN.lock().await;
    let cloud = Cloud::of_stack("faults").await;
    let bank = cloud.partner().await;
    let file = files::file(&[record("T1")]);
    let first = upload_that_fails(&bank, &file).await;
    let second = bank.upload(&file).await.accepted();
    assert_eq!((second.text("file_id"), &second.body["duplicate"]), (first.text("file_id"), &json!(false)));
    let row = cloud.ended(first.text("file_id"), 2).await;
    assert_eq!(row["status"], "completed", "{row}");
    let whole_story = [&COMPLETE_HISTORY[..3], &["processing_failed"], &COMPLETE_HISTORY[..]].concat();
    assert_eq!(statuses(&row["history"]), whole_story);
}

#[tokio::test]
async fn a_file_that_was_not_stored_is_accepted_when_resent() {
    let _turn = TURN.lock().await;
    let cloud = Cloud::of_stack("faults").await;
    let bank = cloud.partner().await;
    let bucket = FaultyStore::open(&cloud).await;
    bucket.serve_function_as(&cloud, "csv-validator", BUCKET).await;
    let file = files::file(&[record("T1")]);
    bucket.fail(Fault::Always("PUT"));
    let rejected = bank.upload(&file).await;
    assert_eq!((rejected.status, rejected.text("error")), (503, "service_unavailable"), "{}", rejected.body);
    bucket.fail(Fault::None);
    let (_, row) = bank.upload_and_complete(&file).await;
    assert_eq!(row["rows_stored"], "1", "{row}");
}

/// What a rejection needs is kept until it is recorded: a validation that failed in between is repeated with the same
/// control totals.
#[tokio::test]
async fn a_redriven_rejection_keeps_its_control_totals() {
    let _turn = TURN.lock().await;
    let cloud = Cloud::of_stack("faults").await;
    let bank = cloud.partner().await;
    let bucket = FaultyStore::open(&cloud).await;
    bucket.serve_function_as(&cloud, "csv-validator", BUCKET).await;
    let file = files::file(&[record("T1")]);
    let created = bank.create_upload_expecting("/uploads", &file, 2, json!({"USD": "12.34"})).await.accepted();
    bucket.fail(Fault::Always("PUT"));
    // The URL of the upload leads to what fails.
    cloud.put_object(created.text("s3_key"), &file, &[]).await;
    let mut redrive = cloud.failed_with(created.text("s3_key"), "StoreUnavailable").await["input"].clone();
    bucket.fail(Fault::None);
    redrive["redrive"] = json!(true);
    cloud.run_workflow(&redrive).await;
    let row = cloud.status_row(created.text("file_id")).await.unwrap();
    assert_eq!((&row["status"], &row["error_count"]), (&json!("validation_failed"), &json!("1")), "{row}");
    assert_eq!((&row["rejected_totals"]["rows"], row["upload"].is_null()), (&json!("2"), true), "{row}");
    assert_eq!(bank.transaction("T1").await, None);
}

#[tokio::test]
async fn a_retried_file_does_not_replace_a_later_one() {
    let _turn = TURN.lock().await;
    let cloud = Cloud::of_stack("faults").await;
    let bank = cloud.partner().await;
    let file = files::file(&[record_of("T1", "1.00"), record_of("T2", "1.00")]);
    let first = upload_that_fails(&bank, &file).await;
    let (between, _) = bank.upload_and_complete(&files::file(&[record_of("T1", "2.00")])).await;
    bank.upload(&file).await.accepted();
    let row = cloud.ended(first.text("file_id"), 2).await;
    assert_eq!((row["rows_stored"].as_str(), row["rows_superseded"].as_str()), (Some("1"), Some("1")), "{row}");
    assert_eq!(row["superseded_by"], json!([between.text("file_id")]));
    for (id, amount) in [("T1", "2"), ("T2", "1")] {
        assert_eq!(decimal(bank.transaction(id).await.unwrap()["amount"].as_str().unwrap()), amount, "{id}");
    }
}

#[tokio::test]
async fn a_transient_store_failure_is_retried() {
    let _turn = TURN.lock().await;
    let cloud = Cloud::of_stack("faults").await;
    let bank = cloud.partner().await;
    let store = FaultyStore::open(&cloud).await;
    store.serve_function(&cloud, "data-transformer").await;
    store.fail(Fault::FirstCall("PutItem"));
    let subscriber = cloud.subscribe(json!({"partner": [bank.partner]})).await;
    let records: Vec<String> = (1..=5).map(|number| record(&format!("T{number}"))).collect();
    let (_, row) = bank.upload_and_complete(&files::file(&records)).await;
    let (made, failed) = store.call_counts();
    assert_eq!(failed, 1, "one call failed, and with it the first try of the range");
    assert!(made > 5, "the range was written a second time: {made} calls");
    assert_eq!(statuses(&row["history"]), COMPLETE_HISTORY);
    assert_eq!(number(&row["rows_stored"]) + number(&row["rows_unchanged"]), 5, "{row}");
    for number in 1..=5 {
        assert!(bank.transaction(&format!("T{number}")).await.is_some(), "T{number}");
    }
    assert_eq!(subscriber.next().await.message["status"], "completed");
    assert!(subscriber.all().await.is_empty());
}

#[tokio::test]
async fn a_transient_topic_failure_is_retried() {
    let _turn = TURN.lock().await;
    let cloud = Cloud::of_stack("faults").await;
    let bank = cloud.partner().await;
    let topic = FaultyStore::open(&cloud).await;
    topic.serve_function_as(&cloud, "notification-sender", TOPIC).await;
    topic.fail(Fault::FirstCall("POST"));
    let subscriber = cloud.subscribe(json!({"partner": [bank.partner]})).await;
    let (_, row) = bank.upload_and_complete(&files::file(&[record("T1")])).await;
    assert_eq!(topic.call_counts(), (2, 1), "the workflow has tried twice");
    assert_eq!(statuses(&row["history"]), COMPLETE_HISTORY);
    assert_eq!(subscriber.next().await.message["status"], "completed");
}

#[tokio::test]
async fn a_throttled_table_is_retried() {
    let _turn = TURN.lock().await;
    let cloud = Cloud::of_stack("faults").await;
    let bank = cloud.partner().await;
    let store = FaultyStore::open(&cloud).await;
    store.serve_function(&cloud, "data-transformer").await;
    store.fail(Fault::Throttled("PutItem", 60));
    let records: Vec<String> = (1..=20).map(|number| record(&format!("T{number}"))).collect();
    let (_, row) = bank.upload_and_complete(&files::file(&records)).await;
    let (made, failed) = store.call_counts();
    assert_eq!((made, failed), (80, 60), "only the rejected writes are repeated");
    assert_eq!((row["rows_stored"].as_str(), row["attempt"].as_str()), (Some("20"), Some("1")), "{row}");
    assert_eq!(statuses(&row["history"]), COMPLETE_HISTORY);
}

#[tokio::test]
async fn a_range_throttled_past_its_time_limit_fails_by_name() {
    let _turn = TURN.lock().await;
    let cloud = Cloud::of_stack("faults").await;
    let bank = cloud.partner().await;
    let store = FaultyStore::open(&cloud).await;
    store.serve_function(&cloud, "data-transformer").await;
    let file = files::file(&[record("T1"), record("T2")]);
    let (_, row) = bank.upload_and_complete(&file).await;
    store.fail(Fault::Throttled("PutItem", usize::MAX));
    let range = json!({"index": 0, "start": number(&row["ranges"][0]["start"]), "end": file.len(),
        "first_record": 1, "first_line": 2});
    let task = json!({"file": task_of(&row), "range": range, "seconds_max": 2});
    let error = cloud.invoke("data-transformer", &task).await.unwrap_err();
    assert_eq!(error["errorType"], "StoreUnavailable", "{error}");
    let cause = error["errorMessage"].as_str().unwrap();
    for part in ["0 rows", "IndexWriteKeyRangeThroughputExceeded", "TransactionsWarmWrites"] {
        assert!(cause.contains(part), "{part} is not in: {cause}");
    }
    let (made, _) = store.call_counts();
    assert!((4..60).contains(&made), "the waits between the tries grow: {made}");
    store.fail(Fault::None);
}

/// A URL may be used twice, and each version of the object has its own time.
#[tokio::test]
async fn concurrent_versions_share_one_position_in_arrival_order() {
    let archive = without_file_events().await;
    let cloud = &archive.cloud;
    let bank = cloud.partner().await;
    let file = files::file(&[record("T1")]);
    let response = bank.create_upload(&file).await.accepted();
    let put = async || {
        assert_eq!(presigned_uploads::put(cloud, &response.body["upload"], &file).await.0, 200);
        cloud.object(response.text("s3_key")).await
    };
    let first = put().await;
    // The bucket's times are in whole seconds.
    let written_ms = now_ms();
    eventually("the next second", async || (now_ms() / 1000 > written_ms / 1000).then_some(())).await;
    let second = put().await;

    let store = FaultyStore::open(cloud).await;
    store.serve_function(cloud, "csv-validator").await;
    store.fail(Fault::Held("UpdateItem"));
    let step = |object| json!({"step": "validate", "event": cloud.event_of(object), "execution": "by hand"});
    let (of_second, of_first) = (step(&second), step(&first));
    let slow = cloud.invoke("csv-validator", &of_second);
    let fast = async {
        // The other process has read that there is no status of the file, and is held before it begins.
        store.called().await;
        let done = cloud.invoke("csv-validator", &of_first).await;
        store.fail(Fault::None);
        done
    };
    let (slow, fast) = futures::future::join(slow, fast).await;
    let (slow, fast) = (slow.unwrap(), fast.unwrap());
    let row = cloud.status_row(response.text("file_id")).await.unwrap();
    assert_eq!(fast["file"]["received_at_ms"], number(&row["received_at"]), "{fast}");
    assert_eq!(slow["file"]["received_at_ms"], fast["file"]["received_at_ms"], "the file has one sequence: {slow}");
    assert_ne!(slow["file"]["version_id"], fast["file"]["version_id"]);
}
