//! Presigned uploads: created through the API, put straight into the bucket by the URL of the response, and followed
//! like any other file.

use crate::support::cloud::{Cloud, unique};
use crate::support::files::{self, decimal, digest, file_id, record};
use crate::support::upload::{ApiResponse, COMPLETE_HISTORY, Uploader, statuses};
use aws_sdk_s3::presigning::PresigningConfig;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};

/// Larger than the limit of `POST /upload`, and of few records, since the emulator's table is slow.
const LARGE_FILE_BYTES: usize = 12_000_000;

impl Uploader<'_> {
    /// Creates an upload of a file, with its true size and digest.
    pub(crate) async fn create_upload(&self, file: &[u8]) -> ApiResponse {
        self.create_upload_at("/uploads", file).await
    }

    /// Creates an upload of a file that is to be processed again.
    pub(crate) async fn create_upload_again(&self, file: &[u8]) -> ApiResponse {
        let known = self.create_upload(file).await.accepted();
        self.create_upload_at(&format!("/uploads?reprocess_attempt={}", known.body["attempt"]), file).await
    }

    async fn create_upload_at(&self, path: &str, file: &[u8]) -> ApiResponse {
        let body = json!({"size": file.len(), "sha256": digest(file).as_str()});
        self.create_upload_with_body(path, Some("application/json"), body.to_string()).await
    }

    pub(crate) async fn create_upload_with_body(
        &self,
        path: &str,
        content_type: Option<&str>,
        body: String,
    ) -> ApiResponse {
        let url = format!("{}{path}", self.cloud.stack.api_url);
        let mut request = self.cloud.http.post(url).header("x-api-key", &self.key).body(body);
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        ApiResponse::of(request).await
    }
}

/// Sends bytes as the `upload` of a response says. Returns the HTTP status, and the body, which S3 writes as XML.
pub(crate) async fn put(cloud: &Cloud, upload: &Value, bytes: &[u8]) -> (u16, String) {
    let headers = upload["headers"].as_object().unwrap();
    let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap()));
    // The client sets the length by itself, as every client does.
    let headers: Vec<_> = headers.filter(|(name, _)| *name != "content-length").collect();
    send(cloud, Method::PUT, upload["url"].as_str().unwrap(), &headers, bytes).await
}

async fn send(cloud: &Cloud, method: Method, url: &str, headers: &[(&str, &str)], bytes: &[u8]) -> (u16, String) {
    let mut request = cloud.http.request(method, url).body(bytes.to_vec());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

#[tokio::test]
async fn a_large_presigned_file_is_put_and_processed() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let file = files::file_of_bytes(LARGE_FILE_BYTES);
    let response = bank.create_upload(&file).await.accepted();
    let id = file_id(&bank.partner, &file);
    let key = format!("incoming/{}/{id}.csv", bank.partner);
    assert_eq!((response.text("file_id"), response.text("s3_key")), (id.as_str(), key.as_str()));
    assert_eq!((response.text("status"), &response.body["duplicate"]), ("awaiting_upload", &json!(false)));
    let upload = &response.body["upload"];
    assert_eq!((&upload["method"], &upload["expires_in_seconds"]), (&json!("PUT"), &json!(900)));
    assert_eq!(upload["headers"]["content-length"], LARGE_FILE_BYTES.to_string());
    // Lambda's own trace header is not signed.
    assert_eq!(upload["headers"].as_object().unwrap().len(), 2, "{upload}");

    let waiting = cloud.get(response.text("status_path")).await.accepted().body;
    assert_eq!((&waiting["status"], &waiting["row_count"]), (&json!("awaiting_upload"), &Value::Null));
    assert_eq!((&waiting["upload"]["expires_at"], &waiting["received_at"]), (&upload["expires_at"], &Value::Null));

    let (status, body) = put(&cloud, upload, &file).await;
    assert_eq!(status, 200, "{body}");
    let followed = cloud.follow(response.text("status_path")).await;
    assert_eq!(followed["status"], "completed", "{followed}");
    assert_eq!(statuses(&followed["history"]), [&["awaiting_upload"], &COMPLETE_HISTORY[..]].concat());
    assert_eq!((&followed["row_count"], &followed["upload"]), (&json!(4_000), &Value::Null));
    assert_eq!((&followed["rows_stored"], &followed["totals"]), (&json!(4_000), &json!({"USD": "49360.00"})));
    let stored = bank.transaction("T003999").await.unwrap();
    assert_eq!((decimal(stored["amount"].as_str().unwrap()), &stored["file_id"]), ("12.34".to_owned(), &json!(id)));
    let row = cloud.status_row(&id).await.unwrap();
    assert_eq!((&row["key"], &row["partner"]), (&json!(key), &json!(bank.partner)), "{row}");
    assert_eq!(row["sha256"], digest(&file).as_str());
}

