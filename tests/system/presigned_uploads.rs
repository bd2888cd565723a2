//! Large files: announced to the API, put straight into the bucket by the URL of its answer, and followed like any other.

use crate::support::cloud::{Cloud, unique};
use crate::support::files::{self, decimal, digest, file_id, record};
use crate::support::upload::{Answer, Uploader, WHOLE_WAY, statuses};
use aws_sdk_s3::presigning::PresigningConfig;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};

/// Larger than what fits through `POST /upload`, and of few records, since the emulator's table is slow.
const LARGE_FILE_BYTES: usize = 12_000_000;

impl Uploader<'_> {
    /// Announces a file, with what is true of it.
    pub(crate) async fn announce(&self, file: &[u8]) -> Answer {
        self.announce_to("/uploads", file).await
    }

    /// Announces a file and asks for it to be processed again.
    pub(crate) async fn announce_again(&self, file: &[u8]) -> Answer {
        let known = self.announce(file).await.accepted();
        self.announce_to(&format!("/uploads?reprocess_attempt={}", known.body["attempt"]), file).await
    }

    async fn announce_to(&self, path: &str, file: &[u8]) -> Answer {
        let body = json!({"size": file.len(), "sha256": digest(file).as_str()});
        self.announce_body(path, Some("application/json"), body.to_string()).await
    }

    pub(crate) async fn announce_body(&self, path: &str, content_type: Option<&str>, body: String) -> Answer {
        let url = format!("{}{path}", self.cloud.stack.api_url);
        let mut request = self.cloud.http.post(url).header("x-api-key", &self.key).body(body);
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        Answer::of(request).await
    }
}

/// Sends bytes as the `upload` of an answer says. Returns the HTTP status, and the body, which S3 writes as XML.
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
async fn a_large_file_is_announced_put_and_processed() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let file = files::file_of_bytes(LARGE_FILE_BYTES);
    let answer = bank.announce(&file).await.accepted();
    let id = file_id(&bank.partner, &file);
    let key = format!("incoming/{}/{id}.csv", bank.partner);
    assert_eq!((answer.text("file_id"), answer.text("s3_key")), (id.as_str(), key.as_str()));
    assert_eq!((answer.text("status"), &answer.body["duplicate"]), ("awaiting_upload", &json!(false)));
    let upload = &answer.body["upload"];
    assert_eq!((&upload["method"], &upload["expires_in_seconds"]), (&json!("PUT"), &json!(900)));
    assert_eq!(upload["headers"]["content-length"], LARGE_FILE_BYTES.to_string());
    // Lambda's own trace is no part of what is signed.
    assert_eq!(upload["headers"].as_object().unwrap().len(), 2, "{upload}");

    let waiting = cloud.get(answer.text("status_path")).await.accepted().body;
    assert_eq!((&waiting["status"], &waiting["row_count"]), (&json!("awaiting_upload"), &Value::Null));
    assert_eq!((&waiting["upload"]["expires_at"], &waiting["received_at"]), (&upload["expires_at"], &Value::Null));

    let (status, body) = put(&cloud, upload, &file).await;
    assert_eq!(status, 200, "{body}");
    let followed = cloud.follow(answer.text("status_path")).await;
    assert_eq!(followed["status"], "completed", "{followed}");
    assert_eq!(statuses(&followed["history"]), [&["awaiting_upload"], &WHOLE_WAY[..]].concat());
    assert_eq!((&followed["row_count"], &followed["upload"]), (&json!(4_000), &Value::Null));
    assert_eq!((&followed["rows_stored"], &followed["totals"]), (&json!(4_000), &json!({"USD": "49360.00"})));
    let stored = bank.transaction("T003999").await.unwrap();
    assert_eq!((decimal(stored["amount"].as_str().unwrap()), &stored["file_id"]), ("12.34".to_owned(), &json!(id)));
    let row = cloud.status_row(&id).await.unwrap();
    assert_eq!((&row["key"], &row["partner"]), (&json!(key), &json!(bank.partner)), "{row}");
    assert_eq!(row["sha256"], digest(&file).as_str());
}

