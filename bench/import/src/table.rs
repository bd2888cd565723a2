//! A table that stores items under the two conditions of the transformer.

use crate::gate::{Gate, Throttling};
use memchr::memmem;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::Instant;

/// One table.
#[derive(Debug)]
pub(crate) struct Table {
    gate: Gate,
    /// The last request for each key: the ID, because all rows have one partner.
    rows: HashMap<Vec<u8>, Vec<u8>>,
    /// The writes that changed a row.
    pub(crate) written: u64,
    /// The writes whose condition failed.
    pub(crate) failed: u64,
    /// The writes that were throttled.
    pub(crate) throttled: u64,
    /// The updates of files.
    pub(crate) updates: u64,
}

/// A response: its status and its body.
pub(crate) type Response = (&'static str, String);

impl Table {
    /// An empty table.
    pub(crate) fn new(throttling: Throttling) -> Self {
        Self { gate: Gate::new(throttling), rows: HashMap::new(), written: 0, failed: 0, throttled: 0, updates: 0 }
    }

    /// The item with an ID, in DynamoDB's JSON.
    pub(crate) fn item(&self, id: &str) -> Option<Value> {
        let mut request: Value = serde_json::from_slice(self.rows.get(id.as_bytes())?).ok()?;
        Some(request["Item"].take())
    }

    /// The number of rows.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Changes the throttling, and resets the counts.
    pub(crate) fn throttle(&mut self, throttling: Throttling) {
        self.gate = Gate::new(throttling);
        (self.written, self.failed, self.throttled, self.updates) = (0, 0, 0, 0);
    }

    /// `PutItem`. The request is searched and not parsed, because the stub must not disturb the measurement.
    pub(crate) fn put(&mut self, request: Vec<u8>, now: Instant) -> Response {
        if !self.gate.accepts(now) {
            self.throttled += 1;
            return throttled();
        }
        let Some(id) = text_after(&request, b"\"transaction_id\":{\"S\":\"") else { return malformed("no id") };
        let current = self.rows.get(id);
        let holds = if memmem::find(&request, b"\"attribute_not_exists(transaction_id)\"").is_some() {
            current.is_none()
        } else if memmem::find(&request, b"\"file_id = :file_id AND received_at = :received_at\"").is_some() {
            current.is_some_and(|current| {
                text_after(&request, b"\":file_id\":{\"S\":\"") == text_after(current, b"\"file_id\":{\"S\":\"")
                    && text_after(&request, b"\":received_at\":{\"N\":\"")
                        == text_after(current, b"\"received_at\":{\"N\":\"")
            })
        } else {
            return malformed("unknown condition");
        };
        if holds {
            self.written += 1;
            let id = id.to_vec();
            self.rows.insert(id, request);
            return ("200 OK", "{}".to_owned());
        }
        self.failed += 1;
        let item = std::str::from_utf8(id).ok().and_then(|id| self.item(id));
        let name = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
        (
            "400 Bad Request",
            json!({ "__type": name, "message": "The conditional request failed", "Item": item }).to_string(),
        )
    }

    /// `BatchWriteItem`, which has no conditions.
    pub(crate) fn put_batch(&mut self, request: &[u8], now: Instant) -> Response {
        let request: Value = serde_json::from_slice(request).unwrap_or_default();
        let mut unprocessed = serde_json::Map::new();
        let tables = request["RequestItems"].as_object().into_iter().flatten();
        for (table, puts) in tables {
            let mut left = Vec::new();
            for put in puts.as_array().into_iter().flatten() {
                let item = &put["PutRequest"]["Item"];
                let Some(id) = item["transaction_id"]["S"].as_str() else { return malformed("no id") };
                if self.gate.accepts(now) {
                    self.written += 1;
                    self.rows.insert(id.as_bytes().to_vec(), json!({ "Item": item }).to_string().into_bytes());
                } else {
                    self.throttled += 1;
                    left.push(put.clone());
                }
            }
            if !left.is_empty() {
                unprocessed.insert(table.clone(), Value::Array(left));
            }
        }
        ("200 OK", json!({ "UnprocessedItems": unprocessed }).to_string())
    }
}

fn throttled() -> Response {
    let reason = json!([{ "reason": "TableWriteMaxOnDemandThroughputExceeded", "resource": "transactions" }]);
    let name = "com.amazonaws.dynamodb.v20120810#ThrottlingException";
    (
        "400 Bad Request",
        json!({ "__type": name, "message": "Too many writes", "throttlingReasons": reason }).to_string(),
    )
}

fn malformed(what: &str) -> Response {
    (
        "400 Bad Request",
        json!({ "__type": "com.amazon.coral.validate#ValidationException", "message": what }).to_string(),
    )
}

/// The text after `name`, up to its closing quote. These texts contain no quotes.
fn text_after<'r>(request: &'r [u8], name: &[u8]) -> Option<&'r [u8]> {
    let after = &request[memmem::find(request, name)? + name.len()..];
    after.get(..memchr::memchr(b'"', after)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(table: &mut Table, file: &str, received_at: &str, over: Option<(&str, &str)>) -> &'static str {
        let item = json!({
            "transaction_id": { "S": "T1" }, "file_id": { "S": file }, "received_at": { "N": received_at },
        });
        let request = match over {
            None => json!({ "Item": item, "ConditionExpression": "attribute_not_exists(transaction_id)" }),
            Some((file, received_at)) => json!({
                "Item": item, "ConditionExpression": "file_id = :file_id AND received_at = :received_at",
                "ExpressionAttributeValues": { ":file_id": { "S": file }, ":received_at": { "N": received_at } },
            }),
        };
        table.put(request.to_string().into_bytes(), Instant::now()).0
    }

    #[test]
    fn replaces_a_row_only_if_the_condition_holds() {
        let mut table = Table::new(Throttling::None);
        assert_eq!(put(&mut table, "a", "1", None), "200 OK");
        assert_eq!(put(&mut table, "b", "2", None), "400 Bad Request");
        assert_eq!(put(&mut table, "b", "2", Some(("a", "7"))), "400 Bad Request");
        assert_eq!(put(&mut table, "b", "2", Some(("a", "1"))), "200 OK");
        assert_eq!(table.item("T1").unwrap()["file_id"]["S"], "b");
        assert_eq!((table.written, table.failed, table.len()), (2, 2, 1));
    }

    #[test]
    fn a_batch_returns_unprocessed_items() {
        let mut table = Table::new(Throttling::Thousandths(1000));
        let item = json!({ "transaction_id": { "S": "T1" } });
        let batch = json!({ "RequestItems": { "t": [{ "PutRequest": { "Item": item } }] } }).to_string();
        let (_, response) = table.put_batch(batch.as_bytes(), Instant::now());
        let response: Value = serde_json::from_str(&response).unwrap();
        assert_eq!(response["UnprocessedItems"]["t"][0]["PutRequest"]["Item"], item);
        table.throttle(Throttling::None);
        table.put_batch(batch.as_bytes(), Instant::now());
        assert_eq!((table.item("T1"), table.written), (Some(item), 1));
    }
}