#[tokio::test]
async fn the_same_content_is_one_file_from_either_source() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    // An upload is created first, then the file is sent to /upload.
    let file = files::file(&[record(&unique())]);
    let response = bank.create_upload(&file).await.accepted();
    assert_eq!(put(&cloud, &response.body["upload"], &file).await.0, 200);
    cloud.ended(response.text("file_id"), 1).await;
    for again in [bank.upload(&file).await.accepted(), bank.create_upload(&file).await.accepted()] {
        for (member, expected) in [
            ("file_id", &response.body["file_id"]),
            ("status_path", &response.body["status_path"]),
            ("s3_key", &response.body["s3_key"]),
            ("status", &json!("completed")),
            ("duplicate", &json!(true)),
            ("row_count", &json!(1)),
            ("totals", &json!({"USD": "12.34"})),
            ("superseded_by", &json!([])),
            ("upload", &Value::Null),
        ] {
            assert_eq!(&again.body[member], expected, "{member}: {}", again.body);
        }
        assert!(again.text("message").contains("reprocess_attempt="), "{}", again.body);
    }
    // The other order.
    let file = files::file(&[record(&unique())]);
    let (uploaded, _) = bank.upload_and_complete(&file).await;
    let created = bank.create_upload(&file).await.accepted();
    assert_eq!(created.text("file_id"), uploaded.text("file_id"));
    assert_eq!((&created.body["duplicate"], &created.body["upload"]), (&json!(true), &Value::Null));
    // An upload is created, and the file is then sent to /upload: the waiting attempt is the one that is processed.
    let file = files::file(&[record(&unique())]);
    let created = bank.create_upload(&file).await.accepted();
    let (uploaded, row) = bank.upload_and_complete(&file).await;
    assert_eq!((uploaded.text("file_id"), &row["attempt"]), (created.text("file_id"), &json!("1")), "{row}");
    assert_eq!(put(&cloud, &created.body["upload"], &file).await.0, 200);
    let object = cloud.object(created.text("s3_key")).await;
    cloud.run_workflow(&cloud.event_of(&object)).await;
    assert_eq!(cloud.status_row(uploaded.text("file_id")).await.unwrap()["history"], row["history"]);
}

