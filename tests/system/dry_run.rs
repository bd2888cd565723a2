//! `POST /upload?dry_run=true`: the complete validation, and nothing stored.

use crate::support::cloud::Cloud;
use crate::support::files::{self, file_id, record};
use crate::support::upload::Uploader;
use serde_json::{Value, json};

/// Whether neither the bucket nor the tables have the file.
async fn is_unknown(bank: &Uploader<'_>, file: &[u8]) -> bool {
    let cloud = bank.cloud;
    let id = file_id(&bank.partner, file);
    let mut objects = 0;
    for prefix in ["validated/", "rejected/", "reports/", "corrections/"] {
        let listed = cloud.s3().list_object_versions().bucket(&cloud.stack.bucket).prefix(format!("{prefix}{id}"));
        objects += listed.send().await.unwrap().versions.unwrap_or_default().len();
    }
    objects == 0 && cloud.status_row(&id).await.is_none() && bank.transaction("T1").await.is_none()
}

#[tokio::test]
async fn a_dry_run_validates_a_file_and_does_not_store_it() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let file = files::file(&[record("T1"), record("T2")]);
    let response = bank.upload_to("/upload?dry_run=true", &file).await.accepted();
    for (member, expected) in [
        ("file_id", json!(file_id(&bank.partner, &file))),
        ("s3_key", Value::Null),
        ("row_count", json!(2)),
        ("status", json!("valid")),
        ("status_path", Value::Null),
        ("totals", json!({"USD": "24.68"})),
        ("superseded_by", json!([])),
        ("duplicate", json!(false)),
        ("dry_run", json!(true)),
    ] {
        assert_eq!(response.body[member], expected, "{member}");
    }
    assert!(is_unknown(&bank, &file).await);
    // The real upload is not a duplicate.
    let uploaded = bank.upload_to("/upload?dry_run=false", &file).await.accepted();
    assert_eq!((&uploaded.body["duplicate"], &uploaded.body["dry_run"]), (&json!(false), &json!(false)));
    assert_eq!(uploaded.text("file_id"), response.text("file_id"));
    let row = cloud.ended(uploaded.text("file_id"), 1).await;
    // A dry run of an existing file says nothing of it, and changes nothing.
    let again = bank.upload_to("/upload?dry_run=true&reprocess_attempt=1", &file).await.accepted();
    assert_eq!(again.body, response.body);
    assert_eq!(cloud.status_row(uploaded.text("file_id")).await.unwrap(), row);
}

#[tokio::test]
async fn a_dry_run_lists_more_errors_than_an_upload() {
    const RECORDS: usize = 10_100;
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let records: Vec<String> =
        (1..=RECORDS).map(|number| record(&format!("T{number}")).replace("USD", "usd")).collect();
    let file = files::file(&records);
    let response = bank.upload_to("/upload?dry_run=true", &file).await;
    assert_eq!((response.status, response.error()), (400, "invalid_csv"));
    for (member, expected) in [
        ("dry_run", json!(true)),
        ("status_path", Value::Null),
        ("truncated", json!(true)),
        ("error_count", json!(RECORDS)),
        ("row_count", json!(RECORDS)),
        ("errors_by_code", json!({"currency_unknown": RECORDS})),
    ] {
        assert_eq!(response.body[member], expected, "{member}");
    }
    assert_eq!(response.body["errors"].as_array().unwrap().len(), 10_000);
    assert!(is_unknown(&bank, &file).await);
    let uploaded = bank.upload(&file).await;
    assert_eq!(uploaded.body["errors"].as_array().unwrap()[..], response.body["errors"].as_array().unwrap()[..100]);
    assert_eq!(uploaded.body["dry_run"], false);
}

/// A request that was meant as a dry run must not be a real upload.
#[tokio::test]
async fn a_malformed_dry_run_parameter_never_uploads() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let file = files::file(&[record("T1")]);
    for query in ["dry_run=1", "dry_run=True", "dry_run=", "dry_run", "dryrun=true", "dry-run=true", "dryRun=true"] {
        bank.upload_to(&format!("/upload?{query}"), &file).await.assert_rejected(400, "query_malformed");
    }
    for query in ["reprocess=1", "reprocess=true", "re-process=true", "reprocess_attempt=0", "reprocess_attempt=true"] {
        bank.upload_to(&format!("/upload?{query}"), &file).await.assert_rejected(400, "query_malformed");
    }
    bank.upload_to("/upload?dry_run=true&dry_run=false", &file).await.assert_rejected(400, "query_malformed");
    bank.upload_expecting("/upload", &file, &[("dry_run", "true")]).await.assert_rejected(400, "part_unexpected");
    let size = json!({"size": file.len(), "sha256": files::digest(&file).as_str()}).to_string();
    let create_upload = async |query: &str| {
        bank.create_upload_with_body(&format!("/uploads{query}"), Some("application/json"), size.clone()).await
    };
    let response = create_upload("?dry_run=true").await;
    response.assert_rejected(400, "dry_run_unsupported");
    assert!(response.text("message").contains("POST /upload?dry_run=true"), "it says what to do: {}", response.body);
    create_upload("?dry_run=yes").await.assert_rejected(400, "query_malformed");
    assert!(is_unknown(&bank, &file).await);
    create_upload("?dry_run=false").await.accepted();
}
