//! The due rows of one day, one after another.

use crate::Ports;
use adapters::Failure;
use adapters::index::Cursor;
use adapters::payment_table::{DuePage, PaymentKey, Row};
use domain::limits::PAYMENT_SHARDS;
use domain::{Day, DayShards};
use futures::stream::{self, StreamExt, TryStreamExt};
use std::collections::VecDeque;

/// How many rows are read at a time. A row has 400 KB at most, so this many fit in memory beside an object.
pub(crate) const ROWS_AT_A_TIME: usize = 200;

/// How many shards are queried at a time: all, so that an empty day takes one round trip.
const SHARDS_AT_A_TIME: usize = PAYMENT_SHARDS as usize;

/// A shard, with the cursor of its next page.
type Shard = (String, Option<Cursor>);

/// The rows. Nothing is in flight between two calls, so any time may pass.
pub(crate) struct DueRows<'a> {
    ports: &'a Ports,
    before_ms: u64,
    /// The shards with more pages.
    shards: Vec<Shard>,
    keys: VecDeque<PaymentKey>,
    rows: VecDeque<(PaymentKey, Row)>,
}

impl<'a> DueRows<'a> {
    /// The rows that were received on `day` and before `before_ms`.
    pub(crate) fn of(day: Day, before_ms: u64, ports: &'a Ports) -> Self {
        let shards = DayShards::PAYMENTS.all(&day.to_string()).map(|shard| (shard, None)).collect();
        Self { ports, before_ms, shards, keys: VecDeque::new(), rows: VecDeque::new() }
    }

    /// The next row, as it was read.
    pub(crate) async fn next(&mut self) -> Result<Option<(PaymentKey, Row)>, Failure> {
        loop {
            if let Some(row) = self.rows.pop_front() {
                return Ok(Some(row));
            }
            if !self.keys.is_empty() {
                let count = self.keys.len().min(ROWS_AT_A_TIME);
                let keys: Vec<_> = self.keys.drain(..count).collect();
                self.rows = self.ports.payments.rows(&keys).await?.into();
            } else if self.shards.is_empty() {
                return Ok(None);
            } else {
                self.read_pages().await?;
            }
        }
    }

    /// Returns a row, which is then the next one.
    pub(crate) fn put_back(&mut self, row: (PaymentKey, Row)) {
        self.rows.push_front(row);
    }

    /// Reads the next page of every shard.
    async fn read_pages(&mut self) -> Result<(), Failure> {
        let shards = std::mem::take(&mut self.shards);
        let pages: Vec<(String, DuePage)> = stream::iter(shards)
            .map(async |(shard, cursor)| {
                let page = self.ports.payments.due(&shard, self.before_ms, cursor).await?;
                Ok::<_, Failure>((shard, page))
            })
            .buffer_unordered(SHARDS_AT_A_TIME)
            .try_collect()
            .await?;
        for (shard, DuePage { keys, next }) in pages {
            self.keys.extend(keys);
            self.shards.extend(next.map(|cursor| (shard, Some(cursor))));
        }
        Ok(())
    }
}
