//! One run of the archival, with the steps of `domain/src/payments/archive/model.rs`.

use crate::due::{DueRows, ROWS_AT_A_TIME};
use crate::{LEASE_MILLISECONDS, LEASE_RENEWED_AFTER_MILLISECONDS, Ports, Tally};
use adapters::archive_control::ArchiveState;
use adapters::archive_store::Stored;
use adapters::payment_table::{Item, PaymentKey, Row, RowArchival};
use adapters::{Failure, FailureKind, Tracer, clock};
use domain::Day;
use domain::payments::archive::{
    ArchiveToken, ArchivedPayment, FilledObject, ObjectError, ObjectLines, ObjectWriter, Tombstone, days_to_archive,
    due_before_ms, object_at_ms, object_key,
};
use futures::stream::{self, StreamExt, TryStreamExt};
use std::collections::HashMap;

/// How many rows are replaced at a time. One write takes about 5 ms, so this exceeds the processor time of a function
/// of 512 MB.
const WRITES_IN_FLIGHT: usize = 64;

/// Most remaining due rows that a run logs with their ids, for each reason.
const LEFT_ROWS_LOGGED_MAX: u64 = 20;

/// Why a run stopped early.
#[derive(Debug)]
pub(crate) enum Stopped {
    /// Time ran out.
    TimeUp,
    /// Another run has claimed the lease.
    LeaseLost,
    /// A call failed.
    Failed(Failure),
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<ObjectError> for Stopped {
    fn from(error: ObjectError) -> Self {
        Self::Failed(Failure::new(FailureKind::InvalidInput, format!("an object of the archive: {error}")))
    }
}

/// A run that has the lease.
pub(crate) struct Run<'a> {
    ports: &'a Ports,
    tracer: &'a Tracer,
    token: String,
    lease_until_ms: u64,
    stop_at_ms: u64,
    tally: Tally,
    /// The time of the last registered object.
    object_at_ms: Option<u64>,
    /// Everything received before this time is archived, as far as is known.
    unfinished_since_ms: Option<u64>,
}

impl<'a> Run<'a> {
    pub(crate) fn new(
        ports: &'a Ports,
        tracer: &'a Tracer,
        token: String,
        lease_until_ms: u64,
        stop_at_ms: u64,
    ) -> Self {
        let (tally, object_at_ms, unfinished_since_ms) = (Tally::default(), None, None);
        Self { ports, tracer, token, lease_until_ms, stop_at_ms, tally, object_at_ms, unfinished_since_ms }
    }

    pub(crate) fn tally(&self) -> Tally {
        self.tally
    }

    /// Settles the object that an earlier run left, and archives what is due, day by day.
    pub(crate) async fn work(&mut self, state: ArchiveState, now_ms: u64) -> Result<(), Stopped> {
        let tracer = self.tracer;
        self.object_at_ms = state.object_at_ms;
        if let Some(key) = &state.object_key {
            tracer.step("settle earlier object", self.settle_earlier(key)).await?;
        }
        let mut left_since_ms = None;
        for day in days_to_archive(now_ms, state.unfinished_since_ms) {
            self.unfinished_since_ms = left_since_ms.or(Some(day.start_ms()));
            let left_before = self.tally.left();
            self.archive_day(day, due_before_ms(now_ms)).await?;
            if self.tally.left() > left_before {
                left_since_ms.get_or_insert(day.start_ms());
            }
        }
        Ok(())
    }

    /// Releases the lease, so that the next run need not wait.
    pub(crate) async fn release(&self, ended: &Result<(), Stopped>) {
        let since_ms = match ended {
            Ok(()) | Err(Stopped::TimeUp) => self.unfinished_since_ms,
            Err(Stopped::Failed(_)) => None,
            Err(Stopped::LeaseLost) => return,
        };
        if let Err(failure) = self.ports.control.release(&self.token, since_ms).await {
            tracing::warn!(
                error = failure.kind.name(),
                detail = failure.detail,
                "the lease was not released and will expire"
            );
        }
    }

    async fn archive_day(&mut self, day: Day, before_ms: u64) -> Result<(), Stopped> {
        let tracer = self.tracer;
        let mut rows = DueRows::of(day, before_ms, self.ports);
        loop {
            let object = tracer.step("read rows", self.fill(day, &mut rows)).await?;
            if object.rows == 0 {
                return Ok(());
            }
            self.archive(day, object).await?;
        }
    }

