//! A stub of AWS inside this process: every call succeeds at once, as for a first input.
//!
//! Failures of AWS are tested elsewhere. Here only the input can be invalid, so that no response may be a server error.

use adapters::Configuration;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::RetryConfig;
use serde_json::{Map, Value, json};
use std::future::Future;
use std::sync::OnceLock;
use tokio::runtime::Runtime;

/// The content of every object.
pub const OBJECT: &[u8] = b"transaction_id,amount,currency,timestamp,merchant,status\n\
    T1,12.50,USD,2026-01-15T10:00:00Z,\"Caf\xc3\xa9, \"\"Ol\xc3\xa9\"\"\",completed\n\
    T2,-3,JPY,2026-01-15T10:00:00+02:00,=cmd(),pending\n";

/// The signing secret of `acme`.
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The environment variables of the functions, as in the template.
const ENVIRONMENT: [(&str, &str); 12] = [
    ("S3_BUCKET", "files"),
    ("STATUS_TABLE", "status"),
    ("TRANSACTIONS_TABLE", "transactions"),
    ("PAYMENTS_TABLE", "payments"),
    ("CUSTOMERS_TABLE", "customers"),
    ("EVENT_BUS", "payment-events"),
    ("SNS_TOPIC_ARN", "arn:aws:sns:us-east-1:123456789012:notifications"),
    ("ALERTS_TOPIC_ARN", "arn:aws:sns:us-east-1:123456789012:alerts"),
    ("ENVIRONMENT", "fuzz"),
    ("BUCKET_PARTNERS", "acme"),
    ("WEBHOOK_PROVIDERS", "acme"),
    ("SIGNING_SECRETS_PREFIX", "webhook/"),
];

/// The configuration of clients that call this cloud.
pub fn configuration() -> &'static Configuration {
    static CONFIGURATION: OnceLock<Configuration> = OnceLock::new();
    CONFIGURATION.get_or_init(|| {
        for (name, value) in ENVIRONMENT {
            // SAFETY: it happens once, before the first function runs; libFuzzer's own threads read no environment.
            unsafe { std::env::set_var(name, value) };
        }
        Configuration::of_sdk(sdk())
    })
}

fn sdk() -> SdkConfig {
    let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "fuzz");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .retry_config(RetryConfig::disabled())
        .http_client(http_client_fn(|_, _| SharedHttpConnector::new(Cloud)))
        .build()
}

/// Runs `work` on the one runtime of this process.
pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be created")
    });
    runtime.block_on(work)
}

#[derive(Debug)]
struct Cloud;

impl HttpConnector for Cloud {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::ready(Ok(response(&request)))
    }
}

