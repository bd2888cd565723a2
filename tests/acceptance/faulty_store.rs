//! DynamoDB out of order: a proxy in front of it that fails the calls it is told to fail.

use crate::cloud::Cloud;
use reqwest::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

const OUT_OF_ORDER: &str =
    r#"{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"The store is out of order."}"#;
const TOO_MUCH: &str = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"Too many writes.",
    "throttlingReasons":[{"reason":"IndexWriteKeyRangeThroughputExceeded","resource":"the index"}]}"#;
const ENDPOINT_VARIABLE: &str = "AWS_ENDPOINT_URL_DYNAMODB";

/// Which calls fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// None.
    None,
    /// Every call of this operation.
    Always(&'static str),
    /// The first call of this operation, with all its own retries.
    FirstCall(&'static str),
    /// The first so many calls of this operation are throttled.
    Throttled(&'static str, usize),
}

struct Calls {
    fault: Fault,
    /// The calls of the operation that the fault names, by the SDK's own ids, which stay the same through its retries.
    seen: Vec<String>,
    failed: BTreeSet<String>,
}

/// The proxy. It ends with its test.
pub(crate) struct FaultyStore {
    address: String,
    calls: Arc<Mutex<Calls>>,
}

impl FaultyStore {
    /// Opens the proxy in front of the cloud's DynamoDB.
    pub(crate) async fn open(cloud: &Cloud) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let calls = Arc::new(Mutex::new(Calls { fault: Fault::None, seen: Vec::new(), failed: BTreeSet::new() }));
        let (upstream, http, shared) = (cloud.stack.endpoint.clone(), cloud.http.clone(), Arc::clone(&calls));
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(serve(connection, upstream.clone(), http.clone(), Arc::clone(&shared)));
            }
        });
        Self { address, calls }
    }

    /// From now on these calls fail.
    pub(crate) fn fail(&self, fault: Fault) {
        *self.calls.lock().unwrap() = Calls { fault, seen: Vec::new(), failed: BTreeSet::new() };
    }

    /// How many calls of the faulty operation were made since, and how many of them failed.
    pub(crate) fn made_and_failed(&self) -> (usize, usize) {
        let calls = self.calls.lock().unwrap();
        (calls.seen.len(), calls.failed.len())
    }

    /// Makes a function talk to this proxy in place of DynamoDB until the test ends.
    pub(crate) async fn serve_function(&self, cloud: &Cloud, function: &str) {
        cloud.set_variable(function, ENDPOINT_VARIABLE, &self.address).await;
    }
}

/// Serves one connection until the client closes it.
async fn serve(connection: TcpStream, upstream: String, http: reqwest::Client, calls: Arc<Mutex<Calls>>) {
    let mut connection = BufReader::new(connection);
    while let Some((headers, body)) = read_request(&mut connection).await {
        let response = if let Some((status, answer)) = failure(&calls, &headers) {
            let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/x-amz-json-1.0");
            format!("{head}\r\ncontent-length: {}\r\n\r\n{answer}", answer.len()).into_bytes()
        } else {
            forward(&http, &upstream, &headers, body).await
        };
        if connection.write_all(&response).await.is_err() {
            return;
        }
    }
}

type Headers = Vec<(String, String)>;

fn header<'h>(headers: &'h Headers, name: &str) -> &'h str {
    headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str()).unwrap_or_default()
}

/// Reads one request. Every call to DynamoDB is a POST to `/` with its length.
async fn read_request(connection: &mut BufReader<TcpStream>) -> Option<(Headers, Vec<u8>)> {
    let mut line = String::new();
    connection.read_line(&mut line).await.ok().filter(|&bytes| bytes > 0)?;
    assert!(line.starts_with("POST / "), "no call to DynamoDB: {line}");
    let mut headers = Headers::new();
    loop {
        let mut line = String::new();
        connection.read_line(&mut line).await.ok()?;
        match line.trim_end().split_once(':') {
            Some((name, value)) => headers.push((name.to_ascii_lowercase(), value.trim().to_owned())),
            None => break,
        }
    }
    let mut body = vec![0; header(&headers, "content-length").parse().unwrap_or(0)];
    connection.read_exact(&mut body).await.ok()?;
    Some((headers, body))
}

/// The status and the answer of a call that must fail.
fn failure(calls: &Mutex<Calls>, headers: &Headers) -> Option<(&'static str, &'static str)> {
    let mut calls = calls.lock().unwrap();
    let fault = calls.fault;
    let (Fault::Always(operation) | Fault::FirstCall(operation) | Fault::Throttled(operation, _)) = fault else {
        return None;
    };
    if !header(headers, "x-amz-target").ends_with(&format!(".{operation}")) {
        return None;
    }
    let call = header(headers, "amz-sdk-invocation-id").to_owned();
    if !calls.seen.contains(&call) {
        calls.seen.push(call.clone());
    }
    let failure = match fault {
        Fault::Throttled(_, first) => (calls.failed.len() < first).then_some(("400 Bad Request", TOO_MUCH)),
        Fault::FirstCall(_) if calls.seen[0] != call => None,
        _ => Some(("500 Internal Server Error", OUT_OF_ORDER)),
    };
    if failure.is_some() {
        calls.failed.insert(call);
    }
    failure
}

/// Sends the request on as it came. Its signature stays valid, because the emulator sees the same host name.
async fn forward(http: &reqwest::Client, upstream: &str, headers: &Headers, body: Vec<u8>) -> Vec<u8> {
    let mut request = http.post(upstream).body(body);
    for (name, value) in headers.iter().filter(|(name, _)| name != CONTENT_LENGTH.as_str()) {
        request = request.header(name, value);
    }
    let response = request.send().await.unwrap();
    let mut bytes = format!("HTTP/1.1 {}\r\n", response.status().as_u16()).into_bytes();
    for (name, value) in response.headers() {
        if ![CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION].contains(name) {
            bytes.extend_from_slice(&[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
    }
    let body = response.bytes().await.unwrap();
    bytes.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
    bytes.extend_from_slice(&body);
    bytes
}
