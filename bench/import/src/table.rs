//! A table that keeps what is put into it, under the two conditions that the transformer puts.

use crate::gate::{Gate, Throttling};
use memchr::memmem;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::Instant;

/// One table, from one moment to the next in which it is emptied.
#[derive(Debug)]
pub(crate) struct Table {
    gate: Gate,
    /// The request that stands for each key: the id, since all rows have one partner.
    rows: HashMap<Vec<u8>, Vec<u8>>,
    /// The writes that changed a row.
    pub(crate) written: u64,
    /// The writes whose condition did not hold.
    pub(crate) unmet: u64,
    /// The writes that were throttled.
    pub(crate) throttled: u64,
    /// The transitions and marks of files.
    pub(crate) updates: u64,
}

/// An answer: its status, and its body.
pub(crate) type Answer = (&'static str, String);

impl Table {
    /// An empty table.
    pub(crate) fn new(throttling: Throttling) -> Self {
        Self { gate: Gate::new(throttling), rows: HashMap::new(), written: 0, unmet: 0, throttled: 0, updates: 0 }
    }

    /// The item that stands under an id, as the table's clients see it.
    pub(crate) fn item(&self, id: &str) -> Option<Value> {
        let mut request: Value = serde_json::from_slice(self.rows.get(id.as_bytes())?).ok()?;
        Some(request["Item"].take())
    }

    /// How many rows stand.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Throttles in another way from now on, and counts anew.
    pub(crate) fn throttle(&mut self, throttling: Throttling) {
        self.gate = Gate::new(throttling);
        (self.written, self.unmet, self.throttled, self.updates) = (0, 0, 0, 0);
    }

    /// `PutItem`. The request is looked through rather than parsed: the stub must not disturb what it measures.
    pub(crate) fn put(&mut self, request: Vec<u8>, now: Instant) -> Answer {
        if !self.gate.takes(now) {
            self.throttled += 1;
            return throttled();
        }
        let Some(id) = text_after(&request, b"\"transaction_id\":{\"S\":\"") else { return malformed("no id") };
        let standing = self.rows.get(id);
        let is_met = if memmem::find(&request, b"\"attribute_not_exists(transaction_id)\"").is_some() {
            standing.is_none()
        } else if memmem::find(&request, b"\"file_id = :file_id AND received_at = :received_at\"").is_some() {
            standing.is_some_and(|standing| {
                text_after(&request, b"\":file_id\":{\"S\":\"") == text_after(standing, b"\"file_id\":{\"S\":\"")
                    && text_after(&request, b"\":received_at\":{\"N\":\"")
                        == text_after(standing, b"\"received_at\":{\"N\":\"")
            })
        } else {
            return malformed("no condition that this table knows");
        };
        if is_met {
            self.written += 1;
            let id = id.to_vec();
            self.rows.insert(id, request);
            return ("200 OK", "{}".to_owned());
        }
        self.unmet += 1;
        let item = std::str::from_utf8(id).ok().and_then(|id| self.item(id));
        let name = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
        (
            "400 Bad Request",
            json!({ "__type": name, "message": "The conditional request failed", "Item": item }).to_string(),
        )
    }

    /// `BatchWriteItem`, which has no conditions.
    pub(crate) fn put_batch(&mut self, request: &[u8], now: Instant) -> Answer {
        let request: Value = serde_json::from_slice(request).unwrap_or_default();
        let mut unprocessed = serde_json::Map::new();
        let tables = request["RequestItems"].as_object().into_iter().flatten();
        for (table, puts) in tables {
            let mut left = Vec::new();
            for put in puts.as_array().into_iter().flatten() {
                let item = &put["PutRequest"]["Item"];
                let Some(id) = item["transaction_id"]["S"].as_str() else { return malformed("no id") };
                if self.gate.takes(now) {
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

fn throttled() -> Answer {
    let reason = json!([{ "reason": "TableWriteMaxOnDemandThroughputExceeded", "resource": "transactions" }]);
    let name = "com.amazonaws.dynamodb.v20120810#ThrottlingException";
    (
        "400 Bad Request",
        json!({ "__type": name, "message": "Too many writes", "throttlingReasons": reason }).to_string(),
    )
}

fn malformed(what: &str) -> Answer {
    (
        "400 Bad Request",
        json!({ "__type": "com.amazon.coral.validate#ValidationException", "message": what }).to_string(),
    )
}

/// The text that follows `name`, up to its quote. The texts looked for have no quotes inside.
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
    fn a_row_is_replaced_only_as_the_condition_says() {
        let mut table = Table::new(Throttling::None);
        assert_eq!(put(&mut table, "a", "1", None), "200 OK");
        assert_eq!(put(&mut table, "b", "2", None), "400 Bad Request");
        assert_eq!(put(&mut table, "b", "2", Some(("a", "7"))), "400 Bad Request");
        assert_eq!(put(&mut table, "b", "2", Some(("a", "1"))), "200 OK");
        assert_eq!(table.item("T1").unwrap()["file_id"]["S"], "b");
        assert_eq!((table.written, table.unmet, table.len()), (2, 2, 1));
    }

    #[test]
    fn a_batch_gives_back_what_it_did_not_take() {
        let mut table = Table::new(Throttling::Thousandths(1000));
        let item = json!({ "transaction_id": { "S": "T1" } });
        let batch = json!({ "RequestItems": { "t": [{ "PutRequest": { "Item": item } }] } }).to_string();
        let (_, answer) = table.put_batch(batch.as_bytes(), Instant::now());
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["UnprocessedItems"]["t"][0]["PutRequest"]["Item"], item);
        table.throttle(Throttling::None);
        table.put_batch(batch.as_bytes(), Instant::now());
        assert_eq!((table.item("T1"), table.written), (Some(item), 1));
    }
}