#[tokio::test]
async fn on_either_road_the_same_content_is_the_same_file() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    // First announced, then sent to /upload.
    let file = files::file(&[record(&unique())]);
    let answer = bank.announce(&file).await.accepted();
    assert_eq!(put(&cloud, &answer.body["upload"], &file).await.0, 200);
    cloud.ended(answer.text("file_id"), 1).await;
    for again in [bank.upload(&file).await.accepted(), bank.announce(&file).await.accepted()] {
        for (member, expected) in [
            ("file_id", &answer.body["file_id"]),
            ("status_path", &answer.body["status_path"]),
            ("s3_key", &answer.body["s3_key"]),
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
    // The other way round.
    let file = files::file(&[record(&unique())]);
    let (uploaded, _) = bank.upload_and_complete(&file).await;
    let announced = bank.announce(&file).await.accepted();
    assert_eq!(announced.text("file_id"), uploaded.text("file_id"));
    assert_eq!((&announced.body["duplicate"], &announced.body["upload"]), (&json!(true), &Value::Null));
    // Announced, and then sent to /upload all the same: the attempt that waits is the one that is worked on.
    let file = files::file(&[record(&unique())]);
    let announced = bank.announce(&file).await.accepted();
    let (uploaded, row) = bank.upload_and_complete(&file).await;
    assert_eq!((uploaded.text("file_id"), &row["attempt"]), (announced.text("file_id"), &json!("1")), "{row}");
    assert_eq!(put(&cloud, &announced.body["upload"], &file).await.0, 200);
    let object = cloud.object(announced.text("s3_key")).await;
    cloud.run_workflow(&cloud.event_of(&object)).await;
    assert_eq!(cloud.status_row(uploaded.text("file_id")).await.unwrap()["history"], row["history"]);
}

#[tokio::test]
async fn nothing_but_what_was_announced_is_taken() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let file = files::file(&[record("T1")]);
    let answer = bank.announce(&file).await.accepted();
    let url = answer.body["upload"]["url"].as_str().unwrap();
    let sha256 = answer.body["upload"]["headers"]["x-amz-checksum-sha256"].as_str().unwrap();
    let checksum = ("x-amz-checksum-sha256", sha256);
    let other = String::from_utf8(file.clone()).unwrap().replace("12.34", "12.35").into_bytes();
    let others = base64(&digest(&other).to_bytes());
    let (unsigned, query) = url.split_once('?').unwrap();
    let id = answer.text("file_id");
    let elsewhere = url.replace(id, &file_id(&bank.partner, b"another"));
    let validated = url.replace(&format!("incoming/{}/", bank.partner), "validated/");
    let longer = query.replace("X-Amz-Expires=900", "X-Amz-Expires=9000");
    assert!(elsewhere != url && validated != url && longer != query);
    let longer = format!("{unsigned}?{longer}");
    let no_match = "SignatureDoesNotMatch";
    for (what, method, url, headers, bytes, refusal) in [
        ("another body of the same size", Method::PUT, url, vec![checksum], &other, (400, "BadDigest")),
        ("another digest", Method::PUT, url, vec![("x-amz-checksum-sha256", others.as_str())], &other, (403, no_match)),
        ("no digest", Method::PUT, url, vec![], &file, (403, no_match)),
        ("another size", Method::PUT, url, vec![checksum], &[&file[..], b"\n"].concat(), (403, no_match)),
        ("nothing", Method::PUT, url, vec![checksum], &Vec::new(), (403, no_match)),
        ("another key", Method::PUT, &elsewhere, vec![checksum], &file, (403, no_match)),
        ("another prefix", Method::PUT, &validated, vec![checksum], &file, (403, no_match)),
        ("a longer time", Method::PUT, &longer, vec![checksum], &file, (403, no_match)),
        ("no signature", Method::PUT, unsigned, vec![checksum], &file, (403, "AccessDenied")),
        // Whichever S3 looks at first, the signature or the role: neither allows it.
        ("another method", Method::GET, url, vec![], &Vec::new(), (403, "<Error>")),
        ("deletion", Method::DELETE, url, vec![], &Vec::new(), (403, "<Error>")),
    ] {
        let (status, body) = send(&cloud, method, url, &headers, bytes).await;
        assert_eq!((status, body.contains(refusal.1)), (refusal.0, true), "{what}: {body}");
    }
    let row = cloud.status_row(id).await.unwrap();
    assert_eq!(row["status"], "awaiting_upload", "nothing has arrived: {row}");
    assert_eq!(put(&cloud, &answer.body["upload"], &file).await.0, 200);
    assert_eq!(cloud.ended(id, 1).await["status"], "completed");
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// The URLs of the API work for 900 seconds (`adapters` has a test of that); here one is made that is older.
#[tokio::test]
async fn a_url_ends_with_its_time() {
    let cloud = Cloud::open().await;
    for (age_seconds, status, said) in [(600, 200, ""), (901, 403, "Request has expired")] {
        let start = SystemTime::now() - Duration::from_secs(age_seconds);
        let expiry =
            PresigningConfig::builder().start_time(start).expires_in(Duration::from_secs(900)).build().unwrap();
        let sha256 = base64(&digest(b"a file").to_bytes());
        let url = cloud.s3().put_object().bucket(&cloud.stack.bucket).key(format!("other/{}", unique()));
        let url = url.content_length(6).checksum_sha256(&sha256).presigned(expiry).await.unwrap();
        let headers = [("x-amz-checksum-sha256", sha256.as_str())];
        let (found, body) = send(&cloud, Method::PUT, url.uri(), &headers, b"a file").await;
        assert_eq!((found, body.contains(said)), (status, true), "{age_seconds} s old: {body}");
    }
}

#[tokio::test]
async fn an_announcement_that_is_none_is_refused_by_name() {
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
        let answer = bank.announce_body("/uploads", Some("application/json"), body.clone()).await;
        // API Gateway holds a body to its model, as the function does.
        let by_the_gateway = answer.status == 400 && answer.error() == "body_invalid";
        assert!(by_the_gateway || (answer.status, answer.error()) == (status, code), "{body}: {}", answer.body);
        answer.refused(answer.status, answer.error());
    }
    let too_large = bank.announce_body("/uploads", Some("application/json"), of("1073741825")).await;
    assert!(too_large.text("message").contains("Split it"), "what to do: {}", too_large.body);
    bank.announce_body("/uploads", Some("text/plain"), of("1")).await.refused(415, "content_type_unsupported");
    bank.announce_body("/uploads", None, of("1")).await.refused(400, "header_missing");
    bank.announce_body("/uploads", Some("application/json; charset=utf-8"), of("1073741824")).await.accepted();
    cloud.request(Method::POST, "/uploads", None).await.refused(403, "api_key_invalid");
    cloud.request(Method::GET, "/uploads", Some(&bank.key)).await.refused(404, "route_not_found");
}

