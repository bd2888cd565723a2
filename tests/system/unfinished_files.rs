//! Unfinished files, whose event or step was lost: the hourly check that finds them, the notification, the log line,
//! and how a file leaves the list. These tests take turns on the `archive` stack, so that its rule may be disabled.

use crate::support::archiver::{Archive, Row, number, text};
use crate::support::cloud::{Cloud, eventually, now_ms};
use crate::support::files::{self, file_id, record};
use crate::support::template::{arn_of, template};
use crate::support::upload::{COMPLETE_HISTORY, statuses};
use crate::system::logs;
use crate::system::notification::Subscriber;
use crate::system::presigned_uploads;
use domain::files::unfinished::shard_of;
use domain::{FileStatus, Timestamp};
use serde_json::{Value, json};

const HOUR_MS: u64 = 60 * 60 * 1000;

/// The result of a check.
async fn run_check(cloud: &Cloud) -> Value {
    cloud.invoke("notification-sender", &json!({"step": "reconcile"})).await.unwrap()
}

/// A subscriber to the notifications of unfinished files of a partner.
async fn subscriber<'c>(cloud: &'c Cloud, partner: &str) -> Subscriber<'c> {
    cloud.subscribe(json!({"partner": [partner], "status": ["file_unfinished"]})).await
}

/// The `archive` stack with the rule of the file workflow disabled until the test ends. Its hourly check does not run,
/// so only the test runs checks.
pub(crate) async fn without_file_events() -> Archive {
    let archive = Archive::open().await;
    for rule in ["transaction-file-arrival", "transaction-hourly"] {
        archive.cloud.disable_rule(&format!("{rule}-{}", archive.cloud.stack.suffix), "default").await;
    }
    archive
}

impl Cloud {
    /// Sets the time since when a file is unfinished.
    pub(crate) async fn unfinished_for(&self, file_id: &str, milliseconds: u64) {
        let update = self.dynamodb().update_item().table_name(&self.stack.status_table).key("file_id", text(file_id));
        let update = update.update_expression("SET unfinished_since_ms = :since");
        let update = update.condition_expression("attribute_exists(unfinished)");
        update.expression_attribute_values(":since", number(now_ms() - milliseconds)).send().await.unwrap();
    }

    /// Stores a valid file whose status has not changed for two hours.
    pub(crate) async fn put_unfinished(&self, partner: &str, id: &str) {
        self.put_in_status(partner, id, FileStatus::Validated, 2 * HOUR_MS).await;
    }

    /// A row of the status table that has had a status for so long.
    async fn put_in_status(&self, partner: &str, id: &str, status: FileStatus, milliseconds: u64) {
        let since_ms = now_ms() - milliseconds;
        let mut row = Row::from([
            ("file_id".to_owned(), text(id)),
            ("partner".to_owned(), text(partner)),
            ("attempt".to_owned(), number(1)),
            ("status".to_owned(), text(status.as_str())),
            ("updated_at_ms".to_owned(), number(since_ms)),
            ("upload_key".to_owned(), text(&format!("incoming/{partner}/{id}.csv"))),
            ("unfinished".to_owned(), text(&shard_of(id))),
            ("unfinished_since_ms".to_owned(), number(since_ms)),
        ]);
        row.insert("history".to_owned(), aws_sdk_dynamodb::types::AttributeValue::L(Vec::new()));
        self.dynamodb().put_item().table_name(&self.stack.status_table).set_item(Some(row)).send().await.unwrap();
    }

    async fn is_listed(&self, file_id: &str) -> bool {
        let row = self.status_row(file_id).await.unwrap();
        assert_eq!(row["unfinished"].is_null(), row["unfinished_since_ms"].is_null(), "{row}");
        !row["unfinished"].is_null()
    }
}

