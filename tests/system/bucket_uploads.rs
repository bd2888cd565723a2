//! Files put straight into the bucket: validated in full, and rejected without a dead letter if invalid.

use crate::support::cloud::{Cloud, unique};
use crate::support::files::{self, decimal, file_id, record};
use crate::support::upload::{COMPLETE_HISTORY, statuses};
use crate::support::workflow::ObjectVersion;
use aws_sdk_sfn::types::ExecutionStatus;
use serde_json::json;

#[tokio::test]
async fn a_valid_file_is_processed_like_an_upload() {
    let cloud = Cloud::open().await;
    let partner = cloud.stack.bucket_partners[0].as_str();
    let id = unique();
    let file = files::file(&[record(&id)]);
    // A name that a URL has to escape.
    let key = format!("incoming/{partner}/2026/Tag 1 & ü+{id}.csv");
    let object = cloud.put_object(&key, &file, &[]).await;
    let file_id = file_id(partner, &file);
    let row = cloud.ended(&file_id, 1).await;
    assert_eq!((row["status"].as_str(), row["key"].as_str()), (Some("completed"), Some(key.as_str())), "{row}");
    assert_eq!(
        (row["partner"].as_str(), row["version_id"].as_str()),
        (Some(partner), Some(object.version_id.as_str()))
    );
    assert_eq!(statuses(&row["history"]), COMPLETE_HISTORY);
    let stored = cloud.transaction(partner, &id).await.unwrap();
    assert_eq!(decimal(stored["amount"].as_str().unwrap()), "12.34");
    assert_eq!(stored["file_id"], file_id);

    // From either source it is the same file.
    cloud.put_object(&format!("incoming/{partner}/{id}-again.csv"), &file, &[]).await;
    let bank = cloud.partner_named(partner, &cloud.stack.usage_plan_id).await;
    let response = bank.upload(&file).await.accepted();
    assert_eq!((response.text("file_id"), &response.body["duplicate"]), (file_id.as_str(), &json!(true)));
}

#[tokio::test]
async fn each_version_of_an_object_is_a_separate_file() {
    let cloud = Cloud::open().await;
    let partner = cloud.stack.bucket_partners[1].as_str();
    let (key, ids) = (format!("incoming/{partner}/{}.csv", unique()), [unique(), unique(), unique()]);
    let versions = ids.each_ref().map(|id| files::file(&[record(id)]));
    for file in &versions {
        cloud.put_object(&key, file, &[]).await;
    }
    for (id, file) in ids.iter().zip(&versions) {
        assert_eq!(cloud.ended(&file_id(partner, file), 1).await["status"], "completed");
        assert_eq!(cloud.transaction(partner, id).await.unwrap()["file_id"], file_id(partner, file));
    }
}

#[tokio::test]
async fn an_invalid_file_gets_a_report_and_no_dead_letter() {
    let cloud = Cloud::open().await;
    let partner = cloud.stack.bucket_partners[0].as_str();
    let subscriber = cloud.subscribe(json!({"partner": [partner], "status": ["validation_failed"]})).await;
    let (good, bad) = (unique(), unique());
    let file = files::file(&[record(&good), record(&bad).replace("USD", "usd"), record(&bad).replace("12.34", "NaN")]);
    let key = format!("incoming/{partner}/{bad}.csv");
    let object = cloud.put_object(&key, &file, &[]).await;
    let ended = cloud.rejected_with(&key, "InvalidCsv").await;
    assert_eq!(ended["input"]["detail"]["object"]["version-id"], object.version_id, "{ended}");
    let id = file_id(partner, &file);
    let row = cloud.status_row(&id).await.unwrap();
    assert_eq!((row["status"].as_str(), row["error_count"].as_str()), (Some("validation_failed"), Some("3")), "{row}");
    assert_eq!(statuses(&row["history"]), ["validating", "validation_failed"]);
    for id in [good, bad] {
        assert_eq!(cloud.transaction(partner, &id).await, None, "no row of an invalid file is stored");
    }
    let status = cloud.get(&format!("/files/{id}?token={}", row["token"].as_str().unwrap())).await.accepted().body;
    let report = cloud.http.get(status["report_url"].as_str().unwrap()).send().await.unwrap().text().await.unwrap();
    for (line, code) in report.lines().skip(1).zip(["currency_unknown", "transaction_id_duplicate", "amount_malformed"])
    {
        assert!(line.contains(code), "{report}");
    }
    assert_eq!(report.lines().count(), 4, "{report}");
    loop {
        let got = subscriber.next().await.message;
        if got["file_id"] == id.as_str() {
            assert_eq!(got["notification_id"], format!("{id}-1-validation_failed"));
            break;
        }
    }
}

