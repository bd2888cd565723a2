//! A stub of the bucket and of the status table, over TLS. It responds as late as AWS, stores what it receives, and counts the
//! calls.

use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;
use stubs::http::{self, Request};
use stubs::tls::Server;

/// The latency of the bucket, from the end of a request to the beginning of its response.
pub(crate) const BUCKET_MILLISECONDS: u64 = 20;

/// The latency of the table.
pub(crate) const TABLE_MILLISECONDS: u64 = 5;

/// The state of the stub.
#[derive(Debug, Default)]
struct State {
    items: HashMap<String, Map<String, Value>>,
    calls: BTreeMap<String, u64>,
    object: Vec<u8>,
    item_bytes: u64,
}

/// The stub.
#[derive(Debug)]
pub(crate) struct Aws {
    /// Where it listens.
    pub(crate) server: Server,
    state: Arc<Mutex<State>>,
}

impl Aws {
    /// Listens for as long as this process runs.
    ///
    /// # Errors
    /// No port is free, or no certificate can be created.
    pub(crate) fn start() -> Result<Self, Box<dyn Error>> {
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let server = Server::start(move |request, mut stream| respond(request, &shared, &mut stream))?;
        Ok(Self { server, state })
    }

    /// The calls since the last time, by name.
    pub(crate) fn take_calls(&self) -> BTreeMap<String, u64> {
        std::mem::take(&mut lock(&self.state).calls)
    }

    /// The size of the last written item, as DynamoDB counts it.
    pub(crate) fn item_bytes(&self) -> u64 {
        lock(&self.state).item_bytes
    }

    /// The last stored object.
    pub(crate) fn take_object(&self) -> Vec<u8> {
        std::mem::take(&mut lock(&self.state).object)
    }
}

/// The state stays valid even if the thread of another connection panicked.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn respond(request: Request, state: &Mutex<State>, stream: &mut impl Write) -> io::Result<()> {
    let call = match request.target.rsplit_once('.') {
        Some((_, operation)) => format!("dynamodb:{operation}"),
        None => format!("s3:{}", request.method),
    };
    let is_table = call.starts_with("dynamodb:");
    *lock(state).calls.entry(call.clone()).or_default() += 1;
    let milliseconds = if is_table { TABLE_MILLISECONDS } else { BUCKET_MILLISECONDS };
    thread::sleep(Duration::from_millis(milliseconds));
    if is_table {
        let (status, body) = table_response(&call, &request.body, state);
        http::write_response(stream, status, "application/x-amz-json-1.0", "", body.to_string().as_bytes())
    } else {
        lock(state).object = request.body;
        http::write_response(stream, "200 OK", "text/plain", "x-amz-version-id: 1\r\nETag: \"1\"\r\n", b"")
    }
}

fn table_response(call: &str, body: &[u8], state: &Mutex<State>) -> (&'static str, Value) {
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let file_id = request["Key"]["file_id"]["S"].as_str().unwrap_or_default().to_owned();
    let state = &mut *lock(state);
    let items = &mut state.items;
    match call {
        "dynamodb:GetItem" => ("200 OK", items.get(&file_id).map_or_else(|| json!({}), |item| json!({ "Item": item }))),
        "dynamodb:UpdateItem" if file_id.starts_with("sequence#") => {
            let now = &request["ExpressionAttributeValues"][":now"];
            ("200 OK", json!({ "Attributes": { "sequence": now } }))
        }
        "dynamodb:UpdateItem" => {
            let before = items.get(&file_id);
            if before.is_some_and(|before| !is_ahead_of(&request, before)) {
                let name = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
                return ("400 Bad Request", json!({ "__type": name, "message": "rejected", "Item": before }));
            }
            let after = updated(before, &file_id, &request);
            state.item_bytes = after.iter().map(|(name, value)| name.len() as u64 + value_bytes(value)).sum();
            let response = json!({ "Attributes": after });
            items.insert(file_id, after);
            ("200 OK", response)
        }
        _ => ("400 Bad Request", json!({ "__type": "UnknownOperationException", "message": call })),
    }
}