#[tokio::test]
async fn reports_a_file_with_a_lost_event_every_hour_until_it_is_done() {
    let archive = without_file_events().await;
    let cloud = &archive.cloud;
    let bank = cloud.partner().await;
    let notifications = subscriber(cloud, &bank.partner).await;
    let response = bank.upload(&files::file(&[record("T1")])).await.accepted();
    let id = response.text("file_id");
    run_check(cloud).await;
    assert_eq!(notifications.all().await.len(), 0, "it is recent");
    cloud.unfinished_for(id, HOUR_MS - 60_000).await;
    run_check(cloud).await;
    assert_eq!(notifications.all().await.len(), 0, "it is not yet an hour");
    cloud.unfinished_for(id, HOUR_MS + 1).await;
    for _ in 0..2 {
        let found = run_check(cloud).await;
        assert!(found["unfinished"].as_u64().unwrap() >= 1 && found["more"] == false, "{found}");
        let message = notifications.next().await.message;
        let expected = json!({
            "notification_id": format!("{id}-1-file_unfinished"), "file_id": id, "partner": bank.partner, "attempt": 1,
            "status": "file_unfinished", "file_status": "validated", "since": message["since"],
            "timestamp": message["timestamp"], "environment": cloud.stack.suffix,
        });
        assert_eq!(message, expected);
        for time in ["since", "timestamp"] {
            assert!(Timestamp::parse(message[time].as_str().unwrap().as_bytes()).is_ok(), "{message}");
        }
    }
    let line = eventually("the log lines of the check", async || {
        let lines = logs::lines_of(cloud, "notification-sender").await;
        let lines: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap_or_default()).collect();
        let counted = |line: &Value| line["event"] == "files_unfinished" && line["unfinished"].as_u64() >= Some(1);
        let counted = lines.iter().any(counted);
        lines.into_iter().find(|line| line["event"] == "file_unfinished" && line["file_id"] == id).filter(|_| counted)
    })
    .await;
    assert_eq!((&line["level"], &line["partner"]), (&json!("ERROR"), &json!(bank.partner)), "{line}");

    // As the runbook says.
    let object = cloud.object(response.text("s3_key")).await;
    let object = json!({"key": object.key, "size": object.bytes, "version-id": object.version_id});
    let bucket = json!({"name": cloud.stack.bucket});
    cloud.run_workflow(&json!({"detail": {"bucket": bucket, "object": object}, "redrive": true})).await;
    let row = cloud.status_row(id).await.unwrap();
    assert_eq!(statuses(&row["history"]), COMPLETE_HISTORY);
    assert!(!cloud.is_listed(id).await, "{row}");
    run_check(cloud).await;
    assert_eq!(notifications.all().await.len(), 0, "it is completed");
}

#[tokio::test]
async fn reports_or_expires_an_unfinished_presigned_upload() {
    let archive = without_file_events().await;
    let cloud = &archive.cloud;
    let bank = cloud.partner().await;
    let notifications = subscriber(cloud, &bank.partner).await;
    let [sent, unsent] = ["T1", "T2"].map(|id| files::file(&[record(id)]));
    let [sent_id, unsent_id] = [&sent, &unsent].map(|file| file_id(&bank.partner, file));
    let response = bank.create_upload(&sent).await.accepted();
    bank.create_upload(&unsent).await.accepted();
    assert_eq!(presigned_uploads::put(cloud, &response.body["upload"], &sent).await.0, 200);
    for id in [&sent_id, &unsent_id] {
        let row = cloud.status_row(id).await.unwrap();
        assert_eq!(row["unfinished_since_ms"], row["upload"]["expires_at_ms"], "the upload has not expired: {row}");
        cloud.unfinished_for(id, 2 * HOUR_MS).await;
    }
    run_check(cloud).await;
    let message = notifications.next().await.message;
    assert_eq!(
        (&message["file_id"], &message["file_status"]),
        (&json!(sent_id), &json!("awaiting_upload")),
        "{message}"
    );
    assert_eq!(notifications.all().await.len(), 0, "the other file was not put");
    assert!(cloud.is_listed(&unsent_id).await, "it may still arrive");

    for id in [&sent_id, &unsent_id] {
        cloud.unfinished_for(id, 5 * HOUR_MS).await;
    }
    assert_eq!(run_check(cloud).await["given_up"], 1);
    assert_eq!(notifications.next().await.message["file_id"], json!(sent_id));
    assert!(cloud.is_listed(&sent_id).await && !cloud.is_listed(&unsent_id).await);
    assert_eq!(run_check(cloud).await["given_up"], 0);
    assert_eq!(cloud.status_row(&unsent_id).await.unwrap()["status"], "awaiting_upload", "its status does not change");
    let row = cloud.status_row(&unsent_id).await.unwrap();
    assert!(row["upload"].is_null(), "the upload has ended: {row}");
    let path = format!("/files/{unsent_id}?token={}", row["token"].as_str().unwrap());
    assert_eq!(cloud.get(&path).await.accepted().body["status"], "upload_expired");
    // A new upload of it is awaited again.
    bank.create_upload(&unsent).await.accepted();
    assert!(cloud.is_listed(&unsent_id).await);
}

