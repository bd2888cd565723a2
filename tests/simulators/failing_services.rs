//! DynamoDB, the bucket, the bus or the topic out of order: a proxy that fails selected calls.

use crate::simulators::relay::{self, Reply, Request, Response, Upstream};
use crate::support::cloud::{Cloud, eventually};
use crate::support::partial_success::{events_not_taken, leave_half_out};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const OUT_OF_ORDER: &str =
    r#"{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"The store is out of order."}"#;
const THROTTLED: &str = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"Too many writes.",
    "throttlingReasons":[{"reason":"IndexWriteKeyRangeThroughputExceeded","resource":"the index"}]}"#;
/// How long a held call waits before it checks whether it may go on.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// A service behind the proxy, by the environment variable of its endpoint.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Service(&'static str);

const STORE: Service = Service("AWS_ENDPOINT_URL_DYNAMODB");
pub(crate) const BUS: Service = Service("AWS_ENDPOINT_URL_EVENTBRIDGE");
/// Its operations are HTTP methods.
pub(crate) const BUCKET: Service = Service("AWS_ENDPOINT_URL_S3");
/// All its calls are `POST`.
pub(crate) const TOPIC: Service = Service("AWS_ENDPOINT_URL_SNS");

/// The calls that fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// None.
    None,
    /// Every call of this operation.
    Always(&'static str),
    /// The first call of this operation, with all its own retries.
    FirstCall(&'static str),
    /// Every call of this operation, with an error that repeats the request.
    Quoting(&'static str),
    /// The first so many calls of this operation are throttled.
    Throttled(&'static str, usize),
    /// The first call of this operation waits until there is another fault, or none.
    Held(&'static str),
    /// The first call of this operation succeeds and leaves a part undone.
    InPart(&'static str),
}

struct Calls {
    fault: Fault,
    /// The calls of the operation with the fault, by the SDK's own ids, which stay the same through its retries.
    seen: Vec<String>,
    failed: BTreeSet<String>,
}

/// The proxy. It ends with its test.
pub(crate) struct FaultyStore {
    address: String,
    calls: Arc<Mutex<Calls>>,
}

impl FaultyStore {
    /// Opens the proxy in front of the cloud.
    pub(crate) async fn open(cloud: &Cloud) -> Self {
        let calls = Arc::new(Mutex::new(Calls { fault: Fault::None, seen: Vec::new(), failed: BTreeSet::new() }));
        let upstream = Upstream { http: cloud.http.clone(), endpoint: cloud.stack.endpoint.as_str().into() };
        let shared = Arc::clone(&calls);
        let address = relay::open(move |request, _| respond(request, Arc::clone(&shared), upstream.clone())).await;
        Self { address, calls }
    }

    /// From now on these calls fail.
    pub(crate) fn fail(&self, fault: Fault) {
        *self.calls.lock().unwrap() = Calls { fault, seen: Vec::new(), failed: BTreeSet::new() };
    }

    /// Waits until a call of the faulty operation was made.
    pub(crate) async fn called(&self) {
        eventually("the call", async || (self.call_counts().0 > 0).then_some(())).await;
    }

    /// How many calls of the faulty operation were made since, and how many of them failed.
    pub(crate) fn call_counts(&self) -> (usize, usize) {
        let calls = self.calls.lock().unwrap();
        (calls.seen.len(), calls.failed.len())
    }

    /// Makes a function call this proxy instead of DynamoDB until the test ends.
    pub(crate) async fn serve_function(&self, cloud: &Cloud, function: &str) {
        self.serve_function_as(cloud, function, STORE).await;
    }

    /// The same for another service.
    pub(crate) async fn serve_function_as(&self, cloud: &Cloud, function: &str, service: Service) {
        cloud.set_variable(function, service.0, &self.address).await;
    }
}

async fn respond(request: Request, calls: Arc<Mutex<Calls>>, upstream: Upstream) -> Reply {
    let failure = failure(&calls, &request);
    while is_held(&calls, &request) {
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    Reply::Response(match failure {
        Some((status, body)) => Response::new(status, "application/x-amz-json-1.0", &body),
        None if is_in_part(&calls, &request, "PutEvents") => events_not_taken(),
        None => {
            let response = upstream.forward(&request).await.unwrap();
            if is_in_part(&calls, &request, "BatchGetItem") {
                leave_half_out(&request.body, response)
            } else {
                response
            }
        }
    })
}

/// The status and the body of a call that must fail.
fn failure(calls: &Mutex<Calls>, request: &Request) -> Option<(u16, String)> {
    let mut calls = calls.lock().unwrap();
    let fault = calls.fault;
    let (Fault::Always(operation)
    | Fault::Quoting(operation)
    | Fault::FirstCall(operation)
    | Fault::Held(operation)
    | Fault::InPart(operation)
    | Fault::Throttled(operation, _)) = fault
    else {
        return None;
    };
    if operation_of(request) != operation {
        return None;
    }
    let call = request.header("amz-sdk-invocation-id").to_owned();
    if !calls.seen.contains(&call) {
        calls.seen.push(call.clone());
    }
    let failure = match fault {
        Fault::Throttled(_, first) => (calls.failed.len() < first).then_some((400, THROTTLED.to_owned())),
        Fault::FirstCall(_) if calls.seen[0] != call => None,
        Fault::Held(_) | Fault::InPart(_) => None,
        Fault::Quoting(_) => Some((400, quoting(&request.body))),
        _ => Some((500, OUT_OF_ORDER.to_owned())),
    };
    if failure.is_some() {
        calls.failed.insert(call);
    }
    failure
}

/// The operation in a call's headers, or the method of a call without one.
fn operation_of(request: &Request) -> &str {
    request.header("x-amz-target").split_once('.').map_or(request.method.as_str(), |(_, operation)| operation)
}

/// Whether a call must wait.
fn is_held(calls: &Mutex<Calls>, request: &Request) -> bool {
    let calls = calls.lock().unwrap();
    matches!(calls.fault, Fault::Held(_)) && is_first(&calls, request)
}

/// Whether a call of this operation is to be done in part.
fn is_in_part(calls: &Mutex<Calls>, request: &Request, operation: &'static str) -> bool {
    let calls = calls.lock().unwrap();
    calls.fault == Fault::InPart(operation) && is_first(&calls, request)
}

fn is_first(calls: &Calls, request: &Request) -> bool {
    calls.seen.first().is_some_and(|call| call == request.header("amz-sdk-invocation-id"))
}

/// Some errors of DynamoDB name the very values that it rejects.
fn quoting(body: &[u8]) -> String {
    let sent = String::from_utf8_lossy(body);
    json!({"__type": "com.amazon.coral.validate#ValidationException", "message": format!("not valid: {sent}")})
        .to_string()
}
