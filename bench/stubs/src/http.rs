//! The parts of HTTP/1.1 that stubs need. hyper is among the dependencies, but without its server: to enable that would build
//! every client that uses hyper a second time.

use std::io::{self, BufRead, BufReader, Read, Write};

/// More headers than the runtime or an AWS client sends.
const HEADERS_MAX: usize = 64;

/// A request with its whole body.
#[derive(Debug)]
pub struct Request {
    /// `GET`, `POST` and so on.
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// `X-Amz-Target`, which names the operation of a DynamoDB client.
    pub target: String,
    /// The body.
    pub body: Vec<u8>,
}

/// Reads the next request of a connection, or none at its end.
///
/// # Errors
/// The connection failed, or its data is not a request.
pub fn read_request<S: Read + Write>(stream: &mut BufReader<S>) -> io::Result<Option<Request>> {
    let head = read_head(stream)?;
    if head.is_empty() {
        return Ok(None);
    }
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut parsed = httparse::Request::new(&mut headers);
    parsed.parse(&head).map_err(io::Error::other)?;
    let header = |name: &str| {
        let found = parsed.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        found.map(|header| String::from_utf8_lossy(header.value).into_owned()).unwrap_or_default()
    };
    if header("Expect").eq_ignore_ascii_case("100-continue") {
        stream.get_mut().write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        stream.get_mut().flush()?;
    }
    let body = match header("Content-Length").as_str() {
        "" if header("Transfer-Encoding").is_empty() => Vec::new(),
        "" => read_chunks(stream)?,
        length => read_exactly(stream, length.parse().map_err(io::Error::other)?)?,
    };
    Ok(Some(Request {
        method: parsed.method.unwrap_or_default().to_owned(),
        path: parsed.path.unwrap_or_default().to_owned(),
        target: header("X-Amz-Target"),
        body,
    }))
}

/// The body of a request in chunks.
fn read_chunks(stream: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut length = String::new();
        stream.read_line(&mut length)?;
        let length = usize::from_str_radix(length.trim(), 16).map_err(io::Error::other)?;
        body.append(&mut read_exactly(stream, length)?);
        read_exactly(stream, "\r\n".len())?;
        if length == 0 {
            return Ok(body);
        }
    }
}

fn read_exactly(stream: &mut impl Read, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// The bytes up to and including the first empty line; none at the end of the connection.
fn read_head(stream: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    loop {
        if stream.read_until(b'\n', &mut head)? == 0 {
            return Ok(Vec::new());
        }
        if head.ends_with(b"\r\n\r\n") {
            return Ok(head);
        }
    }
}

/// Writes the response to a request. `headers` are whole lines with their line ends.
///
/// # Errors
/// The connection failed.
pub fn write_response(
    stream: &mut impl Write,
    status: &str,
    content_type: &str,
    headers: &str,
    body: &[u8],
) -> io::Result<()> {
    stream.write_all(&response(status, content_type, headers, body))?;
    stream.flush()
}

/// A response in one buffer, so that its body does not wait for the acknowledgement of its head.
#[must_use]
pub fn response(status: &str, content_type: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n{headers}\r\n");
    [head.as_bytes(), body].concat()
}
