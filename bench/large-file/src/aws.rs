//! A stub of the bucket, which has one object, and of the status table, over TLS.

use crate::file::LargeFile;
use serde_json::{Value, json};
use std::error::Error;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use stubs::http::{self, Request};
use stubs::tls::Server;

/// The size of the chunks that are read and sent.
const CHUNK_BYTES: usize = 256 * 1024;

/// The object, and its throughput.
#[derive(Clone, Debug, Default)]
struct Object {
    path: PathBuf,
    bytes: u64,
    bytes_a_second: Option<u64>,
}

/// The stub.
#[derive(Debug)]
pub(crate) struct Aws {
    /// Where it listens.
    pub(crate) server: Server,
    object: Arc<Mutex<Object>>,
}

impl Aws {
    /// Listens for as long as this process runs.
    ///
    /// # Errors
    /// No port is free, or no certificate can be created.
    pub(crate) fn start() -> Result<Self, Box<dyn Error>> {
        let object = Arc::new(Mutex::new(Object::default()));
        let shared = Arc::clone(&object);
        let server = Server::start(move |request, stream| {
            let object = shared.lock().unwrap_or_else(PoisonError::into_inner).clone();
            respond(&request, &object, stream)
        })?;
        Ok(Self { server, object })
    }

    /// Puts this file into the bucket.
    pub(crate) fn serve(&self, file: &LargeFile, bytes_a_second: Option<u64>) {
        let object = Object { path: file.path.clone(), bytes: file.bytes, bytes_a_second };
        *self.object.lock().unwrap_or_else(PoisonError::into_inner) = object;
    }
}

fn respond(request: &Request, object: &Object, mut stream: &mut dyn Write) -> io::Result<()> {
    let (_, query) = request.path.split_once('?').unwrap_or_default();
    let operation = request.target.rsplit('.').next().unwrap_or_default();
    match (request.method.as_str(), operation) {
        ("GET", _) => send(object, stream),
        // The file is unknown.
        ("POST", "GetItem") => write_json(stream, &json!({})),
        ("POST", "UpdateItem") => write_json(stream, &json!({ "Attributes": record(&request.body) })),
        ("POST", _) => {
            let body = if query.starts_with("uploads") {
                "<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>"
            } else {
                "<CompleteMultipartUploadResult><ETag>\"1\"</ETag></CompleteMultipartUploadResult>"
            };
            http::write_response(&mut stream, "200 OK", "application/xml", "", body.as_bytes())
        }
        _ => http::write_response(&mut stream, "200 OK", "text/plain", "x-amz-version-id: 1\r\nETag: \"1\"\r\n", b""),
    }
}

fn write_json(mut stream: &mut dyn Write, body: &Value) -> io::Result<()> {
    http::write_response(&mut stream, "200 OK", "application/x-amz-json-1.0", "", body.to_string().as_bytes())
}

/// Sends the object in chunks, so that this process needs little memory.
fn send(object: &Object, stream: &mut dyn Write) -> io::Result<()> {
    let mut file = File::open(&object.path)?;
    let bytes = object.bytes;
    let head = "x-amz-version-id: 1\r\nLast-Modified: Thu, 15 Jan 2026 12:00:00 GMT\r\nETag: \"1\"";
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nContent-Length: {bytes}\r\n{head}\r\n\r\n")?;
    let (begun, mut sent) = (Instant::now(), 0);
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let length = file.read(&mut chunk)?;
        if length == 0 {
            return stream.flush();
        }
        stream.write_all(&chunk[..length])?;
        sent += length as u64;
        if let Some(pace) = object.bytes_a_second {
            let due = Duration::from_micros(sent * 1_000_000 / pace);
            thread::sleep(due.saturating_sub(begun.elapsed()));
        }
    }
}

/// The attributes of the file's item that the function reads after an update.
fn record(update: &[u8]) -> Value {
    let update: Value = serde_json::from_slice(update).unwrap_or_default();
    json!({
        "file_id": update["Key"]["file_id"],
        "attempt": { "N": "1" },
        "status": update["ExpressionAttributeValues"][":status"],
        "updated_at_ms": { "N": "1768480496123" },
        "history": { "L": [] },
    })
}
