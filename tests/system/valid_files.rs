//! A valid file, from the upload to its rows and its history.

use crate::support::cloud::{Cloud, now_ms};
use crate::support::files::{self, HEADER, decimal};
use crate::support::upload::{COMPLETE_HISTORY, statuses};
use domain::DayShards;
use domain::Timestamp;
use serde_json::json;

#[tokio::test]
async fn stores_rows_with_exact_amounts_and_a_history() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let file = files::file(&[
        "T-1,12.50,USD,2026-01-15T10:00:00Z,Corner Café,completed",
        "T-2,-0.01,USD,2026-01-15T23:30:00-05:30,\"Müller, Söhne\",pending",
        "T-3,999999999999999999999999999999999999.99,EUR,2026-01-15T10:00:00.123456789Z,=SUM(A1),failed",
        "T-4,1500,JPY,2026-01-14T12:00:00+09:00,東京,completed",
    ]);
    let before = now_ms();
    let response = bank.upload(&file).await.accepted();

    let file_id = files::file_id(&bank.partner, &file);
    assert_eq!(response.text("file_id"), file_id);
    assert_eq!(response.text("s3_key"), format!("validated/{file_id}.csv"));
    assert_eq!(response.text("status"), "validated");
    assert!(!response.text("message").is_empty());
    let totals = json!({"EUR": "999999999999999999999999999999999999.99", "JPY": "1500", "USD": "12.49"});
    for (member, expected) in
        [("row_count", json!(4)), ("duplicate", json!(false)), ("superseded_by", json!([])), ("totals", totals.clone())]
    {
        assert_eq!(response.body[member], expected, "{member}");
    }

    let status_path = response.text("status_path");
    assert!(status_path.starts_with(&format!("/files/{file_id}?token=")), "{status_path}");
    let done = cloud.follow(status_path).await;
    assert_eq!(statuses(&done["history"]), COMPLETE_HISTORY);
    for (member, expected) in [
        ("file_id", json!(file_id)),
        ("status", json!("completed")),
        ("attempt", json!(1)),
        ("row_count", json!(4)),
        ("rows_stored", json!(4)),
        ("rows_unchanged", json!(0)),
        ("rows_superseded", json!(0)),
        ("totals", totals),
        ("superseded_by", json!([])),
        ("error_count", json!(0)),
        ("report_url", json!(null)),
    ] {
        assert_eq!(done[member], expected, "{member} of {done}");
    }
    let mut earlier = Timestamp::from_unix_milliseconds(before).to_milliseconds_text();
    assert!(done["received_at"].as_str().unwrap() >= earlier.as_str(), "{done}");
    for entry in done["history"].as_array().unwrap() {
        assert_eq!(entry["attempt"], 1);
        assert!(!entry["message"].as_str().unwrap().is_empty(), "{entry}");
        let at = entry["at"].as_str().unwrap();
        assert!(at >= earlier.as_str(), "{at} after {earlier}");
        at.clone_into(&mut earlier);
    }
    assert_eq!(done["updated_at"], earlier);

    for (record, (id, amount, currency, timestamp, merchant, status)) in (1..).zip([
        ("T-1", "12.5", "USD", "2026-01-15T10:00:00.000000000Z", "Corner Café", "completed"),
        ("T-2", "-0.01", "USD", "2026-01-16T05:00:00.000000000Z", "Müller, Söhne", "pending"),
        (
            "T-3",
            "999999999999999999999999999999999999.99",
            "EUR",
            "2026-01-15T10:00:00.123456789Z",
            "=SUM(A1)",
            "failed",
        ),
        ("T-4", "1500", "JPY", "2026-01-14T03:00:00.000000000Z", "東京", "completed"),
    ]) {
        let row = bank.transaction(id).await.unwrap_or_else(|| panic!("no row {id}"));
        let at = Timestamp::parse(timestamp.as_bytes()).unwrap();
        assert_eq!(decimal(row["amount"].as_str().unwrap()), amount);
        let expected = json!({
            "transaction_id": id, "partner": bank.partner, "amount": row["amount"], "currency": currency,
            "timestamp": timestamp, "merchant": merchant, "status": status, "day": at.day(),
            "day_shard": DayShards::TRANSACTIONS.of(at, id), "file_id": file_id, "record": record.to_string(),
            "received_at": row["received_at"], "sequence": row["sequence"], "attempt": "1",
        });
        assert_eq!(row, expected);
    }

    assert_eq!(
        cloud.executions_about(&file_id).await,
        1,
        "a file starts the workflow once, and the workflow not itself"
    );
    let stored = cloud.s3().get_object().bucket(&cloud.stack.bucket).key(response.text("s3_key")).send().await.unwrap();
    assert_eq!(stored.metadata.as_ref().unwrap()["partner"], bank.partner);
    assert_eq!(stored.body.collect().await.unwrap().into_bytes(), file, "the file is kept unchanged");
}

#[tokio::test]
async fn stores_every_row_of_a_file_of_several_ranges() {
    const RECORDS: usize = 2_345;
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let mut text = format!("{HEADER}\r\n");
    for number in 1..=RECORDS {
        // A record of two lines, so that ranges cannot be cut at every line end.
        text.push_str(&format!("T-{number},{number}.25,EUR,2026-01-15T10:00:00Z,\"two\r\nlines\",completed\r\n"));
    }
    let (_, row) = bank.upload_and_complete(text.as_bytes()).await;
    assert!(row["ranges"].as_array().unwrap().len() > 1, "the file is too small to show what this test is for");
    assert_eq!(row["rows_stored"], RECORDS.to_string());
    // The sum of 1..=n, and a quarter for each.
    let quarters = RECORDS * (RECORDS + 1) / 2 * 4 + RECORDS;
    assert_eq!(row["totals"]["EUR"], format!("{}.{:02}", quarters / 4, quarters % 4 * 25));
    for number in [1, 999, 1_000, 1_001, 2_000, 2_001, RECORDS] {
        let row = bank.transaction(&format!("T-{number}")).await.unwrap_or_else(|| panic!("no row T-{number}"));
        assert_eq!(
            (row["record"].as_str(), row["merchant"].as_str()),
            (Some(&*number.to_string()), Some("two\r\nlines"))
        );
        assert_eq!(decimal(row["amount"].as_str().unwrap()), format!("{number}.25"));
    }
}
