//! HTTP requests of any size, with retries.
//!
//! They use the HTTP client of the AWS SDK. Another client would add a second TLS library, and cargo would build the shared
//! dependencies twice, with different features.

use crate::problem::{Exit, Problem};
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use serde_json::Value;
use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// The maximum number of tries of a request.
const TRIES_MAX: u32 = 5;
/// The wait after the first try, which doubles after each further one, in milliseconds.
const FIRST_WAIT_MILLISECONDS: u64 = 250;
/// The longest accepted `retry-after`, in seconds.
const WAIT_SECONDS_MAX: u64 = 30;
/// The timeout of a request, and the additional time per mebibyte of its body.
const RESPONSE_SECONDS_MAX: u64 = 60;
const SECONDS_PER_MEBIBYTE: u64 = 10;
/// The size of the chunks of a body, in bytes.
const PIECE_BYTES: usize = 64 * 1024;
/// The largest response that is read, in bytes.
const RESPONSE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A request.
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    pub(crate) url: &'a str,
    pub(crate) headers: Vec<(&'a str, String)>,
    /// The length of the body.
    pub(crate) bytes: u64,
    /// Opens the body, once for each try.
    pub(crate) body: &'a dyn Fn() -> Result<Box<dyn Read + Send + Sync>, Problem>,
}

impl<'a> Request<'a> {
    /// A request without a body.
    pub(crate) fn get(url: &'a str, headers: Vec<(&'a str, String)>) -> Self {
        Self { method: "GET", url, headers, bytes: 0, body: &|| Ok(Box::new(io::empty())) }
    }
}

/// A response.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) text: String,
    retry_after_seconds: Option<u64>,
}

impl Response {
    /// The body as JSON; null if it is not JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// Whether the request is worth a retry. An exhausted quota is not.
    fn is_transient(&self) -> bool {
        match self.status {
            429 => self.json()["error"] != "quota_exceeded",
            502..=504 => true,
            _ => false,
        }
    }
}

/// The HTTP client and its runtime.
pub(crate) struct Http {
    by_proxies: Connector,
    direct: Connector,
    runtime: tokio::runtime::Runtime,
}

impl Http {
    /// A client that uses this machine's root certificates and proxies.
    pub(crate) fn new() -> Result<Self, Problem> {
        let connector = |proxies| {
            let tls = Connector::builder().tls_provider(Provider::Rustls(CryptoMode::Ring));
            tls.proxy_config(proxies).build()
        };
        let by_proxies = connector(ProxyConfig::from_env());
        Ok(Self { by_proxies, direct: connector(ProxyConfig::disabled()), runtime: runtime()? })
    }

    /// Sends a request, with retries after network errors and while the service is busy or unavailable. The request must
    /// be safe to repeat.
    pub(crate) fn send(&self, request: &Request<'_>) -> Result<Response, Problem> {
        let mut tries = 1;
        loop {
            let outcome = self.runtime.block_on(self.try_once(request));
            let wait = match &outcome {
                Ok(response) if response.is_transient() => wait(tries, response.retry_after_seconds),
                Err(problem) if problem.exit == Exit::Unavailable => wait(tries, None),
                _ => return outcome,
            };
            if tries == TRIES_MAX {
                return outcome;
            }
            std::thread::sleep(wait);
            tries += 1;
        }
    }

    async fn try_once(&self, request: &Request<'_>) -> Result<Response, Problem> {
        let mut sent = HttpRequest::new(SdkBody::empty());
        let unusable = |error: &dyn std::fmt::Display| Problem::usage("endpoint_malformed", format!("{error}"));
        sent.set_method(request.method).map_err(|error| unusable(&error))?;
        sent.set_uri(request.url).map_err(|error| unusable(&error))?;
        for (name, value) in &request.headers {
            let value = value.clone();
            // The value may be the key, which no message must show.
            sent.headers_mut().try_insert((*name).to_owned(), value).map_err(|_| {
                Problem::usage("header_malformed", format!("the value of the header {name} is not valid"))
            })?;
        }
        if request.bytes > 0 || request.method != "GET" {
            let body = Pieces { reader: (request.body)()?, left: request.bytes };
            *sent.body_mut() = SdkBody::from_body_1_x(body);
        }
        let seconds = RESPONSE_SECONDS_MAX + request.bytes / (1024 * 1024) * SECONDS_PER_MEBIBYTE;
        match tokio::time::timeout(Duration::from_secs(seconds), self.receive(sent)).await {
            Ok(result) => result.map_err(|error| unreachable(request.url, &error)),
            Err(_) => Err(unreachable(request.url, &format!("no response within {seconds} seconds"))),
        }
    }

    async fn receive(&self, sent: HttpRequest) -> Result<Response, String> {
        // Unencrypted requests go only to this machine, never to a proxy.
        let connector = if sent.uri().starts_with("https://") { &self.by_proxies } else { &self.direct };
        let response = connector.call(sent).await.map_err(|error| with_causes(&error))?;
        let retry_after_seconds = response.headers().get("retry-after").and_then(|value| value.parse().ok());
        let status = response.status().as_u16();
        let mut body = ByteStream::new(response.into_body());
        let mut bytes = Vec::new();
        while let Some(piece) = body.next().await {
            bytes.extend_from_slice(&piece.map_err(|error| with_causes(&error))?);
            if bytes.len() > RESPONSE_BYTES_MAX {
                return Err(format!("the response has more than {RESPONSE_BYTES_MAX} bytes"));
            }
        }
        Ok(Response { status, text: String::from_utf8_lossy(&bytes).into_owned(), retry_after_seconds })
    }
}

/// The runtime of the AWS clients.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Problem> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
        Problem::new(
            Exit::Unavailable,
            "runtime_unavailable",
            format!("cannot start the asynchronous runtime: {error}"),
        )
    })
}

fn unreachable(url: &str, cause: &str) -> Problem {
    // The rest of the URL may have a token or a signature.
    let host = url.split('/').take(3).collect::<Vec<_>>().join("/");
    let message = format!("{host} was not reached: {cause}. Check the address and the network, and try again.");
    Problem::new(Exit::Unavailable, "service_unreachable", message)
}

/// An error with its causes: the outermost one alone says only that something failed.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// The delay before the next try, with jitter, so that many senders do not retry at the same time.
fn wait(tries: u32, retry_after_seconds: Option<u64>) -> Duration {
    if let Some(seconds) = retry_after_seconds {
        return Duration::from_secs(seconds.min(WAIT_SECONDS_MAX));
    }
    let longest = FIRST_WAIT_MILLISECONDS << tries.min(16);
    let jitter = getrandom::u64().unwrap_or_default() % (longest / 2);
    Duration::from_millis(longest / 2 + jitter)
}

/// A body that is read while it is sent.
struct Pieces {
    reader: Box<dyn Read + Send + Sync>,
    left: u64,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let mut piece = vec![0; PIECE_BYTES.min(usize::try_from(self.left).unwrap_or(PIECE_BYTES))];
        match self.reader.read(&mut piece) {
            // The receiver would wait for the rest of the declared length.
            Ok(0) => Poll::Ready(Some(Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the file has become shorter while it was sent",
            )))),
            Ok(length) => {
                piece.truncate(length);
                self.left -= length as u64;
                Poll::Ready(Some(Ok(Frame::data(piece.into()))))
            }
            Err(error) => Poll::Ready(Some(Err(error))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
