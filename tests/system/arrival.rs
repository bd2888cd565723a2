//! The arrival order of a partner's files, by every source, and what stays true of a file whatever is asked for afterwards.

use crate::support::cloud::{Cloud, eventually, now_ms, unique};
use crate::support::files::{self, decimal, file_id, record_of};
use crate::support::upload::{Answer, Uploader, number};
use crate::system::presigned_uploads::put;
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};

/// The amount of a row, and the file that it is of.
async fn in_effect(bank: &Uploader<'_>, id: &str) -> (String, String) {
    let row = bank.transaction(id).await.unwrap();
    (decimal(row["amount"].as_str().unwrap()), row["file_id"].as_str().unwrap().to_owned())
}

async fn status_of(cloud: &Cloud, answer: &Answer) -> Value {
    cloud.get(answer.text("status_path")).await.accepted().body
}

async fn complete_presigned(bank: &Uploader<'_>, file: &[u8]) -> Answer {
    let answer = bank.announce(file).await.accepted();
    assert_eq!(put(bank.cloud, &answer.body["upload"], file).await.0, 200);
    assert_eq!(bank.cloud.ended(answer.text("file_id"), 1).await["status"], "completed");
    answer
}

#[tokio::test]
async fn a_reprocess_that_was_never_sent_asks_for_nothing_later() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let [a, b] = ["1.00", "2.00"].map(|amount| files::file(&[record_of("T1", amount)]));
    bank.upload_and_complete(&a).await;
    let (answer_b, _) = bank.upload_and_complete(&b).await;
    let asked = bank.announce_again(&a).await.accepted();
    assert!(asked.body["upload"].is_object(), "{}", asked.body);
    // Later somebody sends the request for an upload of A, without asking for a reprocess.
    let plain = bank.announce(&a).await.accepted();
    assert_eq!((&plain.body["duplicate"], &plain.body["upload"]), (&json!(true), &Value::Null), "{}", plain.body);
    assert_eq!(in_effect(&bank, "T1").await, ("2".to_owned(), answer_b.text("file_id").to_owned()));
}

#[tokio::test]
async fn an_upload_that_is_created_hides_nothing_of_what_is_true() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let good = files::file(&[record_of("T1", "1.00")]);
    let bad = files::file(&[record_of("T2", "1.00").replace("USD", "usd")]);
    let (completed, _) = bank.upload_and_complete(&good).await;
    let before = status_of(&cloud, &completed).await;
    let today = before["received_at"].as_str().unwrap()[..10].to_owned();
    let day_before =
        cloud.request(reqwest::Method::GET, &format!("/days/{today}"), Some(&bank.key)).await.accepted().body;
    bank.announce_again(&good).await.accepted();
    let mut after = status_of(&cloud, &completed).await;
    assert_eq!(after["upload"]["reprocess_attempt"], 1, "{after}");
    after["upload"] = Value::Null;
    assert_eq!(after, before);
    let day = cloud.request(reqwest::Method::GET, &format!("/days/{today}"), Some(&bank.key)).await.accepted().body;
    assert_eq!(day, day_before);

    let rejected = bank.upload(&bad).await;
    assert_eq!(rejected.status, 400);
    bank.announce(&bad).await.accepted();
    let status = status_of(&cloud, &rejected).await;
    assert_eq!((&status["status"], &status["error_count"]), (&json!("validation_failed"), &json!(1)), "{status}");
    assert!(status["report_url"].is_string(), "{status}");
    assert_eq!(bank.correctable(rejected.text("file_id"), "").await.accepted().body["rejected_rows"], 1);
}

/// Of the API's two ways, each after the other, as fast as they go: S3's whole seconds decide nothing.
#[tokio::test]
async fn a_correction_wins_within_the_same_second_from_either_source() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    for round in 0..3 {
        let id = format!("T{round}");
        let [a, b, c] = ["1.00", "2.00", "3.00"].map(|amount| files::file(&[record_of(&id, amount)]));
        bank.upload(&a).await.accepted();
        let created = bank.announce(&b).await.accepted();
        assert_eq!(put(&cloud, &created.body["upload"], &b).await.0, 200);
        for file in [&a, &b] {
            assert_eq!(cloud.ended(&file_id(&bank.partner, file), 1).await["status"], "completed");
        }
        assert_eq!(in_effect(&bank, &id).await.0, "2", "round {round}");
        // The upload of C is created, then A's correction D is sent and answered, then C's bytes come.
        let created = bank.announce(&c).await.accepted();
        let d = files::file(&[record_of(&id, "4.00")]);
        bank.upload_and_complete(&d).await;
        assert_eq!(put(&cloud, &created.body["upload"], &c).await.0, 200);
        assert_eq!(cloud.ended(&file_id(&bank.partner, &c), 1).await["rows_superseded"], "1");
        assert_eq!(in_effect(&bank, &id).await.0, "4", "a presigned upload has the place of its creation");
    }
}

