//! A relay between the handlers and the local cloud: it reads requests, and decides which of them to send on.

use reqwest::Method;
use reqwest::header::{CONNECTION, CONTENT_LENGTH, HeaderValue, TRANSFER_ENCODING};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// One request of a handler.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// The path with its query.
    pub(crate) target: String,
    /// The headers, with names in lowercase.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// The value of a header, or "".
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// Reads one request; none where the client has closed the connection.
    async fn read(connection: &mut BufReader<TcpStream>) -> Option<Self> {
        let mut line = String::new();
        connection.read_line(&mut line).await.ok().filter(|&bytes| bytes > 0)?;
        let mut words = line.split_whitespace();
        let method = words.next()?.parse().ok()?;
        let target = words.next()?.to_owned();
        let mut request = Self { method, target, headers: Vec::new(), body: Vec::new() };
        loop {
            let mut line = String::new();
            connection.read_line(&mut line).await.ok()?;
            match line.trim_end().split_once(':') {
                Some((name, value)) => request.headers.push((name.to_ascii_lowercase(), value.trim().to_owned())),
                None => break,
            }
        }
        assert!(request.header("transfer-encoding").is_empty(), "this relay reads bodies by their length: {line}");
        if request.header("expect").eq_ignore_ascii_case("100-continue") {
            connection.get_mut().write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.ok()?;
        }
        request.body = vec![0; request.header("content-length").parse().unwrap_or(0)];
        connection.read_exact(&mut request.body).await.ok()?;
        Some(request)
    }
}

/// A response to a handler.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// How many bytes the response declares beyond those that it has: those of a body that is cut, or of a response to
    /// HEAD.
    withheld_bytes: usize,
}

impl Response {
    /// A response of this content type.
    pub(crate) fn new(status: u16, content_type: &str, body: &str) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Self { status, headers, body: body.as_bytes().to_vec(), withheld_bytes: 0 }
    }

    /// The same, of which only a half arrives before the connection ends.
    pub(crate) fn cut(mut self) -> Self {
        self.withheld_bytes = self.body.len() - self.body.len() / 2;
        self.body.truncate(self.body.len() / 2);
        self
    }

    /// Its bytes as they go over the connection.
    fn bytes(&self) -> Vec<u8> {
        let length = self.body.len() + self.withheld_bytes;
        let mut bytes = format!("HTTP/1.1 {} -\r\ncontent-length: {length}\r\n", self.status).into_bytes();
        for (name, value) in &self.headers {
            bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// Both ends of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Connection {
    pub(crate) client: SocketAddr,
    pub(crate) relay: SocketAddr,
}

/// The decision of a relay about a request.
pub(crate) enum Reply {
    /// Responds, and keeps the connection.
    Response(Response),
    /// Responds, and closes the connection.
    RespondAndClose(Response),
    /// Closes the connection without a response.
    Close,
}

/// A relay that calls `respond` for each request. It ends with its test.
pub(crate) async fn open<F>(respond: impl Fn(Request, Connection) -> F + Clone + Send + 'static) -> String
where
    F: Future<Output = Reply> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let relay = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((connection, client)) = listener.accept().await {
            let respond = respond.clone();
            tokio::spawn(async move {
                let ends = Connection { client, relay };
                let mut connection = BufReader::new(connection);
                while let Some(request) = Request::read(&mut connection).await {
                    let (response, closes) = match respond(request, ends).await {
                        Reply::Response(response) => (response, false),
                        Reply::RespondAndClose(response) => (response, true),
                        Reply::Close => return,
                    };
                    if connection.write_all(&response.bytes()).await.is_err() || closes {
                        return;
                    }
                }
            });
        }
    });
    format!("http://{relay}")
}

/// The service that requests are sent on to.
#[derive(Clone)]
pub(crate) struct Upstream {
    pub(crate) http: reqwest::Client,
    pub(crate) endpoint: Arc<str>,
}

impl Upstream {
    /// Sends the request on unchanged. Its signature stays valid, because the emulator sees the same host name.
    pub(crate) async fn forward(&self, request: &Request) -> Result<Response, reqwest::Error> {
        let url = format!("{}{}", self.endpoint, request.target);
        let mut sent = self.http.request(request.method.clone(), url).body(request.body.clone());
        for (name, value) in request.headers.iter().filter(|(name, _)| name != "content-length" && name != "expect") {
            sent = sent.header(name, value);
        }
        let response = sent.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await?.to_vec();
        let declared = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        let withheld_bytes = if request.method == Method::HEAD { declared.unwrap_or(0) } else { 0 };
        let kept = headers.iter().filter(|(name, _)| ![CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION].contains(name));
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = kept.map(|(name, value)| (name.to_string(), text(value))).collect();
        Ok(Response { status, headers, body, withheld_bytes })
    }
}
