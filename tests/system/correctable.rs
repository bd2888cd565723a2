//! The correctable file of a rejected one: requested with the key, downloaded by a link, corrected and sent again.

use crate::support::cloud::{Cloud, unique};
use crate::support::files::{self, decimal, file_id, record};
use crate::support::upload::{ApiResponse, Uploader, has_ended, number};
use reqwest::Method;
use serde_json::{Value, json};

impl Uploader<'_> {
    /// Requests the correctable file of a rejected one.
    pub(crate) async fn correctable(&self, file_id: &str, query: &str) -> ApiResponse {
        self.cloud.request(Method::GET, &format!("/files/{file_id}/correctable{query}"), Some(&self.key)).await
    }
}

/// The correctable file that a response links to.
pub(crate) async fn text_of(cloud: &Cloud, made: &ApiResponse) -> String {
    let response = cloud.http.get(made.text("url")).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.text().await.unwrap()
}

const NOTED: &str =
    "transaction_id,amount,currency,timestamp,merchant,status,error_record,error_column,error_reason\r\n";

#[tokio::test]
async fn a_rejected_file_is_corrected_and_resent() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let file = files::file(&[
        "T1,12.34,USD,2026-01-15T10:00:00Z,\"=HYPERLINK(\"\"x\"\")\",completed",
        "T2,-1.5,usd,2026-01-15T10:00:00Z,'@home,completed",
        "T3,7,EUR,2026-01-15T10:00:00Z,\"Café, Olé\",done",
    ]);
    let rejected = bank.upload(&file).await;
    let id = rejected.text("file_id");
    let made = bank.correctable(id, "").await.accepted();
    for (member, expected) in [
        ("file_id", json!(id)),
        ("rows", json!("rejected")),
        ("rejected_rows", json!(2)),
        ("truncated", json!(false)),
        ("expires_in_seconds", json!(900)),
    ] {
        assert_eq!(made.body[member], expected, "{member}");
    }
    let (two, three) = (
        "T2,-1.5,usd,2026-01-15T10:00:00Z,''@home,completed,2,currency,currency: it is not a currency code of ISO 4217; \
         use three capital letters such as EUR\r\n",
        "T3,7,EUR,2026-01-15T10:00:00Z,\"Café, Olé\",done,3,status,\"status: the status is not one of completed, pending, \
         failed; write completed, pending or failed in small letters\"\r\n",
    );
    assert_eq!(text_of(&cloud, &made).await, format!("\u{feff}{NOTED}{two}{three}"));
    let all = bank.correctable(id, "?rows=all").await.accepted();
    assert_eq!((&all.body["rows"], &all.body["rejected_rows"]), (&json!("all"), &json!(2)));
    let one = "T1,12.34,USD,2026-01-15T10:00:00Z,\"'=HYPERLINK(\"\"x\"\")\",completed,,,\r\n";
    let text = text_of(&cloud, &all).await;
    assert_eq!(text, format!("\u{feff}{NOTED}{one}{two}{three}"));
    let (unsigned, _) = all.text("url").split_once('?').unwrap();
    assert_eq!(cloud.http.get(unsigned).send().await.unwrap().status(), 403, "without its signature it is denied");

    // Once corrected, with its notes and guards, it can be sent as it is.
    let corrected = text.replace(",usd,", ",USD,").replace(",done,", ",completed,");
    let (response, row) = bank.upload_and_complete(corrected.as_bytes()).await;
    assert_eq!((&response.body["row_count"], number(&row["rows_stored"])), (&json!(3), 3));
    assert_eq!(response.body["totals"], json!({"USD": "10.84", "EUR": "7.00"}));
    for (id, amount, merchant) in
        [("T1", "12.34", "=HYPERLINK(\"x\")"), ("T2", "-1.5", "'@home"), ("T3", "7", "Café, Olé")]
    {
        let stored = bank.transaction(id).await.unwrap();
        assert_eq!(
            (decimal(stored["amount"].as_str().unwrap()), &stored["merchant"]),
            (amount.to_owned(), &json!(merchant))
        );
    }
}

#[tokio::test]
async fn a_correctable_file_is_returned_to_its_partner_alone() {
    let cloud = Cloud::open().await;
    let (bank, other) = (cloud.partner().await, cloud.partner().await);
    let rejected = bank.upload(&files::file(&[record("T1").replace("USD", "usd")])).await;
    let id = rejected.text("file_id");
    other.correctable(id, "").await.assert_rejected(404, "file_not_found");
    bank.correctable("00000000000000000000000000000000", "").await.assert_rejected(404, "file_not_found");
    bank.correctable("not-an-id", "").await.assert_rejected(404, "file_not_found");
    let path = format!("/files/{id}/correctable");
    cloud.request(Method::GET, &path, None).await.assert_rejected(403, "api_key_invalid");
    // The token of the status path is not enough: the correctable file has the file's content.
    let token = rejected.text("status_path").split_once('?').unwrap().1;
    cloud.request(Method::GET, &format!("{path}?{token}"), None).await.assert_rejected(403, "api_key_invalid");
    for query in ["?rows=some", "?rows=", "?rows=ALL"] {
        bank.correctable(id, query).await.assert_rejected(400, "query_malformed");
    }
}