#[tokio::test]
async fn an_earlier_attempts_object_does_not_count_for_a_new_upload() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let notifications = subscriber(&cloud, &bank.partner).await;
    let file = files::file(&[record("T1")]);
    let response = bank.create_upload(&file).await.accepted();
    let put_at_ms = now_ms();
    assert_eq!(presigned_uploads::put(&cloud, &response.body["upload"], &file).await.0, 200);
    let id = response.text("file_id");
    cloud.ended(id, 1).await;
    // S3 gives times in whole seconds.
    eventually("the next second", async || (now_ms() / 1000 > put_at_ms / 1000 + 1).then_some(())).await;
    assert_eq!(bank.create_upload_again(&file).await.accepted().text("status"), "completed");
    assert!(cloud.is_listed(id).await, "its upload is awaited");
    cloud.unfinished_for(id, 2 * HOUR_MS).await;
    run_check(&cloud).await;
    assert_eq!(notifications.all().await.len(), 0);
}

/// A file in each status, with and without an object.
#[tokio::test]
async fn reports_only_received_files_without_a_final_status() {
    let archive = without_file_events().await;
    let cloud = &archive.cloud;
    for status in FileStatus::ALL {
        for has_bytes in [true, false] {
            let bank = cloud.partner().await;
            let notifications = subscriber(cloud, &bank.partner).await;
            let file = files::file(&[record("T1")]);
            let id = file_id(&bank.partner, &file);
            cloud.put_in_status(&bank.partner, &id, status, 2 * HOUR_MS).await;
            if has_bytes {
                cloud.put_object(&format!("incoming/{}/{id}.csv", bank.partner), &file, &[]).await;
            }
            run_check(cloud).await;
            let before_its_bytes = [FileStatus::AwaitingUpload, FileStatus::Validating].contains(&status);
            let is_reported = !status.is_final() && (has_bytes || !before_its_bytes);
            let received: Vec<Value> = notifications.all().await.into_iter().map(|received| received.message).collect();
            assert_eq!(received.len(), usize::from(is_reported), "{status:?}, {has_bytes}: {received:?}");
            assert!(received.iter().all(|message| message["file_status"] == status.as_str()), "{received:?}");
            // The next rounds use their own subscriber.
            let row = cloud.dynamodb().delete_item().table_name(&cloud.stack.status_table).key("file_id", text(&id));
            row.send().await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_file_in_a_final_status_is_not_listed_as_unfinished() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let (good, _) = bank.upload_and_complete(&files::file(&[record("T1")])).await;
    let bad = bank.upload(&files::file(&[record("T1").replace("USD", "usd")])).await;
    assert_eq!(bad.status, 400);
    for response in [&good, &bad] {
        assert!(!cloud.is_listed(response.text("file_id")).await, "{}", response.body);
    }
    // A new attempt is listed until it reaches a final status, too.
    let again = bank.upload_again(&files::file(&[record("T1")])).await.accepted();
    assert_eq!(cloud.ended(again.text("file_id"), 2).await["status"], "completed");
    assert!(!cloud.is_listed(again.text("file_id")).await);
}

#[test]
fn both_systems_check_hourly_and_keep_failed_checks() {
    let template = template();
    let rule = &template["Resources"]["HourlyRule"]["Properties"];
    assert_eq!((&rule["ScheduleExpression"], &rule["State"]), (&json!("cron(30 * * * ? *)"), &json!("ENABLED")));
    let targets = rule["Targets"].as_array().unwrap();
    let expected = [
        ("NotificationSenderFunction", r#"{"step":"reconcile"}"#, "DeadLetterQueue"),
        ("TransactionArchivalFunction", r#"{"task":"reconcile"}"#, "PaymentDeadLetterQueue"),
    ];
    assert_eq!(targets.len(), expected.len());
    for (target, (function, input, queue)) in targets.iter().zip(expected) {
        assert_eq!((&target["Arn"], &target["Input"]), (&arn_of(function), &json!(input)));
        assert_eq!(target["DeadLetterConfig"]["Arn"], arn_of(queue));
    }
    for (metric, alarm, group) in [
        ("FilesUnfinishedMetric", "UnfinishedFilesAlarm", "NotificationSenderLogGroup"),
        ("PaymentsUnfinishedMetric", "UnfinishedPaymentsAlarm", "TransactionArchivalLogGroup"),
    ] {
        let metric = &template["Resources"][metric]["Properties"];
        let alarm = &template["Resources"][alarm]["Properties"];
        let transformation = &metric["MetricTransformations"][0];
        assert_eq!(alarm["MetricName"], transformation["MetricName"]);
        assert_eq!(alarm["Namespace"], transformation["MetricNamespace"]);
        assert_eq!(transformation["MetricValue"], "$.unfinished");
        assert_eq!(metric["LogGroupName"], json!({"Ref": group}));
        // Two hours, so that a message survives until the next check even if that is late.
        assert_eq!((&alarm["Period"], &alarm["EvaluationPeriods"]), (&json!(3600), &json!(2)));
    }
}
