//! The arrival order of a partner's files, from every source, and what stays true of a file after later requests.

use crate::support::cloud::{Cloud, eventually, now_ms, unique};
use crate::support::files::{self, decimal, file_id, record_of};
use crate::support::upload::{ApiResponse, Uploader, number};
use crate::system::presigned_uploads::put;
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};

/// The amount of a row, and the file that it is of.
async fn in_effect(bank: &Uploader<'_>, id: &str) -> (String, String) {
    let row = bank.transaction(id).await.unwrap();
    (decimal(row["amount"].as_str().unwrap()), row["file_id"].as_str().unwrap().to_owned())
}

async fn status_of(cloud: &Cloud, response: &ApiResponse) -> Value {
    cloud.get(response.text("status_path")).await.accepted().body
}

async fn complete_presigned(bank: &Uploader<'_>, file: &[u8]) -> ApiResponse {
    let response = bank.create_upload(file).await.accepted();
    assert_eq!(put(bank.cloud, &response.body["upload"], file).await.0, 200);
    assert_eq!(bank.cloud.ended(response.text("file_id"), 1).await["status"], "completed");
    response
}

#[tokio::test]
async fn a_reprocess_that_was_never_sent_has_no_later_effect() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let [a, b] = ["1.00", "2.00"].map(|amount| files::file(&[record_of("T1", amount)]));
    bank.upload_and_complete(&a).await;
    let (response_b, _) = bank.upload_and_complete(&b).await;
    let requested = bank.create_upload_again(&a).await.accepted();
    assert!(requested.body["upload"].is_object(), "{}", requested.body);
    // Later somebody requests an upload of A, without a reprocess.
    let plain = bank.create_upload(&a).await.accepted();
    assert_eq!((&plain.body["duplicate"], &plain.body["upload"]), (&json!(true), &Value::Null), "{}", plain.body);
    assert_eq!(in_effect(&bank, "T1").await, ("2".to_owned(), response_b.text("file_id").to_owned()));
}

#[tokio::test]
async fn creating_an_upload_does_not_hide_the_current_status() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let good = files::file(&[record_of("T1", "1.00")]);
    let bad = files::file(&[record_of("T2", "1.00").replace("USD", "usd")]);
    let (completed, _) = bank.upload_and_complete(&good).await;
    let before = status_of(&cloud, &completed).await;
    let today = before["received_at"].as_str().unwrap()[..10].to_owned();
    let day_before =
        cloud.request(reqwest::Method::GET, &format!("/days/{today}"), Some(&bank.key)).await.accepted().body;
    bank.create_upload_again(&good).await.accepted();
    let mut after = status_of(&cloud, &completed).await;
    assert_eq!(after["upload"]["reprocess_attempt"], 1, "{after}");
    after["upload"] = Value::Null;
    assert_eq!(after, before);
    let day = cloud.request(reqwest::Method::GET, &format!("/days/{today}"), Some(&bank.key)).await.accepted().body;
    assert_eq!(day, day_before);

    let rejected = bank.upload(&bad).await;
    assert_eq!(rejected.status, 400);
    bank.create_upload(&bad).await.accepted();
    let status = status_of(&cloud, &rejected).await;
    assert_eq!((&status["status"], &status["error_count"]), (&json!("validation_failed"), &json!(1)), "{status}");
    assert!(status["report_url"].is_string(), "{status}");
    assert_eq!(bank.correctable(rejected.text("file_id"), "").await.accepted().body["rejected_rows"], 1);
}

/// Both sources of the API, one after the other, as fast as possible: S3's whole seconds do not matter.
#[tokio::test]
async fn a_correction_wins_within_the_same_second_from_either_source() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    for round in 0..3 {
        let id = format!("T{round}");
        let [a, b, c] = ["1.00", "2.00", "3.00"].map(|amount| files::file(&[record_of(&id, amount)]));
        bank.upload(&a).await.accepted();
        let created = bank.create_upload(&b).await.accepted();
        assert_eq!(put(&cloud, &created.body["upload"], &b).await.0, 200);
        for file in [&a, &b] {
            assert_eq!(cloud.ended(&file_id(&bank.partner, file), 1).await["status"], "completed");
        }
        assert_eq!(in_effect(&bank, &id).await.0, "2", "round {round}");
        // The upload of C is created, then A's correction D is sent, then C's bytes are put.
        let created = bank.create_upload(&c).await.accepted();
        let d = files::file(&[record_of(&id, "4.00")]);
        bank.upload_and_complete(&d).await;
        assert_eq!(put(&cloud, &created.body["upload"], &c).await.0, 200);
        assert_eq!(cloud.ended(&file_id(&bank.partner, &c), 1).await["rows_superseded"], "1");
        assert_eq!(in_effect(&bank, &id).await.0, "4", "a presigned upload has the sequence of its creation");
    }
}

