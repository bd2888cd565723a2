//! Which file's rows are in effect: the later file's, in whatever order they are processed, and never a step back.

use crate::support::cloud::{Cloud, unique};
use crate::support::files::{self, decimal, file_id, record_of};
use crate::support::upload::{Uploader, number, statuses};
use crate::support::workflow::task_of;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::values::money::ControlSum;
use futures::future::join_all;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The amount and the file of a row.
async fn in_effect(bank: &Uploader<'_>, id: &str) -> (String, String) {
    let row = bank.transaction(id).await.unwrap();
    (decimal(row["amount"].as_str().unwrap()), row["file_id"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn resending_the_first_file_does_not_undo_a_correction() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let a = files::file(&[record_of("T1", "1.00"), record_of("T2", "2.00"), record_of("T3", "3.00")]);
    let b = files::file(&[record_of("T1", "1.50"), record_of("T2", "2.50")]);
    let (response_a, _) = bank.upload_and_complete(&a).await;
    let (response_b, row_b) = bank.upload_and_complete(&b).await;
    let (id_a, id_b) = (response_a.text("file_id").to_owned(), response_b.text("file_id").to_owned());
    assert_eq!((row_b["rows_stored"].as_str(), row_b["rows_superseded"].as_str()), (Some("2"), Some("0")));
    assert_eq!((&row_b["rows_replaced"], &row_b["replaced_files"]), (&json!("2"), &json!({id_a.as_str(): "2"})));
    let expect = async |amounts: [(&str, &str, &str); 3]| {
        for (id, amount, file) in amounts {
            assert_eq!(in_effect(&bank, id).await, (amount.to_owned(), file.to_owned()), "{id}");
        }
    };
    expect([("T1", "1.5", &id_b), ("T2", "2.5", &id_b), ("T3", "3", &id_a)]).await;

    let again = bank.upload(&a).await.accepted();
    assert_eq!((&again.body["duplicate"], &again.body["superseded_by"]), (&json!(true), &json!([id_b])));
    assert!(again.text("message").contains("reprocess_attempt="), "how to reprocess: {}", again.body);
    let status_a = cloud.get(response_a.text("status_path")).await.accepted().body;
    assert_eq!((&status_a["superseded_by"], &status_a["attempt"]), (&json!([id_b]), &json!(1)));
    expect([("T1", "1.5", &id_b), ("T2", "2.5", &id_b), ("T3", "3", &id_a)]).await;

    // With an explicit reprocess, the first file is processed again, as the latest.
    let insisted = bank.upload_again(&a).await.accepted();
    assert_eq!((insisted.text("file_id"), &insisted.body["duplicate"]), (id_a.as_str(), &json!(false)));
    let row_a = cloud.ended(&id_a, 2).await;
    assert_eq!((row_a["status"].as_str(), row_a["attempt"].as_str()), (Some("completed"), Some("2")), "{row_a}");
    expect([("T1", "1", &id_a), ("T2", "2", &id_a), ("T3", "3", &id_a)]).await;
    let status_b = cloud.get(response_b.text("status_path")).await.accepted().body;
    assert_eq!(status_b["superseded_by"], json!([id_a]));
    let status_a = cloud.get(response_a.text("status_path")).await.accepted().body;
    assert_eq!(status_a["superseded_by"], json!([]), "it is the latest now");
    assert_eq!(statuses(&status_a["history"]).len(), 12, "both attempts are in the history: {status_a}");
}

#[tokio::test]
async fn a_later_file_wins_over_an_earlier_one_processed_after_it() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let late = files::file(&[record_of("T1", "2.00"), record_of("T2", "2.00")]);
    let (response, row) = bank.upload_and_complete(&late).await;
    let late_id = response.text("file_id").to_owned();
    let sequence = number(&row["sequence"]);

    // The earlier file arrived a minute before, and its event was delayed until now.
    let early = files::file(&[record_of("T1", "1.00"), record_of("T3", "1.00")]);
    let early_id = file_id(&bank.partner, &early);
    assert_eq!(cloud.put_stored(&bank.partner, &early, sequence - 60_000).await, early_id);
    let row = cloud.ended(&early_id, 1).await;
    assert_eq!(row["status"], "completed", "{row}");
    assert_eq!((row["rows_stored"].as_str(), row["rows_superseded"].as_str()), (Some("1"), Some("1")), "{row}");
    assert_eq!(row["superseded_by"], json!([late_id]));
    assert_eq!(in_effect(&bank, "T1").await, ("2".to_owned(), late_id.clone()));
    assert_eq!(in_effect(&bank, "T2").await, ("2".to_owned(), late_id));
    assert_eq!(in_effect(&bank, "T3").await, ("1".to_owned(), early_id));
}

#[tokio::test]
async fn the_last_of_many_concurrent_files_wins_in_every_row() {
    const FILES: usize = 6;
    const IDS: usize = 40;
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let file = |number: usize| {
        let records: Vec<String> = (0..IDS).map(|id| record_of(&format!("T{id}"), &format!("{number}.00"))).collect();
        files::file(&records)
    };
    let responses = join_all((0..FILES).map(async |number| bank.upload(&file(number)).await.accepted())).await;
    let mut arrivals = Vec::new();
    for response in &responses {
        let row = cloud.ended(response.text("file_id"), 1).await;
        assert_eq!(row["status"], "completed", "{row}");
        arrivals.push((number(&row["sequence"]), response.text("file_id")));
    }
    let (_, last) = arrivals.iter().max().unwrap();
    for id in 0..IDS {
        let row = bank.transaction(&format!("T{id}")).await.unwrap();
        assert_eq!(row["file_id"], *last, "T{id}, of {arrivals:?}");
    }
    for (_, file_id) in arrivals.iter().filter(|(_, file_id)| file_id != last) {
        let row = cloud.status_row(file_id).await.unwrap();
        assert!(!row["superseded_by"].is_null(), "a file that lost its rows names the file that replaced them: {row}");
    }
}

#[tokio::test]
async fn a_tie_has_the_same_winner_in_either_order() {
    let cloud = Cloud::open().await;
    let mut winners = Vec::new();
    for order in [[0, 1], [1, 0]] {
        let partner = format!("bank-{}", unique());
        let both = [files::file(&[record_of("T1", "1.00")]), files::file(&[record_of("T1", "2.00")])];
        let greatest = both.iter().map(|file| file_id(&partner, file)).max().unwrap();
        for file in order.map(|number| &both[number]) {
            let id = cloud.put_stored(&partner, file, 1_768_471_200_123).await;
            assert_eq!(cloud.ended(&id, 1).await["status"], "completed");
        }
        let row = cloud.transaction(&partner, "T1").await.unwrap();
        winners.push(row["file_id"] == greatest.as_str());
    }
    assert_eq!(winners, [true, true]);
}

/// A handler that died after it wrote the rows and before it named the files they replaced is followed by one that
/// finds the rows unchanged. It still names those files.
#[tokio::test]
async fn a_rewritten_range_still_names_the_files_it_replaced() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let (response_a, _) = bank.upload_and_complete(&files::file(&[record_of("T1", "1.00")])).await;
    let (response_b, row_b) = bank.upload_and_complete(&files::file(&[record_of("T1", "2.00")])).await;
    let id_a = response_a.text("file_id");
    let forget = cloud.dynamodb().update_item().table_name(&cloud.stack.status_table);
    let forget = forget.key("file_id", AttributeValue::S(id_a.to_owned())).update_expression("REMOVE superseded_by");
    forget.send().await.unwrap();

    let again = json!({"file": task_of(&row_b), "range": row_b["ranges"][0]});
    let range = again["range"].as_object().unwrap().iter().map(|(name, value)| (name.clone(), json!(number(value))));
    let again = json!({"file": again["file"], "range": range.collect::<Value>()});
    let outcome = cloud.invoke("data-transformer", &again).await.unwrap();
    assert_eq!((&outcome["stored"], &outcome["unchanged"]), (&json!(1), &json!(0)), "by this very attempt: {outcome}");
    assert_eq!(outcome["replaced"], 1, "{outcome}");
    let row_a = cloud.status_row(id_a).await.unwrap();
    assert_eq!(row_a["superseded_by"], json!([response_b.text("file_id")]), "{row_a}");
}

