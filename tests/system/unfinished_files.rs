//! Files that were taken in and have no end, because something on their way was lost: the look that finds them every hour,
//! the message, the log line, and how one leaves the list. The stack of the archive is one test's at a time, so that its rule
//! may be switched off.

use crate::support::archiver::{Archive, Row, number, text};
use crate::support::cloud::{Cloud, eventually, now_ms};
use crate::support::files::{self, file_id, record};
use crate::support::template::{arn_of, template};
use crate::support::upload::{WHOLE_WAY, statuses};
use crate::system::logs;
use crate::system::notification::Subscriber;
use crate::system::presigned_uploads;
use domain::files::unfinished::shard_of;
use domain::{FileStatus, Timestamp};
use serde_json::{Value, json};

const HOUR_MS: u64 = 60 * 60 * 1000;

/// What a look finds.
async fn look(cloud: &Cloud) -> Value {
    cloud.invoke("notification-sender", &json!({"step": "reconcile"})).await.unwrap()
}

/// Who is told of unfinished files of a partner.
async fn subscriber<'c>(cloud: &'c Cloud, partner: &str) -> Subscriber<'c> {
    cloud.subscribe(json!({"partner": [partner], "status": ["file_unfinished"]})).await
}

/// The stack of the archive, on which nothing starts the workflow of files until the test ends. No hour comes either, so
/// that nobody looks but the test.
pub(crate) async fn without_file_events() -> Archive {
    let archive = Archive::open().await;
    for rule in ["transaction-file-arrival", "transaction-hourly"] {
        archive.cloud.switch_off(&format!("{rule}-{}", archive.cloud.stack.suffix), "default").await;
    }
    archive
}

impl Cloud {
    /// Makes a file one that is unfinished for so long.
    pub(crate) async fn unfinished_for(&self, file_id: &str, milliseconds: u64) {
        let update = self.dynamodb().update_item().table_name(&self.stack.status_table).key("file_id", text(file_id));
        let update = update.update_expression("SET unfinished_since_ms = :since");
        let update = update.condition_expression("attribute_exists(unfinished)");
        update.expression_attribute_values(":since", number(now_ms() - milliseconds)).send().await.unwrap();
    }

    /// A valid file in the table of which nothing has been heard for two hours.
    pub(crate) async fn put_unfinished(&self, partner: &str, id: &str) {
        self.put_standing(partner, id, FileStatus::Validated, 2 * HOUR_MS).await;
    }