/// The condition of a transition: a later attempt, or a later status of the same attempt, which has not failed.
fn is_ahead_of(request: &Value, item: &Map<String, Value>) -> bool {
    let number = |value: &Value| value["N"].as_str().and_then(|text| text.parse::<u64>().ok()).unwrap_or_default();
    let position = |of: &dyn Fn(&str) -> u64| (of("attempt"), of("rank"));
    let new = position(&|name| number(&request["ExpressionAttributeValues"][format!(":{name}")]));
    let old = position(&|name| item.get(name).map(number).unwrap_or_default());
    let failed = item["status"]["S"].as_str().unwrap_or_default().contains("failed");
    new.0 > old.0 || (new.0 == old.0 && new.1 > old.1 && !failed)
}

/// The item after a transition, whose expression gives each attribute and its value the same name.
fn updated(before: Option<&Map<String, Value>>, file_id: &str, request: &Value) -> Map<String, Value> {
    let mut item = before.cloned().unwrap_or_default();
    item.insert("file_id".to_owned(), json!({ "S": file_id }));
    let values = &request["ExpressionAttributeValues"];
    for name in request["ExpressionAttributeNames"].as_object().into_iter().flat_map(Map::values) {
        let name = name.as_str().unwrap_or_default();
        let is_kept = ["day", "timestamp", "token"].contains(&name) && item.contains_key(name);
        if let Some(value) = values.get(format!(":{name}")).filter(|_| !is_kept) {
            item.insert(name.to_owned(), value.clone());
        }
    }
    let entries = values[":entry"]["L"].as_array().cloned().unwrap_or_default();
    let history = item.entry("history").or_insert_with(|| json!({ "L": [] }));
    if let Some(list) = history["L"].as_array_mut() {
        list.extend(entries);
    }
    item
}

/// The size of a value: its text, half of a number's digits, and 3 bytes for a list or a map with one for each member
/// (DynamoDB's guide, "DynamoDB item sizes and formats").
fn value_bytes(value: &Value) -> u64 {
    let Some((kind, value)) = value.as_object().and_then(|value| value.iter().next()) else {
        return 0;
    };
    match (kind.as_str(), value) {
        ("N", Value::String(digits)) => digits.len().div_ceil(2) as u64 + 1,
        (_, Value::String(text)) => text.len() as u64,
        (_, Value::Array(members)) => 3 + members.iter().map(|member| 1 + value_bytes(member)).sum::<u64>(),
        (_, Value::Object(members)) => {
            3 + members.iter().map(|(name, member)| 1 + name.len() as u64 + value_bytes(member)).sum::<u64>()
        }
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transition(attempt: u64, rank: u64, status: &str) -> String {
        let names = json!({ "#attempt": "attempt", "#rank": "rank", "#status": "status", "#history": "history" });
        let values = json!({
            ":attempt": { "N": attempt.to_string() }, ":rank": { "N": rank.to_string() }, ":status": { "S": status },
            ":entry": { "L": [{ "S": status }] },
        });
        let key = json!({ "file_id": { "S": "f" } });
        json!({ "Key": key, "ExpressionAttributeNames": names, "ExpressionAttributeValues": values }).to_string()
    }

    #[test]
    fn accepts_later_transitions_and_returns_the_item() {
        let state = Mutex::default();
        for (attempt, rank, status, expected) in [
            (1, 1, "validating", "200 OK"),
            (1, 1, "validating", "400 Bad Request"),
            (1, 2, "validation_failed", "200 OK"),
            (1, 3, "processing", "400 Bad Request"),
            (2, 1, "validating", "200 OK"),
            (1, 6, "completed", "400 Bad Request"),
        ] {
            let body = transition(attempt, rank, status);
            let (status_line, _) = table_response("dynamodb:UpdateItem", body.as_bytes(), &state);
            assert_eq!(status_line, expected, "{attempt} {status}");
        }
        let read = json!({ "Key": { "file_id": { "S": "f" } } }).to_string();
        let (_, response) = table_response("dynamodb:GetItem", read.as_bytes(), &state);
        assert_eq!(response["Item"]["status"]["S"], "validating");
        assert_eq!(response["Item"]["history"]["L"].as_array().map(Vec::len), Some(3));
    }

    #[test]
    fn counts_the_size_of_an_item_as_dynamodb_does() {
        assert_eq!(value_bytes(&json!({ "S": "é" })), 2);
        assert_eq!(value_bytes(&json!({ "N": "123" })), 3);
        assert_eq!(value_bytes(&json!({ "BOOL": true })), 1);
        assert_eq!(value_bytes(&json!({ "L": [{ "S": "ab" }, { "M": { "c": { "N": "1" } } }] })), 3 + 3 + 1 + 3 + 4);
    }
}