#[tokio::test]
async fn a_rejected_file_put_again_is_rejected_again() {
    let cloud = Cloud::open().await;
    let partner = cloud.stack.bucket_partners[0].as_str();
    let file = files::file(&[record(&unique()).replace("USD", "usd")]);
    let (key, id) = (format!("incoming/{partner}/{}.csv", unique()), file_id(partner, &file));
    let object = cloud.put_object(&key, &file, &[]).await;
    cloud.rejected_with(&key, "InvalidCsv").await;

    // The same event again is a repeat. A rejection that follows a rejection is no new attempt, however often it is
    // repeated.
    cloud.run_workflow(&cloud.event_of(&object)).await;
    assert_eq!(cloud.status_row(&id).await.unwrap()["attempt"], "1");
    let mut redrive = cloud.event_of(&object);
    redrive["redrive"] = json!(true);
    cloud.run_workflow(&redrive).await;
    let again = cloud.put_object(&key, &file, &[]).await;
    cloud.run_workflow(&cloud.event_of(&again)).await;
    let row = cloud.status_row(&id).await.unwrap();
    assert_eq!((&row["attempt"], &row["version_id"]), (&json!("1"), &json!(again.version_id)));
    assert_eq!(statuses(&row["history"]), ["validating", "validation_failed"]);
}

#[tokio::test]
async fn rejects_an_unknown_partner() {
    let cloud = Cloud::open().await;
    let id = unique();
    let file = files::file(&[record(&id)]);
    for key in [
        format!("incoming/{id}/day.csv"),
        format!("incoming/{}{id}/day.csv", cloud.stack.bucket_partners[0]),
        format!("incoming/{}/day.csv", cloud.stack.bucket_partners[0].to_uppercase() + &id),
        format!("incoming/{id}.csv"),
    ] {
        cloud.put_object(&key, &file, &[]).await;
        cloud.rejected_with(&key, "UnknownPartner").await;
    }
    for partner in [id.as_str(), &cloud.stack.bucket_partners[0]] {
        assert_eq!(cloud.transaction(partner, &id).await, None);
    }
    assert_eq!(cloud.status_row(&file_id(&id, &file)).await, None);
}

#[tokio::test]
async fn two_partners_may_put_the_same_file() {
    let cloud = Cloud::open().await;
    let id = unique();
    let file = files::file(&[record(&id)]);
    for partner in &cloud.stack.bucket_partners {
        cloud.put_object(&format!("incoming/{partner}/{id}.csv"), &file, &[]).await;
    }
    for partner in &cloud.stack.bucket_partners {
        assert_eq!(cloud.ended(&file_id(partner, &file), 1).await["status"], "completed");
        assert_eq!(cloud.transaction(partner, &id).await.unwrap()["file_id"], file_id(partner, &file));
    }
}

#[tokio::test]
async fn objects_under_other_prefixes_start_no_workflow() {
    let cloud = Cloud::open().await;
    let partner = cloud.stack.bucket_partners[0].as_str();
    let id = unique();
    let file = files::file(&[record(&id)]);
    for key in [
        format!("rejected/{id}.csv"),
        format!("reports/{id}.csv"),
        format!("other/incoming/{partner}/{id}.csv"),
        format!("incoming-{partner}/{id}.csv"),
        format!("{id}.csv"),
    ] {
        cloud.put_object(&key, &file, &[]).await;
    }
    // A file that does start a workflow shows when the bucket's events have been handled.
    let witness = files::file(&[record(&unique())]);
    cloud.put_object(&format!("incoming/{partner}/{}.csv", unique()), &witness, &[]).await;
    cloud.ended(&file_id(partner, &witness), 1).await;
    assert_eq!(cloud.status_row(&file_id(partner, &file)).await, None);
    assert_eq!(cloud.executions_about(&id).await, 0, "an object outside the two prefixes started something");
}

#[tokio::test]
async fn rejects_a_too_large_object_without_reading_it() {
    let cloud = Cloud::open().await;
    let partner = cloud.stack.bucket_partners[1].as_str();
    // The size is that of the event: storing so many bytes would take too long.
    let key = format!("incoming/{partner}/{}.csv", unique());
    let object = ObjectVersion { key, version_id: "never read".to_owned(), bytes: 1024 * 1024 * 1024 + 1 };
    let arn = cloud.start_workflow(&cloud.event_of(&object)).await;
    assert_eq!(cloud.execution_ended(&arn).await.status, ExecutionStatus::Succeeded);
    let ended = cloud.rejected_with(&object.key, "FileTooLarge").await;
    assert!(
        ended["output"]["validation"]["rejection"]["cause"].as_str().unwrap().contains("Split the file"),
        "{ended}"
    );
}