/// The counter of the partner is far ahead, as if a host whose clock is ahead had drawn from it.
#[tokio::test]
async fn no_clock_decides_the_order() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let [a, b] = ["1.00", "2.00"].map(|amount| files::file(&[record_of("T1", amount)]));
    let ahead = now_ms() + 3_600_000;
    let counter = cloud.dynamodb().put_item().table_name(&cloud.stack.status_table);
    let counter = counter.item("file_id", AttributeValue::S(format!("sequence#{}", bank.partner)));
    counter.item("sequence", AttributeValue::N(ahead.to_string())).send().await.unwrap();
    let (_, row_a) = bank.upload_and_complete(&a).await;
    let (answer_b, row_b) = bank.upload_and_complete(&b).await;
    assert_eq!((number(&row_a["sequence"]), number(&row_b["sequence"])), (ahead + 1, ahead + 2));
    assert_eq!(in_effect(&bank, "T1").await, ("2".to_owned(), answer_b.text("file_id").to_owned()));
}

#[tokio::test]
async fn the_retry_of_an_older_reprocess_does_not_beat_a_newer_correction() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let [a, b] = ["1.00", "2.00"].map(|amount| files::file(&[record_of("T1", amount)]));
    let (first, _) = bank.upload_and_complete(&a).await;
    let reprocess = "/upload?reprocess_attempt=1";
    let again = bank.upload_to(reprocess, &a).await.accepted();
    assert_eq!((&again.body["duplicate"], &again.body["attempt"]), (&json!(false), &json!(2)));
    assert_eq!(cloud.ended(first.text("file_id"), 2).await["status"], "completed");
    let (answer_b, _) = bank.upload_and_complete(&b).await;
    for path in [reprocess, "/upload"] {
        let repeated = bank.upload_to(path, &a).await.accepted();
        assert_eq!((&repeated.body["duplicate"], &repeated.body["attempt"]), (&json!(true), &json!(2)), "{path}");
    }
    assert_eq!(in_effect(&bank, "T1").await, ("2".to_owned(), answer_b.text("file_id").to_owned()));
    bank.upload_to("/upload?reprocess_attempt=3", &a).await.refused(409, "attempt_unknown");
    bank.upload_to(reprocess, &files::file(&[record_of("T9", "1.00")])).await.refused(409, "attempt_unknown");
}

/// The row says that the file was valid, as an earlier deployment found; by today's rules its currency is not active.
#[tokio::test]
async fn what_was_valid_is_never_rejected_by_a_repeat() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let today = files::file(&[record_of("T1", "1.00")]);
    let then = files::file(&[record_of("T1", "1.00").replace("USD", "HRK")]);
    let (_, row) = bank.upload_and_complete(&today).await;
    let id = file_id(&bank.partner, &then);
    cloud.copy_status(row["file_id"].as_str().unwrap(), &id, "HRK").await;
    for answer in [bank.upload(&then).await.accepted(), bank.announce(&then).await.accepted()] {
        assert_eq!((answer.text("status"), &answer.body["duplicate"]), ("completed", &json!(true)), "{}", answer.body);
    }
    let history = cloud.status_row(&id).await.unwrap()["history"].clone();
    assert_eq!(history, row["history"], "nothing has happened");
    // And it can be processed again.
    bank.upload_to("/upload?reprocess_attempt=1", &then).await.accepted();
    let row = cloud.ended(&id, 2).await;
    assert_eq!(row["status"], "completed", "{row}");
}

impl Cloud {
    /// Writes the status of a completed file as that of another one, whose amounts are in another currency.
    async fn copy_status(&self, from: &str, to: &str, currency: &str) {
        let key = |id: &str| AttributeValue::S(id.to_owned());
        let get = self.dynamodb().get_item().table_name(&self.stack.status_table).key("file_id", key(from));
        let mut item = get.send().await.unwrap().item.unwrap();
        item.insert("file_id".to_owned(), key(to));
        let AttributeValue::M(totals) = &item["totals"] else { panic!("{item:?}") };
        let totals = totals.values().map(|total| (currency.to_owned(), total.clone())).collect();
        item.insert("totals".to_owned(), AttributeValue::M(totals));
        self.dynamodb().put_item().table_name(&self.stack.status_table).set_item(Some(item)).send().await.unwrap();
    }
}