#[tokio::test]
async fn only_a_file_with_rejected_records_can_be_corrected() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let (valid, _) = bank.upload_and_complete(&files::file(&[record("T1")])).await;
    let semicolons = bank
        .upload(
            &files::file(&[record("T2")])
                .into_iter()
                .map(|byte| if byte == b',' { b';' } else { byte })
                .collect::<Vec<_>>(),
        )
        .await;
    let empty = bank.upload(b"").await;
    let wrong_totals = bank.upload_expecting("/upload", &files::file(&[record("T3")]), &[("expected_rows", "5")]).await;
    for response in [valid, semicolons, empty, wrong_totals] {
        bank.correctable(response.text("file_id"), "").await.assert_rejected(409, "nothing_to_correct");
    }
}

#[tokio::test]
async fn a_file_put_in_the_bucket_can_be_corrected() {
    let cloud = Cloud::open().await;
    let partner = cloud.stack.bucket_partners[0].as_str();
    let bank = cloud.partner_named(partner, &cloud.stack.usage_plan_id).await;
    let id = unique();
    let file = files::file(&[record(&id), record(&format!("{id}-2")).replace("12.34", "NaN")]);
    let key = format!("incoming/{partner}/{id}.csv");
    cloud.put_object(&key, &file, &[]).await;
    cloud.rejected_with(&key, "InvalidCsv").await;
    let made = bank.correctable(&file_id(partner, &file), "?rows=rejected").await.accepted();
    assert_eq!(made.body["rejected_rows"], 1);
    let text = text_of(&cloud, &made).await;
    assert!(text.contains(&format!("\r\n{id}-2,NaN,USD,")) && text.lines().count() == 2, "{text}");

    // Above 32 MiB it has to be made by the partner's own command line.
    let mut large = files::file_of_bytes(34_000_000);
    let amount = b"12.34";
    let at = large.windows(amount.len()).position(|window| window == amount).unwrap();
    large[at..at + amount.len()].copy_from_slice(b"oops!");
    let key = format!("incoming/{partner}/{}.csv", unique());
    cloud.put_object(&key, &large, &[]).await;
    let row = cloud.ended(&file_id(partner, &large), 1).await;
    assert!(has_ended(&row) && row["status"] == "validation_failed", "{row}");
    let rejected = bank.correctable(&file_id(partner, &large), "").await;
    rejected.assert_rejected(413, "file_too_large");
    assert!(rejected.text("message").contains("txn validate --correctable"), "{}", rejected.body);
}

/// S3 parts are at least 5 MiB; a longer file has several.
#[tokio::test]
async fn a_multipart_report_and_correctable_file_are_complete() {
    const RECORDS: usize = 17_000;
    const ERRORS_A_RECORD: usize = 5;
    const PART_BYTES: usize = 5 * 1024 * 1024;
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let records: Vec<String> = (1..=RECORDS).map(|number| format!("T{number},oops,usd,today,,done")).collect();
    let rejected = bank.upload(&files::file(&records)).await;
    assert_eq!((rejected.status, rejected.error()), (400, "invalid_csv"), "{}", rejected.text("message"));
    assert_eq!(rejected.body["error_count"], json!(ERRORS_A_RECORD * RECORDS));

    let status = cloud.get(rejected.text("status_path")).await.accepted();
    let response = cloud.http.get(status.text("report_url")).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let report = response.text().await.unwrap();
    assert!(report.len() > 2 * PART_BYTES, "{}", report.len());
    let (first, last) = (report.lines().nth(1).unwrap(), report.lines().last().unwrap());
    assert!(
        first.starts_with("1,2,amount,") && last.starts_with(&format!("{RECORDS},{},status,", RECORDS + 1)),
        "{first}\n{last}"
    );
    assert_eq!(report.lines().count(), 1 + ERRORS_A_RECORD * RECORDS);

    let made = bank.correctable(rejected.text("file_id"), "").await.accepted();
    let text = text_of(&cloud, &made).await;
    assert!(text.len() > PART_BYTES, "{}", text.len());
    assert_eq!(text.lines().count(), 1 + RECORDS);
    let last = text.lines().last().unwrap();
    assert!(last.starts_with("T17000,oops,usd,today,,done,17000,"), "{last}");
}

#[tokio::test]
async fn an_expired_rejected_file_cannot_be_corrected() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let rejected = bank.upload(&files::file(&[record("T1").replace("USD", "usd")])).await;
    let id = rejected.text("file_id");
    bank.correctable(id, "").await.accepted();
    let (s3, bucket, key) = (cloud.s3(), cloud.stack.bucket.as_str(), format!("rejected/{id}.csv"));
    let version = s3.head_object().bucket(bucket).key(&key).send().await.unwrap().version_id.unwrap();
    s3.delete_object().bucket(bucket).key(&key).version_id(version).send().await.unwrap();
    for query in ["", "?rows=all"] {
        let response = bank.correctable(id, query).await;
        response.assert_rejected(409, "nothing_to_correct");
        assert!(response.text("message").contains("no longer kept"), "{}", response.body);
    }
}

/// The link serves a file to be saved, under a descriptive name.
#[tokio::test]
async fn the_download_link_names_the_file() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let rejected = bank.upload(&files::file(&[record("T1").replace("USD", "usd")])).await;
    let made = bank.correctable(rejected.text("file_id"), "?rows=all").await.accepted();
    let link = made.text("url");
    assert!(link.contains("response-content-disposition=attachment") && link.contains("X-Amz-Expires=900"), "{link}");
    let key = format!("corrections/{}-1-all.csv", rejected.text("file_id"));
    assert!(link.contains(&key), "{link}");
    let status: Value = cloud.status_row(rejected.text("file_id")).await.unwrap();
    assert_eq!(status["status"], "validation_failed", "requesting it changes nothing: {status}");
}
