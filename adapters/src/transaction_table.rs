//! The table of transactions: one row for each id and partner, and a later file's row wins.

use crate::Configuration;
use crate::configuration::{steady_retries, timeouts};
use crate::failure::{Failure, FailureKind};
use crate::throttling::{LeftToCaller, Throttled};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::StalledStreamProtectionConfig;
use aws_sdk_dynamodb::config::retry::{RetryPartition, TokenBucket};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use domain::files::transaction::TransactionStatus;
use domain::{Currency, DayShards, FileId, Money, Timestamp, Transaction};
use std::collections::HashMap;

/// How often a write is tried that gets no answer or a 5xx, and for how long at most. A large file has one try of a range, so
/// that a service that is away for some seconds must not fail it.
const WRITE_TRIES_MAX: u32 = 10;
const WRITE_SECONDS_MAX: u64 = 30;

/// How often a row's write begins anew because other files wrote the row in between. Each turn after the second means that
/// yet another file has written it.
const WRITE_TURNS_MAX: usize = 8;

/// The attribute that names the file whose row was replaced.
const REPLACES: &str = "replaces";

/// The attributes that name its file's place in the arrival order, and the attempt that has written it.
const SEQUENCE: &str = "sequence";
const RECEIVED_AT: &str = "received_at";
const ATTEMPT: &str = "attempt";

/// What a row takes in memory beside its texts, in bytes: itself, what the allocator adds, and its place in a queue.
const ROW_BYTES: usize = 256;

/// The file that a row comes from.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The file.
    pub file_id: FileId,
    /// Who sent it.
    pub partner: String,
    /// When it arrived, in milliseconds since 1970.
    pub received_at_ms: u64,
    /// Its place in its partner's arrival order. Of two files at one place, which only files have that partners put into the
    /// bucket themselves, the greater id wins.
    pub sequence: u64,
    /// The attempt that writes.
    pub attempt: u32,
}

/// What became of a row.
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
    /// The row of a later file stands, untouched.
    Superseded {
        /// The later file, and its place in the arrival order.
        by: (FileId, u64),
    },
}

/// A row on its way into the table. It owns its texts, once: each call makes its item anew, so that a row that waits takes
/// little room.
#[derive(Clone, Debug)]
pub struct Row {
    record: u32,
    transaction_id: Box<str>,
    amount: Money,
    currency: Currency,
    timestamp: Timestamp,
    merchant: Box<str>,
    status: TransactionStatus,
    /// The row of another file that was found where this one is to stand.
    standing: Option<Standing>,
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
            standing: None,
            turns: 0,
        }
    }

    /// What it takes in memory while it waits, about.
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

