//! Events of API Gateway with any content: each gets a response that is not a server error and contains no secret.

use crate::{ARRIVAL_MS, cloud};
use adapters::Tracer;
use api::problem::{self, Code};
use serde_json::{Value, json};
use std::sync::OnceLock;

/// An API key of a partner. The part after the point is the secret.
const API_KEY: &str = "acme.5f0b8c1d9e7a42c6";
const API_SECRET: &str = "5f0b8c1d9e7a42c6";

/// A response.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// Its JSON; null if it is not JSON.
    pub(crate) body: Value,
}

impl Response {
    /// The error code of a rejection.
    pub(crate) fn code(&self) -> Option<&str> {
        self.body["error"].as_str()
    }
}

/// Sends one event to both APIs.
pub fn check(bytes: &[u8]) {
    let Ok(mut event) = serde_json::from_slice::<Value>(bytes) else {
        return;
    };
    if !event.is_object() {
        return;
    }
    event["httpMethod"] = event.get("httpMethod").cloned().unwrap_or_else(|| "POST".into());
    for function in [csv_validator, webhook_validator] {
        checked(function(event.clone()));
    }
}

/// An upload as API Gateway sends it. A dry run, which reads and stores nothing, so that the response depends on the request
/// alone.
pub(crate) fn dry_run(content_type: &str, body: &str, is_base64_encoded: bool) -> Value {
    json!({
        "resource": "/upload",
        "path": "/upload",
        "httpMethod": "POST",
        "headers": { "content-type": content_type, "x-api-key": API_KEY },
        "multiValueHeaders": { "content-type": [content_type], "x-api-key": [API_KEY] },
        "queryStringParameters": { "dry_run": "true" },
        "multiValueQueryStringParameters": { "dry_run": ["true"] },
        "requestContext": {
            "httpMethod": "POST",
            "path": "/prod/upload",
            "requestId": "51690a3e-0000-4000-8000-000000000000",
        },
        "body": body,
        "isBase64Encoded": is_base64_encoded,
    })
}

pub(crate) fn csv_validator(event: Value) -> Value {
    static PORTS: OnceLock<csv_validator::Ports> = OnceLock::new();
    let ports = PORTS.get_or_init(|| csv_validator::Ports::new(cloud::configuration()).expect("every variable is set"));
    let handled = cloud::block_on(csv_validator::handle(event, ports, &tracer(), ARRIVAL_MS));
    handled.expect("a request of the API always gets a response")
}

fn webhook_validator(event: Value) -> Value {
    static PORTS: OnceLock<webhook_validator::Ports> = OnceLock::new();
    let new = || webhook_validator::Ports::new(cloud::configuration()).expect("every variable is set");
    let handled = cloud::block_on(webhook_validator::handle(event, PORTS.get_or_init(new), &tracer(), ARRIVAL_MS));
    handled.expect("a request of the API always gets a response")
}

/// A tracer that sends nothing.
pub(crate) fn tracer() -> Tracer {
    Tracer::of(&lambda_runtime::Context::default())
}

/// The response, with the properties of every response checked.
pub(crate) fn checked(output: Value) -> Response {
    let text = output["body"].as_str().expect("a response has a body");
    assert!(!text.contains(API_SECRET) && !text.contains(&cloud::SECRET[6..]), "a response contains no secret");
    let status = output["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok()).expect("a status");
    assert!(
        (200..500).contains(&status),
        "{status}: the service is well, and no input may make it say otherwise: {text}"
    );
    let content_type = output["headers"]["content-type"].as_str().expect("a content type");
    let body = if content_type.contains("json") { serde_json::from_str(text).expect("JSON") } else { Value::Null };
    if status >= 400 {
        check_rejection(status, content_type, &body);
    }
    Response { status, body }
}

/// A rejection has a code of the problem table with its status, and the members of RFC 9457.
fn check_rejection(status: u16, content_type: &str, body: &Value) {
    assert_eq!(content_type, problem::CONTENT_TYPE);
    let code = body["error"].as_str().expect("a rejection has a code");
    let known = Code::named(code).unwrap_or_else(|| panic!("{code} is no code of the table"));
    assert_eq!((known.status().as_u16(), body["status"].as_u64()), (status, Some(u64::from(status))));
    assert!(body["message"].as_str().is_some_and(|message| !message.is_empty()));
    assert!(body["type"].as_str().is_some_and(|kind| kind.ends_with(&format!("/errors#{code}"))));
}
