//! Files for which the API has begun an attempt, and nothing more: as if its function had died then.

use crate::support::cloud::{Cloud, now_ms};
use crate::support::files::{digest, file_id};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::Timestamp;
use domain::csv::{FileValidator, Limits};
use serde_json::json;
use std::collections::HashMap;

impl Cloud {
    /// Writes the status of a valid file whose first attempt has begun, at `sequence` in its partner's arrival order,
    /// as the API does before it stores the object. Returns the file's id.
    pub(crate) async fn put_received(&self, partner: &str, file: &[u8], sequence: u64) -> String {
        let id = file_id(partner, file);
        let mut validator = FileValidator::new(Timestamp::from_unix_milliseconds(now_ms()), Limits::default());
        validator.push(file, &mut |error| panic!("{error:?}"));
        let report = validator.finish(&mut |error| panic!("{error:?}"));
        let at = Timestamp::from_unix_milliseconds(sequence).to_milliseconds_text();
        let row = json!({
            "file_id": id, "partner": partner, "attempt": 1, "status": "validating", "rank": 1,
            "updated_at": at, "updated_at_ms": now_ms(), "received_at": sequence, "sequence": sequence,
            "sha256": digest(file).as_str(), "token": "first-token", "day": &at[..10], "timestamp": at,
            "rows": report.rows, "totals": report.totals.to_texts(), "columns": report.columns, "ranges": report.ranges,
            "history": [{"status": "validating", "at": at, "attempt": 1, "message": "received by the API"}],
        });
        self.put_status(&row).await;
        id
    }

    /// Writes the status of a file whose first attempt began with a rejection that was never recorded, because its function
    /// died: it has no sequence, and its time of arrival is by a clock that is far behind. Returns the file's id.
    pub(crate) async fn put_rejection_begun(&self, partner: &str, file: &[u8], status: &str, rank: u8) -> String {
        let id = file_id(partner, file);
        let at = Timestamp::from_unix_milliseconds(now_ms()).to_milliseconds_text();
        let entry = |status: &str| json!({"status": status, "at": at, "attempt": 1, "message": "received by the API"});
        let mut history = vec![entry("validating")];
        if status != "validating" {
            history.push(entry(status));
        }
        self.put_status(&json!({
            "file_id": id, "partner": partner, "attempt": 1, "status": status, "rank": rank,
            "updated_at": at, "updated_at_ms": now_ms(), "received_at": 1_000, "sha256": digest(file).as_str(),
            "token": "first-token", "day": &at[..10], "timestamp": at, "history": history,
        }))
        .await;
        id
    }

    async fn put_status(&self, row: &serde_json::Value) {
        let row = row.as_object().unwrap().iter().map(|(name, value)| (name.clone(), attribute(value)));
        let row: HashMap<String, AttributeValue> = row.collect();
        self.dynamodb().put_item().table_name(&self.stack.status_table).set_item(Some(row)).send().await.unwrap();
    }

    /// The same, with its object in the bucket, which starts the workflow.
    pub(crate) async fn put_stored(&self, partner: &str, file: &[u8], sequence: u64) -> String {
        let id = self.put_received(partner, file, sequence).await;
        self.put_object(&format!("validated/{id}.csv"), file, &[]).await;
        id
    }
}

/// A JSON value as the table keeps it.
fn attribute(value: &serde_json::Value) -> AttributeValue {
    use serde_json::Value;
    match value {
        Value::Null => AttributeValue::Null(true),
        Value::Bool(value) => AttributeValue::Bool(*value),
        Value::Number(number) => AttributeValue::N(number.to_string()),
        Value::String(text) => AttributeValue::S(text.clone()),
        Value::Array(values) => AttributeValue::L(values.iter().map(attribute).collect()),
        Value::Object(members) => {
            AttributeValue::M(members.iter().map(|(name, value)| (name.clone(), attribute(value))).collect())
        }
    }
}
