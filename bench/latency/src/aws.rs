//! A stub of the bucket and of the table of files, over TLS. It answers as late as AWS does, keeps what it is given, and
//! counts the calls.

use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;
use stubs::http::{self, Request};
use stubs::tls::Server;

/// How long the bucket takes, from the end of a request to the beginning of its answer.
pub(crate) const BUCKET_MILLISECONDS: u64 = 20;

/// How long the table takes.
pub(crate) const TABLE_MILLISECONDS: u64 = 5;

/// What has come so far.
#[derive(Debug, Default)]
struct Standing {
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
    standing: Arc<Mutex<Standing>>,
}

impl Aws {
    /// Listens for as long as this process runs.
    ///
    /// # Errors
    /// No port is free, or no certificate could be made.
    pub(crate) fn start() -> Result<Self, Box<dyn Error>> {
        let standing = Arc::new(Mutex::new(Standing::default()));
        let shared = Arc::clone(&standing);
        let server = Server::start(move |request, mut stream| answer(request, &shared, &mut stream))?;
        Ok(Self { server, standing })
    }

    /// The calls since this was asked last, by name.
    pub(crate) fn take_calls(&self) -> BTreeMap<String, u64> {
        std::mem::take(&mut lock(&self.standing).calls)
    }

    /// The size of the item that was written last, as the table counts it.
    pub(crate) fn item_bytes(&self) -> u64 {
        lock(&self.standing).item_bytes
    }

    /// The object that was stored last.
    pub(crate) fn take_object(&self) -> Vec<u8> {
        std::mem::take(&mut lock(&self.standing).object)
    }
}

/// What is counted stays right, whatever became of another connection's thread.
fn lock(standing: &Mutex<Standing>) -> MutexGuard<'_, Standing> {
    standing.lock().unwrap_or_else(PoisonError::into_inner)
}

fn answer(request: Request, standing: &Mutex<Standing>, stream: &mut impl Write) -> io::Result<()> {
    let call = match request.target.rsplit_once('.') {
        Some((_, operation)) => format!("dynamodb:{operation}"),
        None => format!("s3:{}", request.method),
    };
    let is_of_the_table = call.starts_with("dynamodb:");
    *lock(standing).calls.entry(call.clone()).or_default() += 1;
    let milliseconds = if is_of_the_table { TABLE_MILLISECONDS } else { BUCKET_MILLISECONDS };
    thread::sleep(Duration::from_millis(milliseconds));
    if is_of_the_table {
        let (status, body) = answer_of_the_table(&call, &request.body, standing);
        http::write_response(stream, status, "application/x-amz-json-1.0", "", body.to_string().as_bytes())
    } else {
        lock(standing).object = request.body;
        http::write_response(stream, "200 OK", "text/plain", "x-amz-version-id: 1\r\nETag: \"1\"\r\n", b"")
    }
}

fn answer_of_the_table(call: &str, body: &[u8], standing: &Mutex<Standing>) -> (&'static str, Value) {
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let file_id = request["Key"]["file_id"]["S"].as_str().unwrap_or_default().to_owned();
    let standing = &mut *lock(standing);
    let items = &mut standing.items;
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
                return ("400 Bad Request", json!({ "__type": name, "message": "refused", "Item": before }));
            }
            let after = updated(before, &file_id, &request);
            standing.item_bytes = after.iter().map(|(name, value)| name.len() as u64 + value_bytes(value)).sum();
            let answer = json!({ "Attributes": after });
            items.insert(file_id, after);
            ("200 OK", answer)
        }
        _ => ("400 Bad Request", json!({ "__type": "UnknownOperationException", "message": call })),
    }
}

/// The condition of a transition: a later attempt, or further in the same one, which has not failed.
fn is_ahead_of(request: &Value, item: &Map<String, Value>) -> bool {
    let number = |value: &Value| value["N"].as_str().and_then(|text| text.parse::<u64>().ok()).unwrap_or_default();
    let place = |of: &dyn Fn(&str) -> u64| (of("attempt"), of("rank"));
    let new = place(&|name| number(&request["ExpressionAttributeValues"][format!(":{name}")]));
    let old = place(&|name| item.get(name).map(number).unwrap_or_default());
    let failed = item["status"]["S"].as_str().unwrap_or_default().contains("failed");
    new.0 > old.0 || (new.0 == old.0 && new.1 > old.1 && !failed)
}

/// The item after a transition, whose expression names every attribute and its value alike.
fn updated(before: Option<&Map<String, Value>>, file_id: &str, request: &Value) -> Map<String, Value> {
    let mut item = before.cloned().unwrap_or_default();
    item.insert("file_id".to_owned(), json!({ "S": file_id }));
    let values = &request["ExpressionAttributeValues"];
    for name in request["ExpressionAttributeNames"].as_object().into_iter().flat_map(Map::values) {
        let name = name.as_str().unwrap_or_default();
        let stays = ["day", "timestamp", "token"].contains(&name) && item.contains_key(name);
        if let Some(value) = values.get(format!(":{name}")).filter(|_| !stays) {
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
    fn the_table_takes_what_is_ahead_and_tells_what_stands() {
        let standing = Mutex::default();
        for (attempt, rank, status, expected) in [
            (1, 1, "validating", "200 OK"),
            (1, 1, "validating", "400 Bad Request"),
            (1, 2, "validation_failed", "200 OK"),
            (1, 3, "processing", "400 Bad Request"),
            (2, 1, "validating", "200 OK"),
            (1, 6, "completed", "400 Bad Request"),
        ] {
            let body = transition(attempt, rank, status);
            let (answer, _) = answer_of_the_table("dynamodb:UpdateItem", body.as_bytes(), &standing);
            assert_eq!(answer, expected, "{attempt} {status}");
        }
        let read = json!({ "Key": { "file_id": { "S": "f" } } }).to_string();
        let (_, answer) = answer_of_the_table("dynamodb:GetItem", read.as_bytes(), &standing);
        assert_eq!(answer["Item"]["status"]["S"], "validating");
        assert_eq!(answer["Item"]["history"]["L"].as_array().map(Vec::len), Some(3));
    }

    #[test]
    fn an_item_has_the_size_that_the_table_counts() {
        assert_eq!(value_bytes(&json!({ "S": "é" })), 2);
        assert_eq!(value_bytes(&json!({ "N": "123" })), 3);
        assert_eq!(value_bytes(&json!({ "BOOL": true })), 1);
        assert_eq!(value_bytes(&json!({ "L": [{ "S": "ab" }, { "M": { "c": { "N": "1" } } }] })), 3 + 3 + 1 + 3 + 4);
    }
}