    /// Fills an object with the next rows, until it is full or no row is left.
    async fn fill(&mut self, day: Day, rows: &mut DueRows<'_>) -> Result<FilledObject, Stopped> {
        let mut writer = ObjectWriter::default();
        loop {
            self.check_time_and_lease().await?;
            let Some((key, row)) = rows.next().await? else { break };
            let Some(line) = self.line(day, &key, &row) else { continue };
            if !writer.has_room_for(&line) {
                rows.put_back((key, row));
                break;
            }
            writer.push(&line)?;
        }
        Ok(writer.finish()?)
    }

    /// The line of a row, if it can be archived. Other rows are counted.
    fn line(&mut self, day: Day, key: &PaymentKey, row: &Row) -> Option<String> {
        let (count, reason) = match row {
            // The index is not up to date.
            Row::Tombstone => return None,
            Row::Payment { payment, is_published: true, .. } if Day::of_milliseconds(payment.received_at_ms) == day => {
                return Some(payment.to_line());
            }
            Row::Payment { is_published: true, .. } => {
                (&mut self.tally.left_unreadable, "it is not of the day of its shard")
            }
            Row::Payment { .. } => (&mut self.tally.left_unpublished, "it is not published"),
            Row::Unreadable(failure) => (&mut self.tally.left_unreadable, failure.detail.as_str()),
        };
        *count += 1;
        if *count <= LEFT_ROWS_LOGGED_MAX {
            let (transaction_id, provider) = (&key.transaction_id, key.event_key.provider());
            tracing::warn!(transaction_id, provider, event_key = %key.event_key, reason, "a row remains in the table");
        }
        None
    }

    /// Registers an object, stores it, reads it back, and replaces its rows.
    async fn archive(&mut self, day: Day, object: FilledObject) -> Result<(), Stopped> {
        let tracer = self.tracer;
        let FilledObject { bytes, rows, content } = object;
        let at_ms = object_at_ms(clock::now_ms(), self.object_at_ms);
        let random = clock::random()
            .map_err(|error| Failure::new(FailureKind::StoreUnavailable, format!("random bits: {error}")))?;
        let key = object_key(day, at_ms, ArchiveToken::new(random));
        self.require_lease(self.ports.control.register_object(&self.token, &key, at_ms).await?)?;
        self.object_at_ms = Some(at_ms);
        let stored = tracer.step("store object", self.ports.archive.put_if_absent(&key, bytes.into())).await?;
        self.check_time_and_lease().await?;
        let bytes = tracer.step("read object", self.ports.archive.read(&key)).await?;
        let found = ObjectLines::check(&bytes)?;
        if found != (rows, content) {
            // An empty object: another run has settled it.
            return Err(if stored == Stored::Exists && found.0 == 0 {
                Stopped::LeaseLost
            } else {
                Failure::new(FailureKind::ControlTotalsDiffer, format!("the object read back from {key} differs"))
                    .into()
            });
        }
        self.tally.objects += 1;
        tracing::info!(event = "archive_object_stored", object_key = key, rows, "object stored");
        let changed = tracer.step("replace rows", self.settle(&key, &bytes)).await?;
        self.tally.left_changed += changed;
        Ok(())
    }

    /// Settles an object that an earlier run registered: if it does not exist, it never will with payments. Its rows
    /// are then replaced, and those that have changed are archived again by this run.
    async fn settle_earlier(&mut self, key: &str) -> Result<(), Stopped> {
        let nothing = ObjectWriter::default().finish()?;
        match self.ports.archive.put_if_absent(key, nothing.bytes.into()).await? {
            Stored::Created => {
                tracing::warn!(
                    object_key = key,
                    "an earlier run stopped before it stored its object; the object stays empty"
                );
                self.require_lease(self.ports.control.clear_object(&self.token, key).await?)
            }
            Stored::Exists => {
                let bytes = self.ports.archive.read(key).await?;
                let (rows, _) = ObjectLines::check(&bytes)?;
                tracing::warn!(object_key = key, rows, "an earlier run stopped before it replaced its rows");
                self.settle(key, &bytes).await?;
                Ok(())
            }
        }
    }

