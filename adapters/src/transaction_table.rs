//! The table of transactions: one row for each id and partner. The row of the latest file is in effect.

use crate::Configuration;
use crate::configuration::{steady_retries, timeouts};
use crate::failure::{Failure, FailureKind};
use crate::throttling::{LeftToCaller, Throttled};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::StalledStreamProtectionConfig;
use aws_sdk_dynamodb::config::retry::{RetryPartition, TokenBucket};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use domain::{Currency, DayShards, FileId, Money, Timestamp, Transaction, TransactionStatus};
use std::collections::HashMap;

/// The maximum number of tries of a write that gets no response or a 5xx, and its timeout. A range of a large file is
/// not retried, so an outage of some seconds must not fail it.
const WRITE_TRIES_MAX: u32 = 10;
const WRITE_SECONDS_MAX: u64 = 30;

/// How often the write of a row is repeated because other files wrote the row in between. Each turn after the second
/// means another such file.
const WRITE_TURNS_MAX: usize = 8;

/// The attribute with the file whose row was replaced.
const REPLACES: &str = "replaces";

/// The attributes with the sequence of its file, and the attempt that wrote it.
const SEQUENCE: &str = "sequence";
const RECEIVED_AT: &str = "received_at";
const ATTEMPT: &str = "attempt";

/// The memory of a row without its texts, in bytes: the row, the overhead of the allocator, and its entry in a queue.
const ROW_BYTES: usize = 256;

/// The file that a row comes from.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The file.
    pub file_id: FileId,
    /// Who sent it.
    pub partner: String,
    /// When it was received, in milliseconds since 1970.
    pub received_at_ms: u64,
    /// Its sequence in its partner's arrival order. Of two files with the same sequence, which only files put in the
    /// bucket can have, the one with the greater id is in effect.
    pub sequence: u64,
    /// The attempt.
    pub attempt: u32,
}

/// The outcome of a write.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Written {
    /// This attempt has written it, now or in an earlier try. It may have replaced the row of an earlier file.
    Stored {
        /// The earlier file.
        replaced: Option<FileId>,
    },
    /// An earlier attempt of the same file had written it. It may have replaced the row of an earlier file then.
    Unchanged {
        /// The earlier file.
        replaced: Option<FileId>,
    },
    /// The row of a later file is in effect and was not changed.
    Superseded {
        /// The later file and its sequence.
        by: (FileId, u64),
    },
}

/// A row to be written. It owns its texts; each call creates its item again, so that a waiting row takes little memory.
#[derive(Clone, Debug)]
pub struct Row {
    record: u32,
    transaction_id: Box<str>,
    amount: Money,
    currency: Currency,
    timestamp: Timestamp,
    merchant: Box<str>,
    status: TransactionStatus,
    /// The current row of another file with the same key.
    current: Option<CurrentRow>,
    turns: usize,
}

impl Row {
    /// The row of `transaction`, the record `record` of its file.
    #[must_use]
    pub fn new(record: u32, transaction: &Transaction<'_>) -> Self {
        Self {
            record,
            transaction_id: transaction.transaction_id.into(),
            amount: transaction.amount,
            currency: transaction.currency,
            timestamp: transaction.timestamp,
            merchant: transaction.merchant.into(),
            status: transaction.status,
            current: None,
            turns: 0,
        }
    }

