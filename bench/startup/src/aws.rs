//! A stub of the AWS services, over TLS: it responds to each call at once, as during the processing of the sample file.

use serde_json::{Value, json};
use std::error::Error;
use std::io;
use stubs::http::{self, Request};
use stubs::tls::Server;

/// The file that `events/upload.json` sends.
pub(crate) const FILE_ID: &str = "985edebedbea3164b836f93ccfc83cb2";

/// The signing secret of the provider of `events/webhook.json`.
pub(crate) const SIGNING_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Starts the stub. `file` is the content of every object.
///
/// # Errors
/// No port is free, or no certificate can be created.
pub(crate) fn start(file: Vec<u8>) -> Result<Server, Box<dyn Error>> {
    Server::start(move |request, mut stream| respond(&request, &file, &mut stream))
}

fn respond(request: &Request, file: &[u8], stream: &mut impl io::Write) -> io::Result<()> {
    let json = |stream, body: Value| {
        http::write_response(stream, "200 OK", "application/x-amz-json-1.0", "", body.to_string().as_bytes())
    };
    let operation = request.target.rsplit('.').next().unwrap_or_default();
    match (request.method.as_str(), operation) {
        ("POST", "GetSecretValue") => {
            let value = json!({ "secrets": [SIGNING_SECRET] }).to_string();
            json(stream, json!({ "SecretString": value }))
        }
        ("POST", "PutEvents") => json(stream, json!({ "FailedEntryCount": 0, "Entries": [{ "EventId": "1" }] })),
        ("POST", "Query") => json(stream, json!({ "Items": [], "Count": 0 })),
        ("POST", "GetItem") if mentions(request, "\"payments\"") => json(stream, json!({ "Item": payment() })),
        // The file and the customer are unknown.
        ("POST", "GetItem" | "PutItem") => json(stream, json!({})),
        ("POST", "UpdateItem") if mentions(request, "\"sequence#") => {
            json(stream, json!({ "Attributes": { "sequence": { "N": "1768480496123" } } }))
        }
        ("POST", "UpdateItem") => {
            // The notification sender continues only with its own status.
            let text = String::from_utf8_lossy(&request.body);
            let status = if text.contains("\"validat") { "validating" } else { "notifying" };
            json(stream, json!({ "Attributes": record(status) }))
        }
        ("POST", _) => {
            let id = "94f20ce6-13c5-43a0-9a9e-ca52d816e90b";
            let result = format!("<PublishResult><MessageId>{id}</MessageId></PublishResult>");
            let metadata = format!("<ResponseMetadata><RequestId>{id}</RequestId></ResponseMetadata>");
            let namespace = "http://sns.amazonaws.com/doc/2010-03-31/";
            let body = format!("<PublishResponse xmlns=\"{namespace}\">{result}{metadata}</PublishResponse>");
            http::write_response(stream, "200 OK", "text/xml", "", body.as_bytes())
        }
        ("GET", _) => {
            let headers = "x-amz-version-id: 1\r\nLast-Modified: Thu, 15 Jan 2026 12:00:00 GMT\r\nETag: \"1\"\r\n";
            http::write_response(stream, "200 OK", "text/csv", headers, file)
        }
        _ => http::write_response(stream, "200 OK", "text/plain", "x-amz-version-id: 1\r\nETag: \"1\"\r\n", b""),
    }
}

fn mentions(request: &Request, text: &str) -> bool {
    String::from_utf8_lossy(&request.body).contains(text)
}

/// The item of the payment that `events/assess.json` names.
fn payment() -> Value {
    json!({
        "transaction_id": { "S": "pay-2026-0001" },
        "event_key": { "S": "acme-pay#transaction.created" },
        "provider": { "S": "acme-pay" },
        "type": { "S": "transaction.created" },
        "amount": { "N": "12900.5" },
        "currency": { "S": "EUR" },
        "amount_band": { "S": "high" },
        "customer_id": { "S": "customer-7" },
        "customer": { "S": "acme-pay#customer-7" },
        "status": { "S": "pending" },
        "digest": { "S": "0".repeat(64) },
        "received_at_ms": { "N": "1768480496123" },
        "published_at_ms": { "N": "1768480496223" },
    })
}

/// An item of the status table.
fn record(status: &str) -> Value {
    json!({
        "file_id": { "S": FILE_ID },
        "attempt": { "N": "1" },
        "status": { "S": status },
        "updated_at_ms": { "N": "1768480496123" },
        "partner": { "S": "acme" },
        "received_at": { "N": "1768480496123" },
        "token": { "S": "4be1c4d185d519d296e27df4d5b6cb3c" },
        "history": { "L": [] },
    })
}