/// The steps of the workflow, called again for a file that was completed long ago.
#[tokio::test]
async fn a_status_never_moves_back() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let file = files::file(&[record_of("T1", "1.00")]);
    let subscriber = cloud.subscribe(json!({"partner": [bank.partner]})).await;
    let (response, row) = bank.upload_and_complete(&file).await;
    assert_eq!(subscriber.next().await.message["status"], "completed");
    let first_attempt = task_of(&row);
    let whole = json!({"index": 0, "start": number(&row["ranges"][0]["start"]),
        "end": file.len(), "first_record": 1, "first_line": 2});
    let sum = ControlSum::of(&BTreeMap::from([("USD".to_owned(), "1.00".to_owned())])).unwrap();
    let outcome = json!({"index": 0, "rows": 1, "stored": 1, "unchanged": 0, "superseded": 0, "control_sum": sum});
    let event = cloud.event_of(&cloud.object(response.text("s3_key")).await);
    let repeat_all = async |file: &Value| {
        let state = json!({"validation": {"outcome": "process", "file": file, "ranges": [whole]},
            "error": {"Error": "StoreUnavailable", "Cause": "a late repeat"}});
        for (function, payload) in [
            ("csv-validator", json!({"step": "validate", "event": event, "execution": "late"})),
            ("data-transformer", json!({"file": file, "range": whole})),
            ("notification-sender", json!({"step": "notify", "file": file, "processed": [outcome]})),
            ("notification-sender", json!({"step": "record_failure", "state": state, "event": event})),
        ] {
            cloud.invoke(function, &payload).await.unwrap_or_else(|error| panic!("{function}: {error}"));
        }
    };
    repeat_all(&first_attempt).await;
    assert_eq!(cloud.status_row(response.text("file_id")).await.unwrap(), row, "no status has changed");
    assert!(subscriber.all().await.is_empty(), "and nothing is published again");

    bank.upload_again(&file).await.accepted();
    let second = cloud.ended(response.text("file_id"), 2).await;
    repeat_all(&first_attempt).await;
    assert_eq!(
        cloud.status_row(response.text("file_id")).await.unwrap(),
        second,
        "an earlier attempt changes no status"
    );
    let received_at = bank.transaction("T1").await.unwrap()["received_at"].clone();
    assert_eq!(received_at, second["received_at"], "the late repeat of the first attempt has not changed the row");
}
