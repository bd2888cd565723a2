//! Request bodies, raw: what a client may send, what is refused, and with which code.

use crate::cloud::Cloud;
use crate::files::{self, body, file_part, part, record};
use crate::upload::Answer;
use futures::StreamExt;
use serde_json::{Value, json};

const BOUNDARY: &str = "----boundary7MA4YWxk";
const TYPE: &str = "multipart/form-data; boundary=----boundary7MA4YWxk";
const DISPOSITION: &str = "Content-Disposition: form-data; name=\"file\"; filename=\"day.csv\"";
const REQUESTS_AT_ONCE: usize = 6;

/// A request, and the status and code that it gets; no code where the file is taken.
struct Request {
    what: &'static str,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    status: u16,
    code: &'static str,
}

fn request(
    what: &'static str,
    content_type: impl Into<String>,
    body: Vec<u8>,
    status: u16,
    code: &'static str,
) -> Request {
    Request { what, headers: vec![("content-type", content_type.into())], body, status, code }
}

impl Request {
    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

fn sound_file() -> Vec<u8> {
    files::file(&[record("T1")])
}

/// Sends every request as a partner of its own. A refusal must be one of ours, with its members; what is taken
/// must lie under the key that follows from its content alone.
async fn check(requests: Vec<Request>) {
    let cloud = Cloud::open().await;
    let deviations: Vec<String> = futures::stream::iter(requests)
        .map(async |request| {
            let bank = cloud.partner().await;
            let headers: Vec<(&str, &str)> =
                request.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let answer = bank.post(&headers, request.body).await;
            if answer.status != request.status || answer.error() != request.code {
                let expected = (request.status, request.code);
                return vec![format!("{}: expected {expected:?}, got {} {}", request.what, answer.status, answer.body)];
            }
            if request.status != 200 {
                answer.refused(request.status, request.code);
            } else {
                let key = format!("validated/{}.csv", files::file_id(&bank.partner, &sound_file()));
                assert_eq!(answer.text("s3_key"), key, "{}", request.what);
            }
            Vec::new()
        })
        .buffer_unordered(REQUESTS_AT_ONCE)
        .concat()
        .await;
    assert!(deviations.is_empty(), "{} deviations:\n{}", deviations.len(), deviations.join("\n"));
}

#[tokio::test]
async fn what_is_well_formed_is_taken() {
    let file = sound_file();
    let sound = body(BOUNDARY, &[file_part(&file)]);
    let longest = "b".repeat(70);
    let named = |filename: &str| {
        body(
            BOUNDARY,
            &[part(&[&format!("Content-Disposition: form-data; name=\"file\"; filename=\"{filename}\"")], &file)],
        )
    };
    check(vec![
        request("plain", TYPE, sound.clone(), 200, ""),
        request("a quoted boundary", format!("multipart/form-data; boundary=\"{BOUNDARY}\""), sound.clone(), 200, ""),
        request(
            "capitals and a charset",
            format!("Multipart/Form-Data; charset=utf-8; BOUNDARY={BOUNDARY}"),
            sound.clone(),
            200,
            "",
        ),
        request(
            "a boundary of 70 characters",
            format!("multipart/form-data; boundary={longest}"),
            body(&longest, &[file_part(&file)]),
            200,
            "",
        ),
        request(
            "a part without a filename",
            TYPE,
            body(BOUNDARY, &[part(&["Content-Disposition: form-data; name=\"file\""], &file)]),
            200,
            "",
        ),
        request(
            "a part of another type",
            TYPE,
            body(BOUNDARY, &[part(&[DISPOSITION, "Content-Type: application/octet-stream"], &file)]),
            200,
            "",
        ),
        request("a filename that climbs", TYPE, named("../../etc/passwd"), 200, ""),
        request("a filename that climbs in another way", TYPE, named("..\\\\..\\\\x%2f..%2f%00"), 200, ""),
        request("a filename with an encoded line break", TYPE, named("a%0D%0AX-Evil: 1"), 200, ""),
        request("a filename of 300 characters", TYPE, named(&"n".repeat(300)), 200, ""),
        request("identity as content encoding", TYPE, sound.clone(), 200, "").with("content-encoding", "identity"),
    ])
    .await;
}

#[tokio::test]
async fn what_is_malformed_is_refused() {
    let file = sound_file();
    let sound = body(BOUNDARY, &[file_part(&file)]);
    let too_long = "b".repeat(71);
    let cut = |bytes: usize| sound[..sound.len() - bytes].to_vec();
    let closing = format!("\r\n--{BOUNDARY}--\r\n").len();
    let headed = |headers: &[&str]| body(BOUNDARY, &[part(headers, &file)]);
    let other_part = part(&["Content-Disposition: form-data; name=\"note\""], b"hello");
    check(vec![
        request("no boundary", "multipart/form-data", sound.clone(), 400, "boundary_missing"),
        request("an empty boundary", "multipart/form-data; boundary=", sound.clone(), 400, "boundary_missing"),
        request(
            "an empty quoted boundary",
            "multipart/form-data; boundary=\"\"",
            sound.clone(),
            400,
            "boundary_missing",
        ),
        request(
            "a boundary of 71 characters",
            format!("multipart/form-data; boundary={too_long}"),
            body(&too_long, &[file_part(&file)]),
            400,
            "boundary_too_long",
        ),
        request("two boundaries", format!("{TYPE}; boundary=other"), sound.clone(), 400, "boundary_repeated"),
        request(
            "the same boundary twice",
            format!("{TYPE}; boundary={BOUNDARY}"),
            sound.clone(),
            400,
            "boundary_repeated",
        ),
        request(
            "another boundary than the body's",
            "multipart/form-data; boundary=other",
            sound.clone(),
            400,
            "multipart_incomplete",
        ),
        request("no closing boundary", TYPE, cut(closing), 400, "multipart_incomplete"),
        request("a closing boundary without its hyphens", TYPE, cut(4), 400, "multipart_incomplete"),
        request("cut inside the file", TYPE, cut(closing + 20), 400, "multipart_incomplete"),
        request(
            "cut inside the part's headers",
            TYPE,
            sound[..BOUNDARY.len() + 20].to_vec(),
            400,
            "multipart_incomplete",
        ),
        request("no body", TYPE, Vec::new(), 400, "body_missing"),
        request("no part", TYPE, format!("--{BOUNDARY}--\r\n").into_bytes(), 400, "file_part_missing"),
        request("two files", TYPE, body(BOUNDARY, &[file_part(&file), file_part(&file)]), 400, "file_part_repeated"),
        request(
            "another part after the file",
            TYPE,
            body(BOUNDARY, &[file_part(&file), other_part.clone()]),
            400,
            "part_unexpected",
        ),
        request(
            "another part before the file",
            TYPE,
            body(BOUNDARY, &[other_part.clone(), file_part(&file)]),
            400,
            "part_unexpected",
        ),
        request("only another part", TYPE, body(BOUNDARY, &[other_part]), 400, "part_unexpected"),
        request(
            "a file under another name",
            TYPE,
            headed(&["Content-Disposition: form-data; name=\"File\"; filename=\"day.csv\""]),
            400,
            "part_unexpected",
        ),
        request("a part without a name", TYPE, headed(&["Content-Disposition: form-data"]), 400, "part_unexpected"),
        request("a part without a disposition", TYPE, headed(&["Content-Type: text/csv"]), 400, "part_unexpected"),
        request("a disposition twice", TYPE, headed(&[DISPOSITION, DISPOSITION]), 400, "part_header_repeated"),
        request(
            "two dispositions that differ",
            TYPE,
            headed(&[DISPOSITION, "Content-Disposition: form-data; name=\"note\""]),
            400,
            "part_header_repeated",
        ),
        request(
            "part headers over 8 KiB",
            TYPE,
            headed(&[DISPOSITION, &format!("X-Long: {}", "x".repeat(8_200))]),
            400,
            "part_headers_too_large",
        ),
        request(
            "part headers over 8 KiB in many lines",
            TYPE,
            headed(&[&[DISPOSITION][..], &["X-A: bcdefghijklmnopqrstuvwxyz"; 400]].concat()),
            400,
            "part_headers_too_large",
        ),
        request("a header that is none", TYPE, headed(&[DISPOSITION, "no colon here"]), 400, "multipart_malformed"),
        request(
            "a NUL in the filename",
            TYPE,
            headed(&["Content-Disposition: form-data; name=\"file\"; filename=\"a\0.csv\""]),
            400,
            "multipart_malformed",
        ),
    ])
    .await;
}

#[tokio::test]
async fn what_is_no_plain_csv_is_refused() {
    let file = sound_file();
    let sound = body(BOUNDARY, &[file_part(&file)]);
    let compressed = |magic: &[u8]| body(BOUNDARY, &[file_part(&[magic, &file].concat())]);
    check(vec![
        request("CSV as the body itself", "text/csv", file.clone(), 415, "content_type_unsupported"),
        request("JSON", "application/json", b"{}".to_vec(), 415, "content_type_unsupported"),
        request(
            "a form of another kind",
            "application/x-www-form-urlencoded",
            b"file=x".to_vec(),
            415,
            "content_type_unsupported",
        ),
        request(
            "multipart of another kind",
            format!("multipart/mixed; boundary={BOUNDARY}"),
            sound.clone(),
            415,
            "content_type_unsupported",
        ),
        request("gzip", TYPE, compressed(b"\x1f\x8b\x08\x00"), 415, "file_compressed"),
        request("zip", TYPE, compressed(b"PK\x03\x04"), 415, "file_compressed"),
        request("gzip as content encoding", TYPE, sound.clone(), 415, "content_encoding_unsupported")
            .with("content-encoding", "gzip"),
        request("deflate as content encoding", TYPE, sound.clone(), 415, "content_encoding_unsupported")
            .with("content-encoding", "deflate"),
        request(
            "gzip as the part's encoding",
            TYPE,
            body(BOUNDARY, &[part(&[DISPOSITION, "Content-Encoding: gzip"], &file)]),
            415,
            "content_encoding_unsupported",
        ),
    ])
    .await;
}

#[tokio::test]
async fn size_is_limited_exactly() {
    const LIMIT: usize = 4_500_000;
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let largest = files::file_of_bytes(LIMIT);
    let answer = bank.upload(&largest).await.accepted();
    let row = cloud.ended(answer.text("file_id"), 1).await;
    assert_eq!(row["status"], "completed", "{row}");

    let too_large = [&largest[..], b"\n"].concat();
    let answer = bank.upload(&too_large).await;
    answer.refused(413, "file_too_large");
    assert!(answer.text("message").contains("POST /uploads"), "the way for large files: {}", answer.body);
    let answer = bank.upload(&files::file_of_bytes(11_000_000)).await;
    assert_eq!(answer.status, 413, "{}", answer.body);
    assert!(["file_too_large", "request_too_large"].contains(&answer.error()), "{}", answer.body);
    answer.refused(413, answer.error());
}

/// The gateway never hands over a body like these, so the function is called as the gateway would.
#[tokio::test]
async fn a_body_that_no_gateway_sends_is_refused() {
    let cloud = Cloud::open().await;
    let sound = String::from_utf8(body(BOUNDARY, &[file_part(&sound_file())])).unwrap();
    for (what, body, is_base64, code) in [
        ("no base64", json!("!!! no base64 !!!"), true, "body_not_base64"),
        ("base64 cut short", json!("YWJjZ"), true, "body_not_base64"),
        ("text that claims to be base64", json!(sound), true, "body_not_base64"),
        ("base64 that claims to be text", json!("YWJjZGVm"), false, "multipart_incomplete"),
        ("no body", Value::Null, false, "body_missing"),
        ("no body that claims to be base64", Value::Null, true, "body_missing"),
    ] {
        let answer = call_as_gateway(&cloud, body, is_base64).await;
        assert_eq!((answer.status, answer.error()), (400, code), "{what}: {}", answer.body);
        answer.refused(400, code);
    }
}

async fn call_as_gateway(cloud: &Cloud, body: Value, is_base64: bool) -> Answer {
    let event = json!({
        "resource": "/upload", "path": "/upload", "httpMethod": "POST",
        "headers": {"Content-Type": TYPE, "x-api-key": cloud.stack.api_keys[0]},
        "multiValueHeaders": {"Content-Type": [TYPE], "x-api-key": [cloud.stack.api_keys[0]]},
        "queryStringParameters": null, "multiValueQueryStringParameters": null,
        "pathParameters": null, "stageVariables": null,
        "requestContext": {
            "accountId": "000000000000", "apiId": cloud.stack.api_id, "stage": "prod", "requestId": "request-1",
            "resourcePath": "/upload", "httpMethod": "POST", "path": "/prod/upload", "protocol": "HTTP/1.1",
            "requestTimeEpoch": 1_768_471_200_000_u64, "identity": {"sourceIp": "127.0.0.1"},
        },
        "body": body, "isBase64Encoded": is_base64,
    });
    let answer = cloud.invoke("csv-validator", &event).await.unwrap();
    let headers = answer["headers"].as_object().into_iter().flatten();
    let multi = answer["multiValueHeaders"].as_object().into_iter().flatten();
    let all = headers.chain(multi).map(|(name, value)| {
        let value = value.as_str().or_else(|| value[0].as_str()).unwrap_or_default();
        (name.parse().unwrap(), value.parse().unwrap())
    });
    Answer {
        status: u16::try_from(answer["statusCode"].as_u64().unwrap()).unwrap(),
        headers: all.collect(),
        body: serde_json::from_str(answer["body"].as_str().unwrap()).unwrap(),
    }
}