fn response(request: &HttpRequest) -> HttpResponse {
    let body = request.body().bytes().unwrap_or_default();
    let json = || serde_json::from_slice::<Value>(body).unwrap_or_default();
    let target = request.headers().get("x-amz-target").unwrap_or_default();
    match target.rsplit('.').next().unwrap_or_default() {
        "UpdateItem" => respond(json!({ "Attributes": updated(&json()) })),
        "GetItem" => respond(found(&json())),
        "PutItem" => respond(json!({})),
        "Query" => respond(json!({ "Items": [], "Count": 0, "ScannedCount": 0 })),
        "BatchGetItem" => respond(json!({ "Responses": {}, "UnprocessedKeys": {} })),
        "PutEvents" => respond(json!({ "FailedEntryCount": 0, "Entries": [{ "EventId": "1" }] })),
        "GetSecretValue" => respond(json!({ "Name": "n", "SecretString": format!(r#"{{"secrets":["{SECRET}"]}}"#) })),
        _ if request.uri().contains("sns.") => {
            text(200, "<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>")
        }
        _ if request.method() == "GET" => object(request.headers().get("range")),
        _ => with_version(text(200, "")),
    }
}

fn respond(body: Value) -> HttpResponse {
    text(200, &body.to_string())
}

fn text(status: u16, body: &str) -> HttpResponse {
    HttpResponse::new(StatusCode::try_from(status).expect("a status of HTTP"), SdkBody::from(body.to_owned()))
}

fn with_version(mut response: HttpResponse) -> HttpResponse {
    response.headers_mut().insert("x-amz-version-id", "v1");
    response
}

/// The item after an update that sets each attribute to the value of the same name.
fn updated(request: &Value) -> Value {
    let before = found(request);
    let mut item: Map<String, Value> =
        before.get("Item").unwrap_or(&request["Key"]).as_object().cloned().unwrap_or_default();
    let values = &request["ExpressionAttributeValues"];
    if key_of_counter(request) {
        item.insert("sequence".to_owned(), json!({ "N": "1768471200000" }));
        return item.into();
    }
    for (placeholder, name) in request["ExpressionAttributeNames"].as_object().into_iter().flatten() {
        if let (Some(name), Some(value)) = (name.as_str(), values.get(placeholder.replace('#', ":"))) {
            item.insert(name.to_owned(), value.clone());
        }
    }
    item.insert("history".to_owned(), values.get(":entry").cloned().unwrap_or_else(|| json!({ "L": [] })));
    item.into()
}

/// Whether the update increments a partner's sequence.
fn key_of_counter(request: &Value) -> bool {
    request["Key"]["file_id"]["S"].as_str().is_some_and(|id| id.starts_with("sequence#"))
}

/// Every file whose ID begins with 8 or more was rejected before; every payment exists.
fn found(request: &Value) -> Value {
    let key = &request["Key"];
    let string = |text: &str| json!({ "S": text });
    let number = |text: &str| json!({ "N": text });
    match request["TableName"].as_str() {
        Some("status") if key["file_id"]["S"].as_str().is_some_and(|id| id >= "8") => json!({ "Item": {
            "file_id": key["file_id"],
            "attempt": number("1"),
            "status": string("validation_failed"),
            "updated_at_ms": number("1768471200000"),
            "partner": string("acme"),
            "received_at": number("1768471200000"),
            "key": string("rejected/x.csv"),
            "version_id": string("v1"),
            "error_count": number("2"),
            "report_key": string("reports/x-1.csv"),
            "token": string("token"),
            "history": { "L": [] },
        }}),
        Some("payments") => json!({ "Item": {
            "transaction_id": key["transaction_id"],
            "event_key": string("acme#transaction.created"),
            "provider": string("acme"),
            "type": string("transaction.created"),
            "amount": number("12000"),
            "currency": string("USD"),
            "amount_band": string("high"),
            "customer_id": string("C1"),
            "status": string("pending"),
            "digest": string("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            "received_at_ms": number("1768471200000"),
            "published_at_ms": number("1768471200000"),
        }}),
        _ => json!({}),
    }
}

/// The object, or the part in `range` (`bytes=FIRST-LAST`).
fn object(range: Option<&str>) -> HttpResponse {
    let parsed = range.and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
    let Some((first, last)) = parsed.and_then(|(first, last)| Some((first.parse().ok()?, last.parse().ok()?))) else {
        return of_object(200, OBJECT, None);
    };
    let (first, last): (usize, usize) = (first, last);
    if first >= OBJECT.len() || last < first {
        return text(416, "<Error><Code>InvalidRange</Code></Error>");
    }
    let last = last.min(OBJECT.len() - 1);
    of_object(206, &OBJECT[first..=last], Some(format!("bytes {first}-{last}/{}", OBJECT.len())))
}

fn of_object(status: u16, bytes: &'static [u8], content_range: Option<String>) -> HttpResponse {
    let status = StatusCode::try_from(status).expect("a status of HTTP");
    let mut response = HttpResponse::new(status, SdkBody::from(bytes));
    let headers = response.headers_mut();
    headers.insert("content-length", bytes.len().to_string());
    headers.insert("last-modified", "Thu, 15 Jan 2026 10:00:00 GMT");
    if let Some(content_range) = content_range {
        headers.insert("content-range", content_range);
    }
    with_version(response)
}
