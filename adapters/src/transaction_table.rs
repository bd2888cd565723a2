//! The table of transactions: one row for each id and partner, and a later file's row wins.

use crate::Configuration;
use crate::configuration::{retries, timeouts};
use crate::failure::{Failure, FailureKind};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use domain::transaction::day_shard;
use domain::{FileId, Transaction};
use std::collections::HashMap;

/// How often a row's write is tried, and for how long at most: a table that is throttled while it grows needs patience,
/// and the workflow gives a range 65 seconds.
const WRITE_TRIES_MAX: u32 = 10;
const WRITE_SECONDS_MAX: u64 = 30;

/// The file that a row comes from.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The file.
    pub file_id: FileId,
    /// Who sent it.
    pub partner: String,
    /// When it arrived, in milliseconds since 1970. Of two files that arrived at once, the greater id wins.
    pub received_at_ms: u64,
}

/// What became of a row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Written {
    /// It stands now. It may have replaced the row of an earlier file.
    Stored {
        /// The earlier file.
        replaced: Option<FileId>,
    },
    /// It stood already, from the same file.
    Unchanged,
    /// The row of a later file stands, untouched.
    Superseded {
        /// The later file, and when it arrived in milliseconds since 1970.
        by: Option<(FileId, u64)>,
    },
}

/// A row, ready to be written.
pub type Row = HashMap<String, AttributeValue>;

/// The row of `transaction`, the record `record` of its file.
#[must_use]
pub fn row(origin: &Origin, record: u32, transaction: &Transaction<'_>) -> Row {
    let text = |value: &str| AttributeValue::S(value.to_owned());
    let number = |value: String| AttributeValue::N(value);
    HashMap::from([
        ("transaction_id".to_owned(), text(transaction.transaction_id)),
        ("partner".to_owned(), text(&origin.partner)),
        ("amount".to_owned(), number(transaction.amount.to_string())),
        ("currency".to_owned(), text(transaction.currency.code())),
        ("timestamp".to_owned(), text(&transaction.timestamp.to_string())),
        ("merchant".to_owned(), text(transaction.merchant)),
        ("status".to_owned(), text(transaction.status.as_str())),
        ("day".to_owned(), text(&transaction.timestamp.day())),
        ("day_shard".to_owned(), text(&day_shard(transaction.timestamp, transaction.transaction_id))),
        ("file_id".to_owned(), text(origin.file_id.as_str())),
        ("received_at".to_owned(), number(origin.received_at_ms.to_string())),
        ("record".to_owned(), number(record.to_string())),
    ])
}

/// The table.
#[derive(Clone, Debug)]
pub struct TransactionTable {
    client: Client,
    name: String,
}

impl TransactionTable {
    /// The table of this environment.
    #[must_use]
    pub fn new(configuration: &Configuration) -> Self {
        let patient = aws_sdk_dynamodb::config::Builder::from(configuration.sdk())
            .retry_config(retries(WRITE_TRIES_MAX))
            .timeout_config(timeouts(WRITE_SECONDS_MAX));
        Self { client: Client::from_conf(patient.build()), name: configuration.transactions_table.clone() }
    }

    /// Writes a row unless it stands already or a later file's row does. May be repeated at any time.
    ///
    /// # Errors
    /// The table refused the call or did not answer.
    pub async fn write(&self, origin: &Origin, row: Row) -> Result<Written, Failure> {
        let result = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(row))
            .condition_expression(
                "attribute_not_exists(transaction_id) OR received_at < :received_at \
                 OR (received_at = :received_at AND file_id < :file_id)",
            )
            .expression_attribute_values(":received_at", AttributeValue::N(origin.received_at_ms.to_string()))
            .expression_attribute_values(":file_id", AttributeValue::S(origin.file_id.as_str().to_owned()))
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match result {
            Ok(written) => {
                let replaced = written.attributes.as_ref().and_then(file_of).filter(|file| *file != origin.file_id);
                Ok(Written::Stored { replaced })
            }
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(refused)) => {
                    Ok(overtaken(origin, refused.item.as_ref()))
                }
                _ => Err(Failure::of_call("dynamodb:PutItem", &error, FailureKind::StoreUnavailable)),
            },
        }
    }
}

/// What it means that the row `standing` kept ours from being written.
fn overtaken(origin: &Origin, standing: Option<&Row>) -> Written {
    let file = standing.and_then(file_of);
    if file.as_ref() == Some(&origin.file_id) {
        return Written::Unchanged;
    }
    let received_at_ms = standing.and_then(|row| row.get("received_at")?.as_n().ok()?.parse().ok());
    Written::Superseded { by: file.zip(received_at_ms) }
}

fn file_of(row: &Row) -> Option<FileId> {
    row.get("file_id").and_then(|value| value.as_s().ok()).and_then(|text| FileId::parse(text))
}
