use super::reading::Window;
use super::*;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

#[test]
fn cuts_off_bytes_outside_the_requested_range() {
    let cut = |range, is_partial| {
        let mut window = Window::new(range, is_partial);
        let chunks = ["abc", "defg", "hi"].map(|chunk| window.cut(Bytes::from_static(chunk.as_bytes())));
        String::from_utf8(chunks.concat()).unwrap()
    };
    assert_eq!(cut(None, false), "abcdefghi");
    assert_eq!(cut(Some((4, 8)), false), "efgh");
    assert_eq!(cut(Some((4, 8)), true), "abcdefghi");
    assert_eq!(cut(Some((3, 3)), false), "");
}

fn store_at(endpoint: &str) -> ObjectStore {
    let configuration = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("AKIDEXAMPLE", "secret", Some("session".to_owned()), None, "test"))
        .endpoint_url(endpoint)
        .force_path_style(true)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    ObjectStore { client: Client::from_conf(configuration), bucket: "files".to_owned() }
}

#[tokio::test]
async fn the_origin_is_that_of_signed_urls() {
    for endpoint in ["http://127.0.0.1:4566", "https://s3.us-east-1.amazonaws.com"] {
        assert_eq!(store_at(endpoint).origin().await.unwrap(), endpoint);
    }
}

#[test]
fn reads_the_signed_headers_of_a_url() {
    let url = "https://h/k?X-Amz-Expires=900&X-Amz-SignedHeaders=content-length%3Bhost%3Bx-amz-checksum-sha256&X-Amz-Signature=0";
    assert_eq!(signed_headers(url), ["content-length", "host", "x-amz-checksum-sha256"]);
    assert_eq!(signed_headers("https://h/k?X-Amz-SignedHeaders=host"), ["host"]);
}

const OBJECT: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// How a server responds to requests for [`OBJECT`].
#[derive(Clone, Copy)]
struct Behavior {
    /// How many bytes of each response are sent before the connection is closed.
    bytes_per_response: usize,
    /// Whether Range headers are supported.
    supports_ranges: bool,
}

/// A server of one object that breaks its connections. Returns its store, and the Range header of each request so far.
async fn breaking_store(behavior: Behavior) -> (ObjectStore, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let store = store_at(&format!("http://{}", listener.local_addr().unwrap()));
    let ranges = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&ranges);
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let mut connection = BufReader::new(connection);
            let mut range = String::new();
            let mut line = String::new();
            while connection.read_line(&mut line).await.is_ok_and(|bytes| bytes > 2) {
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("range: bytes=") {
                    range = value.trim().to_owned();
                }
                line.clear();
            }
            seen.lock().unwrap().push(range.clone());
            let (head, body) = match range.split_once('-').filter(|_| behavior.supports_ranges) {
                Some((first, last)) => {
                    let body = &OBJECT[first.parse().unwrap()..=last.parse().unwrap()];
                    (format!("206 Partial Content\r\nContent-Range: bytes {range}/{}", OBJECT.len()), body)
                }
                None => ("200 OK".to_owned(), OBJECT),
            };
            let head = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\nETag: \"1\"\r\n\r\n", body.len());
            let sent = &body[..behavior.bytes_per_response.min(body.len())];
            connection.get_mut().write_all(&[head.as_bytes(), sent].concat()).await.unwrap();
            connection.get_mut().shutdown().await.unwrap();
        }
    });
    (store, ranges)
}

async fn read(store: &ObjectStore, range: Option<(u64, u64)>) -> Result<Vec<u8>, Failure> {
    let mut object = store.open("incoming/acme/day.csv", "v1", range).await?;
    let mut bytes = Vec::new();
    while let Some(next) = object.next().await? {
        bytes.extend_from_slice(&next);
    }
    Ok(bytes)
}

#[tokio::test]
async fn resumes_a_broken_body_from_the_next_byte() {
    let (store, ranges) = breaking_store(Behavior { bytes_per_response: 10, supports_ranges: true }).await;
    assert_eq!(read(&store, None).await.unwrap(), OBJECT);
    assert_eq!(*ranges.lock().unwrap(), ["", "10-35", "20-35", "30-35"]);

    ranges.lock().unwrap().clear();
    assert_eq!(read(&store, Some((5, 25))).await.unwrap(), OBJECT[5..25]);
    assert_eq!(*ranges.lock().unwrap(), ["5-24", "15-24"]);
}

#[tokio::test]
async fn skips_known_bytes_if_the_server_ignores_ranges() {
    let (store, ranges) = breaking_store(Behavior { bytes_per_response: 30, supports_ranges: false }).await;
    assert_eq!(read(&store, Some((4, 20))).await.unwrap(), OBJECT[4..20]);
    // It never sends more than its first 30 bytes, so the rest is unavailable.
    let failure = read(&store, None).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::StoreUnavailable);
    assert_eq!(ranges.lock().unwrap().last().unwrap(), "30-35");
}