/// How far a row has come.
#[derive(Debug)]
pub enum Progress {
    /// It is decided.
    Written(Written),
    /// The table is busy. The row may be written later, and goes on from where it was.
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
        // The client repeats what got no answer. A table that is throttled is left to the caller, who knows of all writes and
        // slows them down; the client alone would hold back each call for a time of its own, and give up after some.
        // Its tokens are without end, because 64 calls that fail at once would use up the default ones within half a second.
        let patient = aws_sdk_dynamodb::config::Builder::from(configuration.sdk())
            .retry_config(steady_retries(WRITE_TRIES_MAX))
            .retry_classifier(LeftToCaller)
            .retry_partition(RetryPartition::custom("transactions").token_bucket(TokenBucket::unlimited()).build())
            .timeout_config(timeouts(WRITE_SECONDS_MAX))
            // That watches over long bodies. These are short, and each try has its own limit.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        Ok(Self { client: Client::from_conf(patient.build()), name: configuration.variable("TRANSACTIONS_TABLE")? })
    }

    /// Writes a row unless it stands already or a later file's row does. May be repeated at any time.
    ///
    /// A row that replaces another remembers whose in `replaces`, so that a repeat, which finds its own row, still
    /// learns it. For that the row that stands must be known, which costs a second write where there is one.
    ///
    /// # Errors
    /// The table refused the call or did not answer.
    pub async fn write(&self, origin: &Origin, mut row: Row) -> Result<Progress, Failure> {
        while row.turns < WRITE_TURNS_MAX {
            let replaced = row.standing.as_ref().and_then(|standing| standing.replaced_by(origin));
            let found = match self.put_over(row.standing.as_ref(), row.item(origin, replaced.as_ref())).await? {
                Put::Done => return Ok(Progress::Written(Written::Stored { replaced })),
                Put::Throttled(throttled) => return Ok(Progress::Throttled(row, throttled)),
                Put::Found(found) => found,
            };
            if found.order() >= origin.order() {
                return Ok(Progress::Written(if found.file_id != origin.file_id {
                    Written::Superseded { by: (found.file_id, found.sequence) }
                } else if found.attempt == Some(origin.attempt) {
                    // The answer to an earlier try was lost.
                    Written::Stored { replaced: found.replaces }
                } else {
                    Written::Unchanged { replaced: found.replaces }
                }));
            }
            row.standing = Some(found);
            row.turns += 1;
        }
        Err(Failure::new(
            FailureKind::StoreUnavailable,
            "dynamodb:PutItem: the row is being written by many files at once",
        ))
    }

    /// Puts an item in place of the row that stands, or where none stands.
    async fn put_over(
        &self,
        standing: Option<&Standing>,
        item: HashMap<String, AttributeValue>,
    ) -> Result<Put, Failure> {
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let put = match standing {
            None => put.condition_expression("attribute_not_exists(transaction_id)"),
            Some(standing) => put
                .condition_expression(format!("file_id = :file_id AND #order = :order{}", standing.without_place()))
                .expression_attribute_names("#order", standing.order_attribute)
                .expression_attribute_values(":file_id", AttributeValue::S(standing.file_id.as_str().to_owned()))
                .expression_attribute_values(":order", AttributeValue::N(standing.sequence.to_string())),
        };
        let error = match put.send().await {
            Ok(_) => return Ok(Put::Done),
            Err(error) => error,
        };
        if let Some(PutItemError::ConditionalCheckFailedException(refused)) = error.as_service_error() {
            let standing = refused.item.as_ref().and_then(Standing::of).map(Put::Found);
            return standing
                .ok_or_else(|| Failure::new(FailureKind::InvalidInput, "a row of the table is not one of ours"));
        }
        match error.as_service_error().and_then(Throttled::of) {
            Some(throttled) => Ok(Put::Throttled(throttled)),
            None => Err(Failure::of_call("dynamodb:PutItem", &error, FailureKind::StoreUnavailable)),
        }
    }
}

/// What the table says to a row.
enum Put {
    Done,
    Found(Standing),
    Throttled(Throttled),
}

/// The row that is in effect where ours is to be written, as far as it matters.
#[derive(Clone, Debug)]
struct Standing {
    file_id: FileId,
    sequence: u64,
    /// The attribute that has its place in the arrival order.
    order_attribute: &'static str,
    attempt: Option<u32>,
    replaces: Option<FileId>,
}

impl Standing {
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

    /// What a condition says beside the order of a row that has no place.
    fn without_place(&self) -> &'static str {
        if self.order_attribute == SEQUENCE { "" } else { " AND attribute_not_exists(sequence)" }
    }

    /// What decides which of two files' rows is in effect.
    fn order(&self) -> (u64, &FileId) {
        (self.sequence, &self.file_id)
    }

    /// The file whose row `origin` replaces. An earlier attempt of the same file passes on whom it replaced.
    fn replaced_by(&self, origin: &Origin) -> Option<FileId> {
        if self.file_id == origin.file_id { self.replaces.clone() } else { Some(self.file_id.clone()) }
    }
}

impl Origin {
    fn order(&self) -> (u64, &FileId) {
        (self.sequence, &self.file_id)
    }
}