    /// A row of the status table that stands at a status for so long.
    async fn put_standing(&self, partner: &str, id: &str, status: FileStatus, milliseconds: u64) {
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
async fn a_file_whose_event_was_lost_is_told_every_hour_until_it_is_done() {
    let archive = without_file_events().await;
    let cloud = &archive.cloud;
    let bank = cloud.partner().await;
    let told = subscriber(cloud, &bank.partner).await;
    let answer = bank.upload(&files::file(&[record("T1")])).await.accepted();
    let id = answer.text("file_id");
    look(cloud).await;
    assert_eq!(told.all().await.len(), 0, "it is young");
    cloud.unfinished_for(id, HOUR_MS - 60_000).await;
    look(cloud).await;
    assert_eq!(told.all().await.len(), 0, "it is not yet an hour");
    cloud.unfinished_for(id, HOUR_MS + 1).await;
    for _ in 0..2 {
        let found = look(cloud).await;
        assert!(found["unfinished"].as_u64().unwrap() >= 1 && found["more"] == false, "{found}");
        let message = told.next().await.message;
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
    let line = eventually("the lines of the look", async || {
        let lines = logs::lines_of(cloud, "notification-sender").await;
        let lines: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap_or_default()).collect();
        let counted = |line: &Value| line["event"] == "files_unfinished" && line["unfinished"].as_u64() >= Some(1);
        let counted = lines.iter().any(counted);
        lines.into_iter().find(|line| line["event"] == "file_unfinished" && line["file_id"] == id).filter(|_| counted)
    })
    .await;
    assert_eq!((&line["level"], &line["partner"]), (&json!("ERROR"), &json!(bank.partner)), "{line}");

    // As the runbook says.
    let object = cloud.object(answer.text("s3_key")).await;
    let object = json!({"key": object.key, "size": object.bytes, "version-id": object.version_id});
    let bucket = json!({"name": cloud.stack.bucket});
    cloud.run_workflow(&json!({"detail": {"bucket": bucket, "object": object}, "redrive": true})).await;
    let row = cloud.status_row(id).await.unwrap();
    assert_eq!(statuses(&row["history"]), WHOLE_WAY);
    assert!(!cloud.is_listed(id).await, "{row}");
    look(cloud).await;
    assert_eq!(told.all().await.len(), 0, "it is done");
}

#[tokio::test]
async fn a_presigned_upload_is_reported_if_its_bytes_came_and_ends_by_itself_if_not() {
    let archive = without_file_events().await;
    let cloud = &archive.cloud;
    let bank = cloud.partner().await;
    let told = subscriber(cloud, &bank.partner).await;
    let [sent, unsent] = ["T1", "T2"].map(|id| files::file(&[record(id)]));
    let [sent_id, unsent_id] = [&sent, &unsent].map(|file| file_id(&bank.partner, file));
    let answer = bank.announce(&sent).await.accepted();
    bank.announce(&unsent).await.accepted();
    assert_eq!(presigned_uploads::put(cloud, &answer.body["upload"], &sent).await.0, 200);
    for id in [&sent_id, &unsent_id] {
        let row = cloud.status_row(id).await.unwrap();
        assert_eq!(row["unfinished_since_ms"], row["upload"]["expires_at_ms"], "its sender has time until then: {row}");
        cloud.unfinished_for(id, 2 * HOUR_MS).await;
    }
    look(cloud).await;
    let message = told.next().await.message;
    assert_eq!(
        (&message["file_id"], &message["file_status"]),
        (&json!(sent_id), &json!("awaiting_upload")),
        "{message}"
    );
    assert_eq!(told.all().await.len(), 0, "nobody has sent the other one");
    assert!(cloud.is_listed(&unsent_id).await, "it may be on its way");

    for id in [&sent_id, &unsent_id] {
        cloud.unfinished_for(id, 5 * HOUR_MS).await;
    }
    assert_eq!(look(cloud).await["given_up"], 1);
    assert_eq!(told.next().await.message["file_id"], json!(sent_id));
    assert!(cloud.is_listed(&sent_id).await && !cloud.is_listed(&unsent_id).await);
    assert_eq!(look(cloud).await["given_up"], 0);
    assert_eq!(cloud.status_row(&unsent_id).await.unwrap()["status"], "awaiting_upload", "its status stays");
    let row = cloud.status_row(&unsent_id).await.unwrap();
    assert!(row["upload"].is_null(), "the upload has ended: {row}");
    let path = format!("/files/{unsent_id}?token={}", row["token"].as_str().unwrap());
    assert_eq!(cloud.get(&path).await.accepted().body["status"], "upload_expired");
    // Whoever creates an upload of it again is waited for again.
    bank.announce(&unsent).await.accepted();
    assert!(cloud.is_listed(&unsent_id).await);
}

#[tokio::test]
async fn what_lies_there_from_an_earlier_attempt_proves_nothing_of_an_announcement() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let told = subscriber(&cloud, &bank.partner).await;
    let file = files::file(&[record("T1")]);
    let answer = bank.announce(&file).await.accepted();
    let put_at_ms = now_ms();
    assert_eq!(presigned_uploads::put(&cloud, &answer.body["upload"], &file).await.0, 200);
    let id = answer.text("file_id");
    cloud.ended(id, 1).await;
    // S3 tells times in whole seconds.
    eventually("the next second", async || (now_ms() / 1000 > put_at_ms / 1000 + 1).then_some(())).await;
    assert_eq!(bank.announce_again(&file).await.accepted().text("status"), "completed");
    assert!(cloud.is_listed(id).await, "its upload is awaited");
    cloud.unfinished_for(id, 2 * HOUR_MS).await;
    look(&cloud).await;
    assert_eq!(told.all().await.len(), 0);
}

/// A file stands at each status, with and without bytes where its sender may have put them.
#[tokio::test]
async fn only_what_was_taken_in_and_has_no_end_is_told() {
    let archive = without_file_events().await;
    let cloud = &archive.cloud;
    for status in FileStatus::ALL {
        for has_bytes in [true, false] {
            let bank = cloud.partner().await;
            let told = subscriber(cloud, &bank.partner).await;
            let file = files::file(&[record("T1")]);
            let id = file_id(&bank.partner, &file);
            cloud.put_standing(&bank.partner, &id, status, 2 * HOUR_MS).await;
            if has_bytes {
                cloud.put_object(&format!("incoming/{}/{id}.csv", bank.partner), &file, &[]).await;
            }
            look(cloud).await;
            let before_its_bytes = [FileStatus::AwaitingUpload, FileStatus::Validating].contains(&status);
            let is_told = !status.is_final() && (has_bytes || !before_its_bytes);
            let heard: Vec<Value> = told.all().await.into_iter().map(|heard| heard.message).collect();
            assert_eq!(heard.len(), usize::from(is_told), "{status:?}, {has_bytes}: {heard:?}");
            assert!(heard.iter().all(|message| message["file_status"] == status.as_str()), "{heard:?}");
            // The next rounds have their own.
            let row = cloud.dynamodb().delete_item().table_name(&cloud.stack.status_table).key("file_id", text(&id));
            row.send().await.unwrap();
        }
    }
}

#[tokio::test]
async fn what_has_an_end_is_in_no_list() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let (good, _) = bank.upload_and_complete(&files::file(&[record("T1")])).await;
    let bad = bank.upload(&files::file(&[record("T1").replace("USD", "usd")])).await;
    assert_eq!(bad.status, 400);
    for answer in [&good, &bad] {
        assert!(!cloud.is_listed(answer.text("file_id")).await, "{}", answer.body);
    }
    // A new attempt is listed until it ends, too.
    let again = bank.upload_again(&files::file(&[record("T1")])).await.accepted();
    assert_eq!(cloud.ended(again.text("file_id"), 2).await["status"], "completed");
    assert!(!cloud.is_listed(again.text("file_id")).await);
}

#[test]
fn both_systems_look_every_hour_and_keep_what_failed() {
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
        // Two hours, so that it stays between two looks, one of which may come a little late.
        assert_eq!((&alarm["Period"], &alarm["EvaluationPeriods"]), (&json!(3600), &json!(2)));
    }
}