/// The counter of the partner is far ahead, as after a request on a host whose clock is ahead.
#[tokio::test]
async fn arrival_order_does_not_depend_on_clocks() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let [a, b] = ["1.00", "2.00"].map(|amount| files::file(&[record_of("T1", amount)]));
    let ahead = now_ms() + 3_600_000;
    let counter = cloud.dynamodb().put_item().table_name(&cloud.stack.status_table);
    let counter = counter.item("file_id", AttributeValue::S(format!("sequence#{}", bank.partner)));
    counter.item("sequence", AttributeValue::N(ahead.to_string())).send().await.unwrap();
    let (_, row_a) = bank.upload_and_complete(&a).await;
    let (response_b, row_b) = bank.upload_and_complete(&b).await;
    assert_eq!((number(&row_a["sequence"]), number(&row_b["sequence"])), (ahead + 1, ahead + 2));
    assert_eq!(in_effect(&bank, "T1").await, ("2".to_owned(), response_b.text("file_id").to_owned()));
}

#[tokio::test]
async fn a_retried_reprocess_does_not_replace_a_newer_correction() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let [a, b] = ["1.00", "2.00"].map(|amount| files::file(&[record_of("T1", amount)]));
    let (first, _) = bank.upload_and_complete(&a).await;
    let reprocess = "/upload?reprocess_attempt=1";
    let again = bank.upload_to(reprocess, &a).await.accepted();
    assert_eq!((&again.body["duplicate"], &again.body["attempt"]), (&json!(false), &json!(2)));
    assert_eq!(cloud.ended(first.text("file_id"), 2).await["status"], "completed");
    let (response_b, _) = bank.upload_and_complete(&b).await;
    for path in [reprocess, "/upload"] {
        let repeated = bank.upload_to(path, &a).await.accepted();
        assert_eq!((&repeated.body["duplicate"], &repeated.body["attempt"]), (&json!(true), &json!(2)), "{path}");
    }
    assert_eq!(in_effect(&bank, "T1").await, ("2".to_owned(), response_b.text("file_id").to_owned()));
    bank.upload_to("/upload?reprocess_attempt=3", &a).await.assert_rejected(409, "attempt_unknown");
    bank.upload_to(reprocess, &files::file(&[record_of("T9", "1.00")])).await.assert_rejected(409, "attempt_unknown");
}

/// The row says that the file was valid, as an earlier deployment found; by today's rules its currency is not active.
#[tokio::test]
async fn a_repeat_never_rejects_a_valid_file() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let today = files::file(&[record_of("T1", "1.00")]);
    let then = files::file(&[record_of("T1", "1.00").replace("USD", "HRK")]);
    let (_, row) = bank.upload_and_complete(&today).await;
    let id = file_id(&bank.partner, &then);
    cloud.copy_status(row["file_id"].as_str().unwrap(), &id, "HRK").await;
    for response in [bank.upload(&then).await.accepted(), bank.create_upload(&then).await.accepted()] {
        assert_eq!(
            (response.text("status"), &response.body["duplicate"]),
            ("completed", &json!(true)),
            "{}",
            response.body
        );
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
async fn names_the_files_whose_rows_were_replaced() {
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
async fn a_hundred_wrong_control_totals_use_up_no_attempts() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let file = files::file(&[record_of("T1", "1.00")]);
    for rows in 2..12 {
        let rows = rows.to_string();
        assert_eq!(bank.upload_expecting("/upload", &file, &[("expected_rows", &rows)]).await.status, 400);
    }
    let row = cloud.status_row(&file_id(&bank.partner, &file)).await.unwrap();
    assert_eq!((&row["attempt"], row["history"].as_array().unwrap().len()), (&json!("1"), 2), "{row}");
    let accepted = bank.upload_expecting("/upload", &file, &[("expected_rows", "1")]).await.accepted();
    assert_eq!(cloud.ended(accepted.text("file_id"), 2).await["status"], "completed");
}

#[tokio::test]
async fn a_resent_presigned_file_is_checked_against_new_totals() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let file = files::file(&[record_of("T1", "1.00")]);
    let send = async |rows: u64| {
        let created = bank.create_upload_expecting("/uploads", &file, rows, json!({"USD": "1.00"})).await.accepted();
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
async fn an_object_of_an_unknown_partner_raises_no_alarm() {
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
async fn presigned_and_plain_uploads_of_one_file_complete_once() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let file = files::file(&[record_of("T1", "1.00")]);
    let response = complete_presigned(&bank, &file).await;
    let again = bank.upload(&file).await.accepted();
    assert_eq!((&again.body["file_id"], &again.body["duplicate"]), (&response.body["file_id"], &json!(true)));
}

/// A partner that may put files into the bucket may also create uploads.
#[tokio::test]
async fn a_bucket_file_may_be_reprocessed_by_a_presigned_upload() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner_named(&cloud.stack.bucket_partners[0], &cloud.stack.usage_plan_id).await;
    let id = unique();
    let [a, b] = ["1.00", "2.00"].map(|amount| files::file(&[record_of(&id, amount)]));
    let response_a = complete_presigned(&bank, &a).await;
    bank.upload_and_complete(&b).await;
    let created = bank.create_upload_again(&a).await.accepted();
    assert_eq!(put(&cloud, &created.body["upload"], &a).await.0, 200);
    assert_eq!(cloud.ended(response_a.text("file_id"), 2).await["status"], "completed");
    assert_eq!(in_effect(&bank, &id).await, ("1".to_owned(), response_a.text("file_id").to_owned()));
}