#[tokio::test]
async fn accepts_only_the_file_the_upload_was_created_for() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let file = files::file(&[record("T1")]);
    let response = bank.create_upload(&file).await.accepted();
    let url = response.body["upload"]["url"].as_str().unwrap();
    let sha256 = response.body["upload"]["headers"]["x-amz-checksum-sha256"].as_str().unwrap();
    let checksum = ("x-amz-checksum-sha256", sha256);
    let other = String::from_utf8(file.clone()).unwrap().replace("12.34", "12.35").into_bytes();
    let others = base64(&digest(&other).to_bytes());
    let (unsigned, query) = url.split_once('?').unwrap();
    let id = response.text("file_id");
    let elsewhere = url.replace(id, &file_id(&bank.partner, b"another"));
    let validated = url.replace(&format!("incoming/{}/", bank.partner), "validated/");
    let longer = query.replace("X-Amz-Expires=900", "X-Amz-Expires=9000");
    assert!(elsewhere != url && validated != url && longer != query);
    let longer = format!("{unsigned}?{longer}");
    let no_match = "SignatureDoesNotMatch";
    for (what, method, url, headers, bytes, rejection) in [
        ("another body of the same size", Method::PUT, url, vec![checksum], &other, (400, "BadDigest")),
        ("another digest", Method::PUT, url, vec![("x-amz-checksum-sha256", others.as_str())], &other, (403, no_match)),
        ("no digest", Method::PUT, url, vec![], &file, (403, no_match)),
        ("another size", Method::PUT, url, vec![checksum], &[&file[..], b"\n"].concat(), (403, no_match)),
        ("nothing", Method::PUT, url, vec![checksum], &Vec::new(), (403, no_match)),
        ("another key", Method::PUT, &elsewhere, vec![checksum], &file, (403, no_match)),
        ("another prefix", Method::PUT, &validated, vec![checksum], &file, (403, no_match)),
        ("a longer time", Method::PUT, &longer, vec![checksum], &file, (403, no_match)),
        ("no signature", Method::PUT, unsigned, vec![checksum], &file, (403, "AccessDenied")),
        // Whichever S3 checks first, the signature or the role: neither allows it.
        ("another method", Method::GET, url, vec![], &Vec::new(), (403, "<Error>")),
        ("deletion", Method::DELETE, url, vec![], &Vec::new(), (403, "<Error>")),
    ] {
        let (status, body) = send(&cloud, method, url, &headers, bytes).await;
        assert_eq!((status, body.contains(rejection.1)), (rejection.0, true), "{what}: {body}");
    }
    let row = cloud.status_row(id).await.unwrap();
    assert_eq!(row["status"], "awaiting_upload", "nothing has arrived: {row}");
    assert_eq!(put(&cloud, &response.body["upload"], &file).await.0, 200);
    assert_eq!(cloud.ended(id, 1).await["status"], "completed");
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// The URLs of the API are valid for 900 seconds (`adapters` has a test of that); this one is older.
#[tokio::test]
async fn a_presigned_url_expires() {
    let cloud = Cloud::open().await;
    for (age_seconds, status, part) in [(600, 200, ""), (901, 403, "Request has expired")] {
        let start = SystemTime::now() - Duration::from_secs(age_seconds);
        let expiry =
            PresigningConfig::builder().start_time(start).expires_in(Duration::from_secs(900)).build().unwrap();
        let sha256 = base64(&digest(b"a file").to_bytes());
        let url = cloud.s3().put_object().bucket(&cloud.stack.bucket).key(format!("other/{}", unique()));
        let url = url.content_length(6).checksum_sha256(&sha256).presigned(expiry).await.unwrap();
        let headers = [("x-amz-checksum-sha256", sha256.as_str())];
        let (found, body) = send(&cloud, Method::PUT, url.uri(), &headers, b"a file").await;
        assert_eq!((found, body.contains(part)), (status, true), "{age_seconds} s old: {body}");
    }
}