#[tokio::test]
async fn a_bad_large_file_gets_a_report_of_every_error() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let subscriber = cloud.subscribe(json!({"partner": [bank.partner]})).await;
    let file = String::from_utf8(files::file_of_bytes(5_000_000)).unwrap().replace(",USD,", ",usd,").into_bytes();
    let answer = bank.announce(&file).await.accepted();
    assert_eq!(put(&cloud, &answer.body["upload"], &file).await.0, 200);
    let letter = cloud.rejected_with(answer.text("s3_key"), "InvalidCsv").await;
    let cause = letter["output"]["validation"]["rejection"]["cause"].as_str().unwrap();
    assert!(cause.contains("reports/"), "{letter}");
    let status = cloud.get(answer.text("status_path")).await.accepted().body;
    assert_eq!((&status["status"], &status["error_count"]), (&json!("validation_failed"), &json!(1_666)), "{status}");
    assert_eq!(statuses(&status["history"]), ["awaiting_upload", "validating", "validation_failed"]);
    let report = cloud.http.get(status["report_url"].as_str().unwrap()).send().await.unwrap().text().await.unwrap();
    assert_eq!(report.lines().count(), 1 + 1_666);
    assert!(report.lines().skip(1).all(|line| line.contains(",currency_unknown,")), "{report}");
    assert_eq!(bank.transaction("T000000").await, None);
    assert_eq!(subscriber.next().await.message["status"], "validation_failed");

    // An upload that is created again stands beside what is true of the file, and hides nothing of it.
    let again = bank.announce(&file).await.accepted();
    assert!(again.text("message").contains("rejected before"), "{}", again.body);
    let status = cloud.get(again.text("status_path")).await.accepted().body;
    assert_eq!((&status["status"], &status["attempt"]), (&json!("validation_failed"), &json!(1)), "{status}");
    assert!(status["report_url"].is_string() && status["error_count"] == 1_666, "{status}");
    assert_eq!(status["upload"]["expires_at"], again.body["upload"]["expires_at"]);
}

#[tokio::test]
async fn what_the_api_was_not_told_of_is_nobodys() {
    let cloud = Cloud::open().await;
    let (bank, stranger) = (cloud.partner().await, cloud.partner().await);
    let file = files::file(&[record("T1")]);
    let id = file_id(&bank.partner, &file);
    let own = format!("incoming/{}/{id}.csv", bank.partner);
    // Nothing was announced; then something was, and lies under the prefix of another, or under another name.
    cloud.put_object(&own, &file, &[]).await;
    cloud.rejected_with(&own, "UnknownPartner").await;
    assert_eq!(cloud.status_row(&id).await, None);
    let answer = bank.announce(&file).await.accepted();
    for key in [
        format!("incoming/{}/{id}.csv", stranger.partner),
        format!("incoming/{}/{}.csv", bank.partner, file_id(&bank.partner, b"another")),
        format!("incoming/{}/{id}.csv.csv", bank.partner),
        format!("incoming/{}/day/{id}.csv", bank.partner),
    ] {
        cloud.put_object(&key, &file, &[]).await;
        cloud.rejected_with(&key, "UnknownPartner").await;
        let row = cloud.status_row(&id).await.unwrap();
        assert_eq!(row["status"], "awaiting_upload", "{key} is nothing to the file: {row}");
    }
    // Somebody of the account puts other bytes where the file is awaited.
    cloud.put_object(&own, b"other bytes", &[]).await;
    cloud.rejected_with(&own, "ContentDiffers").await;
    let row = cloud.status_row(&id).await.unwrap();
    assert_eq!(row["status"], "awaiting_upload", "other bytes are nothing to the file: {row}");
    // The URL still works.
    assert_eq!(put(&cloud, &answer.body["upload"], &file).await.0, 200);
    assert_eq!(cloud.ended(&id, 1).await["status"], "completed");
}