#[tokio::test]
async fn rows_of_other_files_that_are_replaced_are_named() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let subscriber = cloud.subscribe(json!({"partner": [bank.partner]})).await;
    let records = |amount: &str| ["T1", "T2", "T3"].map(|id| record_of(id, amount));
    let (a, _) = bank.upload_and_complete(&files::file(&records("1.00"))).await;
    let (b, _) = bank.upload_and_complete(&files::file(&records("2.00"))).await;
    let (id_a, id_b) = (a.text("file_id"), b.text("file_id"));
    let status = status_of(&cloud, &b).await;
    assert_eq!((&status["rows_replaced"], &status["rows_superseded"]), (&json!(3), &json!(0)), "{status}");
    assert_eq!(status["replaced_files"], json!([{"file_id": id_a, "rows": 3}]));
    let status = status_of(&cloud, &a).await;
    assert_eq!((&status["rows_replaced_since"], &status["superseded_by"]), (&json!(3), &json!([id_b])), "{status}");
    let message = subscriber.next_of_file(id_b).await.message;
    assert_eq!((&message["rows_replaced"], &message["replaced_files"]), (&json!(3), &json!({id_a: 3})), "{message}");
    let today = status["received_at"].as_str().unwrap()[..10].to_owned();
    let day = cloud.request(reqwest::Method::GET, &format!("/days/{today}"), Some(&bank.key)).await.accepted().body;
    assert_eq!((&day["partners"][0]["rows"], &day["partners"][0]["rows_superseded"]), (&json!(6), &json!(3)), "{day}");
}

#[tokio::test]
async fn a_hundred_wrong_control_totals_end_nothing() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let file = files::file(&[record_of("T1", "1.00")]);
    for rows in 2..12 {
        let rows = rows.to_string();
        assert_eq!(bank.upload_stating("/upload", &file, &[("expected_rows", &rows)]).await.status, 400);
    }
    let row = cloud.status_row(&file_id(&bank.partner, &file)).await.unwrap();
    assert_eq!((&row["attempt"], row["history"].as_array().unwrap().len()), (&json!("1"), 2), "{row}");
    let taken = bank.upload_stating("/upload", &file, &[("expected_rows", "1")]).await.accepted();
    assert_eq!(cloud.ended(taken.text("file_id"), 2).await["status"], "completed");
}

#[tokio::test]
async fn a_rejected_presigned_file_sent_again_is_judged_by_its_new_control_totals() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let file = files::file(&[record_of("T1", "1.00")]);
    let send = async |rows: u64| {
        let created = bank.announce_stating("/uploads", &file, rows, json!({"USD": "1.00"})).await.accepted();
        assert_eq!(put(&cloud, &created.body["upload"], &file).await.0, 200);
        created
    };
    let first = send(2).await;
    cloud.rejected_with(first.text("s3_key"), "InvalidCsv").await;
    send(3).await;
    eventually("the second rejection", async || {
        let row = cloud.status_row(first.text("file_id")).await.unwrap();
        (row["rejected_totals"]["rows"] == "3" && row["upload"].is_null()).then_some(())
    })
    .await;
    send(1).await;
    assert_eq!(cloud.ended(first.text("file_id"), 2).await["status"], "completed");
}

#[tokio::test]
async fn an_object_that_is_no_file_of_anybody_raises_no_alarm() {
    let cloud = Cloud::open().await;
    let partner = cloud.stack.bucket_partners[0].as_str();
    let marker = cloud.put_object(&format!("incoming/{partner}/{}.csv.done", unique()), b"", &[]).await;
    cloud.run_workflow(&cloud.event_of(&marker)).await;
    let name = unique();
    let subscriber = cloud.subscribe(json!({"status": ["object_rejected"], "partner": [name]})).await;
    let stray = format!("incoming/{name}/day.csv");
    cloud.put_object(&stray, &files::file(&[record_of("T1", "1.00")]), &[]).await;
    cloud.rejected_with(&stray, "UnknownPartner").await;
    let message = subscriber.next().await.message;
    assert_eq!((&message["key"], &message["reason"]), (&json!(stray), &json!("unknown_partner")), "{message}");
    assert_eq!(cloud.dead_letter_now(&marker.key).await, None);
}

#[tokio::test]
async fn a_presigned_file_and_a_plain_one_are_the_same_and_completed_once() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let file = files::file(&[record_of("T1", "1.00")]);
    let answer = complete_presigned(&bank, &file).await;
    let again = bank.upload(&file).await.accepted();
    assert_eq!((&again.body["file_id"], &again.body["duplicate"]), (&answer.body["file_id"], &json!(true)));
}

/// Whoever may put files into the bucket may ask the API for an upload as well.
#[tokio::test]
async fn a_bucket_partner_may_reprocess_by_a_presigned_upload() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner_named(&cloud.stack.bucket_partners[0], &cloud.stack.usage_plan_id).await;
    let id = unique();
    let [a, b] = ["1.00", "2.00"].map(|amount| files::file(&[record_of(&id, amount)]));
    let answer_a = complete_presigned(&bank, &a).await;
    bank.upload_and_complete(&b).await;
    let created = bank.announce_again(&a).await.accepted();
    assert_eq!(put(&cloud, &created.body["upload"], &a).await.0, 200);
    assert_eq!(cloud.ended(answer_a.text("file_id"), 2).await["status"], "completed");
    assert_eq!(in_effect(&bank, &id).await, ("1".to_owned(), answer_a.text("file_id").to_owned()));
}