    /// Its approximate memory while it waits, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        ROW_BYTES + self.transaction_id.len() + self.merchant.len()
    }

    fn item(&self, origin: &Origin, replaced: Option<&FileId>) -> HashMap<String, AttributeValue> {
        let text = |value: &str| AttributeValue::S(value.to_owned());
        let number = |value: String| AttributeValue::N(value);
        let timestamp = self.timestamp.to_string();
        let day = &timestamp[.."2026-01-15".len()];
        let attributes = [
            ("transaction_id", text(&self.transaction_id)),
            ("partner", text(&origin.partner)),
            ("amount", number(self.amount.to_string())),
            ("currency", text(self.currency.code())),
            ("day", text(day)),
            ("day_shard", text(&DayShards::TRANSACTIONS.of(self.timestamp, &self.transaction_id))),
            ("timestamp", text(&timestamp)),
            ("merchant", text(&self.merchant)),
            ("status", text(self.status.as_str())),
            ("file_id", text(origin.file_id.as_str())),
            (RECEIVED_AT, number(origin.received_at_ms.to_string())),
            (SEQUENCE, number(origin.sequence.to_string())),
            (ATTEMPT, number(origin.attempt.to_string())),
            ("record", number(self.record.to_string())),
        ];
        let replaces = replaced.map(|replaced| (REPLACES, text(replaced.as_str())));
        attributes.into_iter().chain(replaces).map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// The progress of a row.
#[derive(Debug)]
pub enum Progress {
    /// The write is done.
    Written(Written),
    /// The table throttled the call. The row can be written later, and continues from there.
    Throttled(Row, Throttled),
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
        // The client retries calls that got no response. Throttling is left to the caller, which knows all writes and
        // slows them down; the client would delay each call separately and give up. Its retry tokens are unlimited,
        // because 64 failing calls would use up the default ones within half a second.
        let patient = aws_sdk_dynamodb::config::Builder::from(configuration.sdk())
            .retry_config(steady_retries(WRITE_TRIES_MAX))
            .retry_classifier(LeftToCaller)
            .retry_partition(RetryPartition::custom("transactions").token_bucket(TokenBucket::unlimited()).build())
            .timeout_config(timeouts(WRITE_SECONDS_MAX))
            // It is for long bodies. These are short, and each try has a timeout.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        Ok(Self { client: Client::from_conf(patient.build()), name: configuration.variable("TRANSACTIONS_TABLE")? })
    }

    /// Writes a row unless it is written already or the row of a later file is in effect. It may be repeated at any
    /// time.
    ///
    /// A row that replaces another keeps the file of that row in `replaces`, so that a repeat, which finds its own row,
    /// still returns it. For that, the current row must be known, which takes a second write if there is one.
    ///
    /// # Errors
    /// The table rejected the call or did not respond.
    pub async fn write(&self, origin: &Origin, mut row: Row) -> Result<Progress, Failure> {
        while row.turns < WRITE_TURNS_MAX {
            let replaced = row.current.as_ref().and_then(|current| current.replaced_by(origin));
            let found = match self.put_over(row.current.as_ref(), row.item(origin, replaced.as_ref())).await? {
                Put::Done => return Ok(Progress::Written(Written::Stored { replaced })),
                Put::Throttled(throttled) => return Ok(Progress::Throttled(row, throttled)),
                Put::Found(found) => found,
            };
            if found.order() >= origin.order() {
                return Ok(Progress::Written(if found.file_id != origin.file_id {
                    Written::Superseded { by: (found.file_id, found.sequence) }
                } else if found.attempt == Some(origin.attempt) {
                    // The response to an earlier try was lost.
                    Written::Stored { replaced: found.replaces }
                } else {
                    Written::Unchanged { replaced: found.replaces }
                }));
            }
            row.current = Some(found);
            row.turns += 1;
        }
        Err(Failure::new(
            FailureKind::StoreUnavailable,
            "dynamodb:PutItem: the row is being written by many files at once",
        ))
    }

    /// Puts an item in place of the current row, or if there is none.
    async fn put_over(
        &self,
        current: Option<&CurrentRow>,
        item: HashMap<String, AttributeValue>,
    ) -> Result<Put, Failure> {
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let put = match current {
            None => put.condition_expression("attribute_not_exists(transaction_id)"),
            Some(current) => put
                .condition_expression(format!("file_id = :file_id AND #order = :order{}", current.without_sequence()))
                .expression_attribute_names("#order", current.order_attribute)
                .expression_attribute_values(":file_id", AttributeValue::S(current.file_id.as_str().to_owned()))
                .expression_attribute_values(":order", AttributeValue::N(current.sequence.to_string())),
        };
        let error = match put.send().await {
            Ok(_) => return Ok(Put::Done),
            Err(error) => error,
        };
        if let Some(PutItemError::ConditionalCheckFailedException(conflict)) = error.as_service_error() {
            let current = conflict.item.as_ref().and_then(CurrentRow::of).map(Put::Found);
            return current.ok_or_else(|| Failure::new(FailureKind::InvalidInput, "a row of the table is malformed"));
        }
        match error.as_service_error().and_then(Throttled::of) {
            Some(throttled) => Ok(Put::Throttled(throttled)),
            None => Err(Failure::of_call("dynamodb:PutItem", &error, FailureKind::StoreUnavailable)),
        }
    }
}

/// The response of the table to a row.
enum Put {
    Done,
    Found(CurrentRow),
    Throttled(Throttled),
}

/// The row that is in effect, as far as it matters for a write.
#[derive(Clone, Debug)]
struct CurrentRow {
    file_id: FileId,
    sequence: u64,
    /// The attribute with its sequence.
    order_attribute: &'static str,
    attempt: Option<u32>,
    replaces: Option<FileId>,
}

impl CurrentRow {
    fn of(row: &HashMap<String, AttributeValue>) -> Option<Self> {
        let file = |name: &str| row.get(name).and_then(|value| FileId::parse(value.as_s().ok()?));
        let number = |name: &str| row.get(name)?.as_n().ok()?.parse::<u64>().ok();
        // Rows of an earlier version of this program have the time of their file's arrival alone.
        let order_attribute = if row.contains_key(SEQUENCE) { SEQUENCE } else { RECEIVED_AT };
        Some(Self {
            file_id: file("file_id")?,
            sequence: number(order_attribute)?,
            order_attribute,
            attempt: number(ATTEMPT).and_then(|attempt| u32::try_from(attempt).ok()),
            replaces: file(REPLACES),
        })
    }

    /// The additional condition for a row without a sequence.
    fn without_sequence(&self) -> &'static str {
        if self.order_attribute == SEQUENCE { "" } else { " AND attribute_not_exists(sequence)" }
    }

    /// The order that decides which row is in effect.
    fn order(&self) -> (u64, &FileId) {
        (self.sequence, &self.file_id)
    }

    /// The file whose row `origin` replaces. For a row of the same file, it is the one that row replaced.
    fn replaced_by(&self, origin: &Origin) -> Option<FileId> {
        if self.file_id == origin.file_id { self.replaces.clone() } else { Some(self.file_id.clone()) }
    }
}

impl Origin {
    fn order(&self) -> (u64, &FileId) {
        (self.sequence, &self.file_id)
    }
}
