//! The errors of a rejected file: all of them, each with its position, in the response and in the report, without any
//! content of the file.

use crate::support::cloud::Cloud;
use crate::support::files::{self, HEADER, record};
use crate::support::upload::statuses;
use serde_json::{Value, json};

#[tokio::test]
async fn one_response_lists_every_error_of_a_file() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let file = files::file(&[
        "T1,12.34,USD,2026-01-15T10:00:00Z,fine,completed",
        "T2,NaN,usd,2026-01-15,,done",
        "T1,1,EUR,2026-01-15T10:00:00Z,\"of two\nlines\",pending",
        "T4,1,EUR,2026-01-15T10:00:00Z",
    ]);
    let response = bank.upload(&file).await;
    assert_eq!(response.status, 400);
    let at = |needle: &str| String::from_utf8_lossy(&file).find(needle).unwrap();
    let position = |record: u64, line: u64, column: Option<&str>, number: u64, byte: usize, code: &str| {
        json!({
            "record": record, "line": line, "column": column, "column_number": number, "byte": byte, "code": code,
        })
    };
    let expected = [
        position(2, 3, Some("amount"), 2, at("NaN"), "amount_malformed"),
        position(2, 3, Some("currency"), 3, at("usd"), "currency_unknown"),
        position(2, 3, Some("timestamp"), 4, at("2026-01-15,,"), "timestamp_malformed"),
        position(2, 3, Some("merchant"), 5, at(",done"), "field_empty"),
        position(2, 3, Some("status"), 6, at("done"), "status_unknown"),
        position(3, 4, Some("transaction_id"), 1, at("T1,1,EUR"), "transaction_id_duplicate"),
        position(4, 6, None, 4, at("T4,1,EUR,") + "T4,1,EUR,".len(), "too_few_fields"),
    ];
    let found: Vec<Value> = response.body["errors"].as_array().unwrap().iter().map(without_texts).collect();
    assert_eq!(found, expected);
    assert_eq!((&response.body["row_count"], &response.body["error_count"]), (&json!(4), &json!(7)));

    let status = cloud.get(response.text("status_path")).await.accepted().body;
    assert_eq!(statuses(&status["history"]), ["validating", "validation_failed"]);
    assert_eq!((&status["status"], &status["error_count"]), (&json!("validation_failed"), &json!(7)));
    let report = report(&cloud, &status).await;
    assert_eq!(report.lines().count(), 1 + 7, "{report}");
    assert!(report.starts_with("record,line,column,"), "{report}");
    for (line, error) in report.lines().skip(1).zip(&expected) {
        let (record, code) = (error["record"].to_string(), error["code"].as_str().unwrap());
        assert!(line.starts_with(&format!("{record},")) && line.contains(code), "{line} for {error}");
    }
    assert_eq!(bank.transaction("T1").await, None);
    let link = status["report_url"].as_str().unwrap();
    assert!(link.contains("X-Amz-Expires=900"), "a link is valid for fifteen minutes: {link}");
    let (unsigned, _) = link.split_once('?').unwrap();
    assert_eq!(cloud.http.get(unsigned).send().await.unwrap().status(), 403, "without its signature it is denied");

    let kept = cloud.s3().get_object().bucket(&cloud.stack.bucket);
    let kept = kept.key(format!("rejected/{}.csv", response.text("file_id"))).send().await.unwrap();
    assert_eq!(kept.body.collect().await.unwrap().into_bytes(), file, "a rejected file is kept for the audit");
}

fn without_texts(error: &Value) -> Value {
    let mut error = error.clone();
    for text in ["reason", "fix"] {
        assert!(!error.as_object_mut().unwrap().remove(text).unwrap().as_str().unwrap().is_empty());
    }
    error
}

async fn report(cloud: &Cloud, status: &Value) -> String {
    // The link alone is enough: the request has no key and no credentials.
    let response = cloud.http.get(status["report_url"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.text().await.unwrap()
}

#[tokio::test]
async fn a_truncated_error_list_keeps_exact_totals() {
    const RECORDS: usize = 250;
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let records: Vec<String> =
        (1..=RECORDS).map(|number| format!("T{number},oops,USD,2026-01-15T10:00:00Z,=cmd(),nope")).collect();
    let response = bank.upload(&files::file(&records)).await;
    assert_eq!(response.status, 400);
    assert_eq!(response.body["errors"].as_array().unwrap().len(), 100);
    for (member, expected) in [
        ("truncated", json!(true)),
        ("error_count", json!(2 * RECORDS)),
        ("row_count", json!(RECORDS)),
        ("errors_by_code", json!({"amount_malformed": RECORDS, "status_unknown": RECORDS})),
    ] {
        assert_eq!(response.body[member], expected, "{member}");
    }
    let status = cloud.get(response.text("status_path")).await.accepted().body;
    let report = report(&cloud, &status).await;
    assert_eq!(report.lines().count(), 1 + 2 * RECORDS, "the report has them all");
    assert!(!report.contains("=cmd") && !report.contains("oops"), "a report repeats nothing of the file");
}

#[tokio::test]
async fn no_response_repeats_a_files_content() {
    const CARD: &str = "4111111111111111";
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let valid = record("T1");
    let mut records: Vec<String> = (0..6)
        .map(|field| {
            let mut fields: Vec<&str> = valid.split(',').collect();
            fields[field] = "\u{1}4111111111111111";
            fields.join(",")
        })
        .collect();
    records.push(format!("{CARD},{CARD},{CARD},{CARD},,{CARD}"));
    records.push(format!("{CARD},{CARD}"));
    records.push(format!("\"{CARD}\"{CARD},1,USD,2026-01-15T10:00:00Z,m,failed"));
    for file in [files::file(&records), format!("{CARD},{HEADER}\n{valid},1\n").into_bytes()] {
        let response = bank.upload(&file).await;
        assert_eq!(response.status, 400);
        assert!(!response.body.to_string().contains(CARD), "{}", response.body);
        let status = cloud.get(response.text("status_path")).await.accepted().body;
        assert!(!status.to_string().contains(CARD), "{status}");
        let report = report(&cloud, &status).await;
        assert!(!report.contains(CARD), "{report}");
    }
    let part = files::part(
        &[&format!("Content-Disposition: form-data; name=\"{CARD}\"; filename=\"{CARD}\"")],
        CARD.as_bytes(),
    );
    let response = bank.post(&[("content-type", "multipart/form-data; boundary=b")], files::body("b", &[part])).await;
    response.assert_rejected(400, "part_unexpected");
    assert!(!response.body.to_string().contains(CARD), "{}", response.body);
}

#[tokio::test]
async fn a_rejected_file_may_be_resent_and_a_corrected_one_is_new() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let bad = files::file(&[record("T1").replace("USD", "usd")]);
    let first = bank.upload(&bad).await;
    let history = cloud.status_row(first.text("file_id")).await.unwrap()["history"].clone();
    let second = bank.upload(&bad).await;
    assert_eq!((first.status, second.status), (400, 400));
    assert_eq!((first.text("file_id"), &first.body["errors"]), (second.text("file_id"), &second.body["errors"]));
    let later = cloud.status_row(first.text("file_id")).await.unwrap()["history"].clone();
    let (history, later) = (history.as_array().unwrap(), later.as_array().unwrap());
    assert!(later.starts_with(history), "no transition is ever overwritten: {history:?}, then {later:?}");
    bank.upload_and_complete(&files::file(&[record("T1")])).await;
}
