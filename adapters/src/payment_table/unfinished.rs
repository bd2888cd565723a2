//! The list of payments for which something is still to be done.

use super::archival::{DueCursor, DuePage};
use super::{PaymentTable, UNFINISHED};
use crate::failure::Failure;

/// The index of the payments that have the attribute, by shard and time of arrival. It holds keys alone.
const INDEX: &str = "unfinished-index";

impl PaymentTable {
    /// A page of the unfinished payments of a shard that arrived before `before_ms`. The index follows its table after a
    /// moment, so that something may have been done for one among them.
    ///
    /// # Errors
    /// The table refused the call or did not answer.
    pub async fn unfinished(&self, shard: &str, before_ms: u64, after: Option<DueCursor>) -> Result<DuePage, Failure> {
        self.page(INDEX, UNFINISHED, shard, before_ms, after).await
    }
}
