//! The table of transactions: one row for each id and partner, and a later file's row wins.

use crate::Configuration;
use crate::configuration::{retries, timeouts};
use crate::failure::{Failure, FailureKind};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use domain::transaction::day_shard;
use domain::{FileId, Transaction};
use std::collections::HashMap;

/// How often a row's write is tried, and for how long at most: a table that is throttled while it grows needs patience,
/// and the workflow gives a range 65 seconds.
const WRITE_TRIES_MAX: u32 = 10;
const WRITE_SECONDS_MAX: u64 = 30;

/// How often a row's write begins anew because other files wrote the row in between.
const WRITE_TURNS_MAX: usize = 8;

/// The attribute that names the file whose row was replaced.
const REPLACES: &str = "replaces";

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
    /// It stood already, from the same file. It may have replaced the row of an earlier file then.
    Unchanged {
        /// The earlier file.
        replaced: Option<FileId>,
    },
    /// The row of a later file stands, untouched.
    Superseded {
        /// The later file, and when it arrived in milliseconds since 1970.
        by: (FileId, u64),
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
    ///
    /// # Errors
    /// A variable of the environment is missing.
    pub fn new(configuration: &Configuration) -> Result<Self, Failure> {
        let patient = aws_sdk_dynamodb::config::Builder::from(configuration.sdk())
            .retry_config(retries(WRITE_TRIES_MAX))
            .timeout_config(timeouts(WRITE_SECONDS_MAX));
        Ok(Self { client: Client::from_conf(patient.build()), name: configuration.variable("TRANSACTIONS_TABLE")? })
    }

    /// Writes a row unless it stands already or a later file's row does. May be repeated at any time.
    ///
    /// A row that replaces another remembers whose in `replaces`, so that a repeat, which finds its own row, still
    /// learns it. For that the row that stands must be known, which costs a second write where there is one.
    ///
    /// # Errors
    /// The table refused the call or did not answer.
    pub async fn write(&self, origin: &Origin, mut row: Row) -> Result<Written, Failure> {
        let mut standing: Option<Standing> = None;
        // Each turn after the second means that yet another file has written the row in between.
        for _ in 0..WRITE_TURNS_MAX {
            let replaced = standing.as_ref().and_then(|standing| standing.replaced_by(origin));
            if let Some(replaced) = &replaced {
                row.insert(REPLACES.to_owned(), AttributeValue::S(replaced.as_str().to_owned()));
            }
            let Some(found) = self.put_over(standing.as_ref(), row.clone()).await? else {
                return Ok(Written::Stored { replaced });
            };
            if found.order() >= origin.order() {
                let ours = found.file_id == origin.file_id;
                return Ok(if ours {
                    Written::Unchanged { replaced: found.replaces }
                } else {
                    Written::Superseded { by: (found.file_id, found.received_at_ms) }
                });
            }
            standing = Some(found);
        }
        Err(Failure::new(
            FailureKind::StoreUnavailable,
            "dynamodb:PutItem: the row is being written by many files at once",
        ))
    }

    /// Puts the row in place of the one that stands, or where none stands. Returns the row that stands instead.
    async fn put_over(&self, standing: Option<&Standing>, row: Row) -> Result<Option<Standing>, Failure> {
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(row))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let put = match standing {
            None => put.condition_expression("attribute_not_exists(transaction_id)"),
            Some(standing) => put
                .condition_expression("file_id = :file_id AND received_at = :received_at")
                .expression_attribute_values(":file_id", AttributeValue::S(standing.file_id.as_str().to_owned()))
                .expression_attribute_values(":received_at", AttributeValue::N(standing.received_at_ms.to_string())),
        };
        match put.send().await {
            Ok(_) => Ok(None),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(refused)) => refused
                    .item
                    .as_ref()
                    .and_then(Standing::of)
                    .map(Some)
                    .ok_or_else(|| Failure::new(FailureKind::InvalidInput, "a row of the table is not one of ours")),
                _ => Err(Failure::of_call("dynamodb:PutItem", &error, FailureKind::StoreUnavailable)),
            },
        }
    }
}

/// The row that stands where ours is to be written, as far as it matters.
struct Standing {
    file_id: FileId,
    received_at_ms: u64,
    replaces: Option<FileId>,
}

impl Standing {
    fn of(row: &Row) -> Option<Self> {
        let file = |name: &str| row.get(name).and_then(|value| FileId::parse(value.as_s().ok()?));
        Some(Self {
            file_id: file("file_id")?,
            received_at_ms: row.get("received_at")?.as_n().ok()?.parse().ok()?,
            replaces: file(REPLACES),
        })
    }

    /// What decides which of two files' rows stands.
    fn order(&self) -> (u64, &FileId) {
        (self.received_at_ms, &self.file_id)
    }

    /// The file whose row `origin` replaces. An earlier attempt of the same file passes on whom it replaced.
    fn replaced_by(&self, origin: &Origin) -> Option<FileId> {
        if self.file_id == origin.file_id { self.replaces.clone() } else { Some(self.file_id.clone()) }
    }
}

impl Origin {
    fn order(&self) -> (u64, &FileId) {
        (self.received_at_ms, &self.file_id)
    }
}