#[tokio::test]
async fn gives_up_on_a_body_that_always_breaks() {
    let (store, ranges) = breaking_store(Behavior { bytes_per_response: 1, supports_ranges: true }).await;
    let failure = read(&store, None).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::StoreUnavailable);
    assert!(failure.detail.contains("resumed 10 times"), "{}", failure.detail);
    assert_eq!(ranges.lock().unwrap().len(), 11);
}

#[tokio::test]
async fn an_upload_url_is_signed_for_key_size_and_digest() {
    let store = store_at("https://127.0.0.1:1");
    let (partner, digest) = (Partner::named("acme").unwrap(), ContentDigest::of(b"hello"));
    let file_id = FileId::derive(&partner, &digest);
    let key = ObjectStore::presigned_key(&partner, &file_id);
    let signed = store.upload_url(&key, 5, &digest, 1_768_480_496_999).await.unwrap();
    assert_eq!(signed.method, "PUT");
    assert!(
        signed.url.starts_with(&format!("https://127.0.0.1:1/files/incoming/acme/{file_id}.csv?")),
        "{}",
        signed.url
    );
    let parameter = |name: &str| {
        let query = signed.url.split_once('?').unwrap().1;
        let found = query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")));
        found.unwrap_or_else(|| panic!("{name}: {}", signed.url)).to_owned()
    };
    // The session token of a role is part of the URL: S3 needs it to accept the key.
    assert_eq!(parameter("X-Amz-Security-Token"), "session");
    assert_eq!(parameter("X-Amz-SignedHeaders"), "content-length%3Bhost%3Bx-amz-checksum-sha256");
    assert_eq!(
        (parameter("X-Amz-Date"), parameter("X-Amz-Expires")),
        ("20260115T123456Z".to_owned(), "900".to_owned())
    );
    assert_eq!(signed.expires_at_ms, 1_768_480_496_000 + 900_000);
    let headers: Vec<(&str, &str)> =
        signed.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let checksum = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
    assert_eq!(headers, [("content-length", "5"), ("x-amz-checksum-sha256", checksum)]);
    // A different size or digest has a different signature.
    for (bytes, digest) in [(6, digest.clone()), (5, ContentDigest::of(b"other"))] {
        let other = store.upload_url(&key, bytes, &digest, 1_768_480_496_999).await.unwrap();
        assert!(!other.url.contains(&parameter("X-Amz-Signature")), "{}", other.url);
    }
}

/// A server that responds to every request with this error. Returns its store.
async fn failing_store(status: &'static str, code: &'static str) -> ObjectStore {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let store = store_at(&format!("http://{}", listener.local_addr().unwrap()));
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let mut connection = BufReader::new(connection);
            let mut line = String::new();
            while connection.read_line(&mut line).await.is_ok_and(|bytes| bytes > 2) {
                line.clear();
            }
            let body = format!("<Error><Code>{code}</Code><Message>m</Message></Error>");
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            connection.get_mut().write_all(format!("{head}{body}").as_bytes()).await.unwrap();
            connection.get_mut().shutdown().await.unwrap();
        }
    });
    store
}

/// S3 responds that an object is missing only to roles that may list the bucket. Others get `AccessDenied`.
#[tokio::test]
async fn an_expired_object_is_none_whatever_the_error_code() {
    let key = "rejected/a.csv";
    for (status, code) in
        [("404 Not Found", "NoSuchKey"), ("404 Not Found", "NoSuchVersion"), ("403 Forbidden", "AccessDenied")]
    {
        let store = failing_store(status, code).await;
        assert!(store.open_if_kept(key, "v1").await.unwrap().is_none(), "{code}");
    }
    for (status, code, kind) in [
        ("404 Not Found", "NoSuchBucket", FailureKind::AccessDenied),
        ("403 Forbidden", "SignatureDoesNotMatch", FailureKind::StoreUnavailable),
        ("503 Slow Down", "SlowDown", FailureKind::StoreUnavailable),
    ] {
        let failure = failing_store(status, code).await.open_if_kept(key, "v1").await.unwrap_err();
        assert_eq!(failure.kind, kind, "{code}");
    }
    // The workflow reads objects that were just stored, so `AccessDenied` there means a missing permission.
    let failure = failing_store("403 Forbidden", "AccessDenied").await.open(key, "v1", None).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::AccessDenied);
    let (kept, _) = breaking_store(Behavior { bytes_per_response: 36, supports_ranges: true }).await;
    assert_eq!(kept.open_if_kept(key, "v1").await.unwrap().unwrap().bytes_left(), Some(36));
}