    /// Replaces each row that equals its line. Returns how many rows have changed.
    async fn settle(&mut self, key: &str, bytes: &[u8]) -> Result<u64, Stopped> {
        let mut lines = ObjectLines::of(bytes);
        let mut changed = 0;
        loop {
            self.check_time_and_lease().await?;
            let some: Vec<_> = lines.by_ref().take(ROWS_AT_A_TIME).collect::<Result<_, _>>()?;
            if some.is_empty() {
                break;
            }
            changed += self.settle_some(key, some).await?;
        }
        self.require_lease(self.ports.control.clear_object(&self.token, key).await?)?;
        Ok(changed)
    }

    async fn settle_some(&mut self, object_key: &str, lines: Vec<ArchivedPayment>) -> Result<u64, Stopped> {
        let payments = &self.ports.payments;
        let lines: HashMap<_, _> = lines.into_iter().map(|line| (key_of(&line), line)).collect();
        let keys: Vec<_> = lines.keys().cloned().collect();
        let mut changed = 0;
        let mut unchanged = Vec::with_capacity(lines.len());
        for (key, row) in payments.rows(&keys).await? {
            if matches!(row, Row::Tombstone) {
                continue;
            }
            match lines.get(&key).and_then(|line| Some((as_archived(row, line)?, line))) {
                Some(item_and_line) => unchanged.push(item_and_line),
                None => changed += 1,
            }
        }
        let now_ms = clock::now_ms();
        let mut writes = stream::iter(unchanged)
            .map(async |(item, line)| payments.archive_row(&item, &Tombstone::of(line, now_ms), object_key).await)
            .buffer_unordered(WRITES_IN_FLIGHT);
        while let Some(outcome) = writes.try_next().await? {
            match outcome {
                RowArchival::Archived => self.tally.archived += 1,
                RowArchival::Changed => changed += 1,
            }
        }
        Ok(changed)
    }

    /// Checks the clock between two steps, and renews the lease.
    async fn check_time_and_lease(&mut self) -> Result<(), Stopped> {
        let now_ms = clock::now_ms();
        if now_ms >= self.stop_at_ms {
            return Err(Stopped::TimeUp);
        }
        if now_ms + LEASE_MILLISECONDS >= self.lease_until_ms + LEASE_RENEWED_AFTER_MILLISECONDS {
            let until_ms = now_ms + LEASE_MILLISECONDS;
            self.require_lease(self.ports.control.renew(&self.token, until_ms).await?)?;
            self.lease_until_ms = until_ms;
        }
        Ok(())
    }

    fn require_lease(&self, has_lease: bool) -> Result<(), Stopped> {
        if has_lease {
            return Ok(());
        }
        tracing::warn!("another run has claimed the lease");
        Err(Stopped::LeaseLost)
    }
}

/// The item of a row, if the row equals its line in the archive.
fn as_archived(row: Row, line: &ArchivedPayment) -> Option<Item> {
    match row {
        Row::Payment { payment, is_published: true, item } if *payment == *line => Some(item),
        Row::Payment { .. } | Row::Tombstone | Row::Unreadable(_) => None,
    }
}

fn key_of(line: &ArchivedPayment) -> PaymentKey {
    PaymentKey { transaction_id: line.transaction_id.clone(), event_key: line.event_key() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payment(more: &str) -> ArchivedPayment {
        let line = format!(
            r#"{{"format":1,"transaction_id":"T1","provider":"acme","type":"transaction.created","amount":"12.5","currency":"EUR","amount_band":"low","customer_id":"C1","status":"pending","received_at_ms":7,"digest":"{}"{more}}}"#,
            "0".repeat(64)
        );
        ArchivedPayment::parse(&line).unwrap()
    }

    fn row(payment: ArchivedPayment, is_published: bool) -> Row {
        Row::Payment { payment: Box::new(payment), is_published, item: Item::new() }
    }

    #[test]
    fn a_row_is_replaced_only_if_it_equals_its_line() {
        let line = payment(r#","published_at_ms":8"#);
        let unreadable = Failure::new(FailureKind::InvalidInput, "an item");
        for (row, expected) in [
            (row(line.clone(), true), true),
            (row(line.clone(), false), false),
            (row(payment(r#","published_at_ms":9"#), true), false),
            (row(payment(r#","published_at_ms":8,"metadata":"{}""#), true), false),
            (row(ArchivedPayment { received_at_ms: 8, ..line.clone() }, true), false),
            (Row::Tombstone, false),
            (Row::Unreadable(unreadable), false),
        ] {
            let what = format!("{row:?}");
            assert_eq!(as_archived(row, &line).is_some(), expected, "{what}");
        }
    }
}
