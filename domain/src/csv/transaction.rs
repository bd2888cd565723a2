//! One transaction of a file: a payment that a partner reports.

use crate::{Currency, Money, Timestamp};

/// The state of a payment, as its partner reports it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TransactionStatus {
    /// The money has moved.
    Completed,
    /// The money has yet to move.
    Pending,
    /// The money will not move.
    Failed,
}

impl TransactionStatus {
    /// Reads exactly `completed`, `pending` or `failed`.
    #[must_use]
    #[inline]
    pub fn parse(text: &[u8]) -> Option<Self> {
        match text {
            b"completed" => Some(Self::Completed),
            b"pending" => Some(Self::Pending),
            b"failed" => Some(Self::Failed),
            _ => None,
        }
    }

    /// The text in files and tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Pending => "pending",
            Self::Failed => "failed",
        }
    }
}

/// A valid record of a file. It borrows its texts from the file's bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transaction<'a> {
    /// Printable ASCII, at most 128 characters, unique within a file and a partner.
    pub transaction_id: &'a str,
    /// Exact, and no more decimals than the currency has. Negative for a refund.
    pub amount: Money,
    /// The currency of the amount.
    pub currency: Currency,
    /// When the payment was made.
    pub timestamp: Timestamp,
    /// Free text of at most 4 KiB, unchanged.
    pub merchant: &'a str,
    /// How the payment ended.
    pub status: TransactionStatus,
}