#[tokio::test]
async fn rejects_a_malformed_upload_creation_by_name() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let sha256 = digest(b"a file");
    let of = |size: &str| format!(r#"{{"size": {size}, "sha256": "{}"}}"#, sha256.as_str());
    for (body, status, code) in [
        (String::new(), 400, "body_missing"),
        ("size=1".to_owned(), 400, "json_malformed"),
        ("[]".to_owned(), 400, "object_missing"),
        (r#"{"size": 1}"#.to_owned(), 400, "sha256_missing"),
        (r#"{"sha256": "x"}"#.to_owned(), 400, "size_missing"),
        (of("\"1\""), 400, "size_malformed"),
        (of("1.5"), 400, "size_malformed"),
        (of("0"), 400, "size_malformed"),
        (of("1").replace(sha256.as_str(), "00"), 400, "sha256_malformed"),
        (of("1, \"reprocess\": true"), 400, "member_unexpected"),
        (of("1073741825"), 413, "file_too_large"),
        (of(&" ".repeat(20_000)), 413, "request_too_large"),
    ] {
        let response = bank.create_upload_with_body("/uploads", Some("application/json"), body.clone()).await;
        // API Gateway validates a body by its model, as the function does.
        let by_the_gateway = response.status == 400 && response.error() == "body_invalid";
        assert!(by_the_gateway || (response.status, response.error()) == (status, code), "{body}: {}", response.body);
        response.assert_rejected(response.status, response.error());
    }
    let too_large = bank.create_upload_with_body("/uploads", Some("application/json"), of("1073741825")).await;
    assert!(too_large.text("message").contains("Split it"), "without a fix: {}", too_large.body);
    bank.create_upload_with_body("/uploads", Some("text/plain"), of("1"))
        .await
        .assert_rejected(415, "content_type_unsupported");
    bank.create_upload_with_body("/uploads", None, of("1")).await.assert_rejected(400, "header_missing");
    bank.create_upload_with_body("/uploads", Some("application/json; charset=utf-8"), of("1073741824"))
        .await
        .accepted();
    cloud.request(Method::POST, "/uploads", None).await.assert_rejected(403, "api_key_invalid");
    cloud.request(Method::GET, "/uploads", Some(&bank.key)).await.assert_rejected(404, "route_not_found");
}

#[tokio::test]
async fn an_invalid_large_file_gets_a_report_of_every_error() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let subscriber = cloud.subscribe(json!({"partner": [bank.partner]})).await;
    let file = String::from_utf8(files::file_of_bytes(5_000_000)).unwrap().replace(",USD,", ",usd,").into_bytes();
    let response = bank.create_upload(&file).await.accepted();
    assert_eq!(put(&cloud, &response.body["upload"], &file).await.0, 200);
    let ended = cloud.rejected_with(response.text("s3_key"), "InvalidCsv").await;
    let cause = ended["output"]["validation"]["rejection"]["cause"].as_str().unwrap();
    assert!(cause.contains("reports/"), "{ended}");
    let status = cloud.get(response.text("status_path")).await.accepted().body;
    assert_eq!((&status["status"], &status["error_count"]), (&json!("validation_failed"), &json!(1_666)), "{status}");
    assert_eq!(statuses(&status["history"]), ["awaiting_upload", "validating", "validation_failed"]);
    let report = cloud.http.get(status["report_url"].as_str().unwrap()).send().await.unwrap().text().await.unwrap();
    assert_eq!(report.lines().count(), 1 + 1_666);
    assert!(report.lines().skip(1).all(|line| line.contains(",currency_unknown,")), "{report}");
    assert_eq!(bank.transaction("T000000").await, None);
    assert_eq!(subscriber.next().await.message["status"], "validation_failed");

    // A newly created upload is shown in addition to the file's outcome, and does not hide it.
    let again = bank.create_upload(&file).await.accepted();
    assert!(again.text("message").contains("rejected before"), "{}", again.body);
    let status = cloud.get(again.text("status_path")).await.accepted().body;
    assert_eq!((&status["status"], &status["attempt"]), (&json!("validation_failed"), &json!(1)), "{status}");
    assert!(status["report_url"].is_string() && status["error_count"] == 1_666, "{status}");
    assert_eq!(status["upload"]["expires_at"], again.body["upload"]["expires_at"]);
}

#[tokio::test]
async fn an_object_without_a_created_upload_has_no_owner() {
    let cloud = Cloud::open().await;
    let (bank, stranger) = (cloud.partner().await, cloud.partner().await);
    let file = files::file(&[record("T1")]);
    let id = file_id(&bank.partner, &file);
    let own = format!("incoming/{}/{id}.csv", bank.partner);
    // No upload was created; then one was, and its object is under the prefix of another partner, or under another
    // name.
    cloud.put_object(&own, &file, &[]).await;
    cloud.rejected_with(&own, "UnknownPartner").await;
    assert_eq!(cloud.status_row(&id).await, None);
    let response = bank.create_upload(&file).await.accepted();
    for key in [
        format!("incoming/{}/{id}.csv", stranger.partner),
        format!("incoming/{}/{}.csv", bank.partner, file_id(&bank.partner, b"another")),
        format!("incoming/{}/{id}.csv.csv", bank.partner),
        format!("incoming/{}/day/{id}.csv", bank.partner),
    ] {
        cloud.put_object(&key, &file, &[]).await;
        cloud.rejected_with(&key, "UnknownPartner").await;
        let row = cloud.status_row(&id).await.unwrap();
        assert_eq!(row["status"], "awaiting_upload", "{key} does not change the file: {row}");
    }
    // Another principal of the account puts other bytes under the awaited key.
    cloud.put_object(&own, b"other bytes", &[]).await;
    cloud.rejected_with(&own, "ContentDiffers").await;
    let row = cloud.status_row(&id).await.unwrap();
    assert_eq!(row["status"], "awaiting_upload", "other bytes do not change the file: {row}");
    // The URL is still valid.
    assert_eq!(put(&cloud, &response.body["upload"], &file).await.0, 200);
    assert_eq!(cloud.ended(&id, 1).await["status"], "completed");
}
