//! The list of unfinished payments.

use super::archival::DuePage;
use super::{PaymentTable, UNFINISHED};
use crate::failure::Failure;
use crate::index::Cursor;

/// The index of the payments with that attribute, by shard and time of arrival. It has only keys.
const INDEX: &str = "unfinished-index";

impl PaymentTable {
    /// A page of the unfinished payments of a shard that were received before `before_ms`. The index is eventually
    /// consistent, so a payment may be finished by now.
    ///
    /// # Errors
    /// The table rejected the call or did not respond.
    pub async fn unfinished(&self, shard: &str, before_ms: u64, after: Option<Cursor>) -> Result<DuePage, Failure> {
        self.page(INDEX, UNFINISHED, shard, before_ms, after).await
    }
}
