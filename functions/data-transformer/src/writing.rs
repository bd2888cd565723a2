//! Reads a range and writes its rows concurrently: while writes are in flight, the next rows are read.

use crate::Tally;
use crate::backlog::{Backlog, Waiting};
use adapters::concurrency::{Concurrency, Era};
use adapters::object_store::OpenObject;
use adapters::throttling::Throttled;
use adapters::transaction_table::{Origin, Progress, Row};
use adapters::{Failure, FailureKind, TransactionTable, clock};
use bytes::Bytes;
use domain::Transaction;
use domain::csv::RangeReader;
use domain::csv::range::{RangeSummary, RecordChanged};
use futures::poll;
use futures::stream::{FuturesUnordered, StreamExt};
use std::future::Future;
use std::task::Poll;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until, timeout_at};

/// How many bytes are parsed into rows before the writes are polled again. They take less than a millisecond.
const PIECE_BYTES: usize = 16 * 1024;

/// Writes the rows of a range. Throttled rows are retried until `deadline`.
///
/// # Errors
/// The object could not be read or is not what was validated, the table rejected a write, or time ran out.
pub(crate) async fn write_range(
    object: OpenObject,
    reader: RangeReader,
    table: &TransactionTable,
    origin: &Origin,
    deadline: Instant,
) -> Result<(RangeSummary, Tally), Failure> {
    let mut writing = Writing::new(Source::new(object, reader))?;
    match timeout_at(deadline, writing.run(table, origin)).await {
        Ok(done) => done.map(|summary| (summary, writing.tally)),
        Err(_) => Err(writing.out_of_time()),
    }
}

/// A range that is being written.
struct Writing {
    source: Source,
    backlog: Backlog,
    concurrency: Concurrency,
    tally: Tally,
    /// Why the last throttled row was throttled.
    throttled: Option<Throttled>,
    started: Instant,
}

/// The response to one write.
struct WriteResponse {
    progress: Result<Progress, Failure>,
    era: Era,
    throttled: u32,
    bytes: usize,
}

impl Writing {
    fn new(source: Source) -> Result<Self, Failure> {
        let seed = clock::random().map_err(|error| Failure::new(FailureKind::StoreUnavailable, error.to_string()))?;
        Ok(Self {
            source,
            backlog: Backlog::new(u64::from_ne_bytes(seed)),
            concurrency: Concurrency::default(),
            tally: Tally::default(),
            throttled: None,
            started: Instant::now(),
        })
    }

    async fn run(&mut self, table: &TransactionTable, origin: &Origin) -> Result<RangeSummary, Failure> {
        let mut writes = FuturesUnordered::new();
        loop {
            while self.backlog.wants_more() && self.source.has_piece() {
                self.source.make_rows(&mut |row| self.backlog.add(row))?;
            }
            while writes.len() < self.concurrency.limit() {
                let Some(waiting) = self.backlog.next(self.started.elapsed()) else { break };
                // Boxed, because the future of a call is large and would be copied at each move.
                let mut write = Box::pin(write(table, origin, waiting, self.concurrency.era()));
                // Polled at once, rather than after all pending responses, so that calls do not wait for each other.
                if let Poll::Ready(response) = poll!(write.as_mut()) {
                    self.handle(response)?;
                    continue;
                }
                writes.push(write);
                yield_now().await;
            }
            if self.source.is_at_end() && self.backlog.is_done() {
                return self.source.finish();
            }
            let wants_bytes = self.backlog.wants_more() && self.source.needs_bytes();
            // Only the timer wakes this up when a throttled row is due. One of the three always completes: an
            // unfinished row is in flight or waits to be due, and otherwise the bucket has more bytes.
            let due = self.backlog.next_due().filter(|_| writes.len() < self.concurrency.limit());
            tokio::select! {
                Some(response) = writes.next() => self.handle(response)?,
                read = self.source.read(), if wants_bytes => read?,
                () = sleep_until(self.started + due.unwrap_or_default()), if due.is_some() => {}
            }
        }
    }

    fn handle(&mut self, response: WriteResponse) -> Result<(), Failure> {
        let progress = response.progress?;
        self.concurrency.note(response.era, matches!(progress, Progress::Throttled(..)));
        match progress {
            Progress::Written(written) => {
                self.tally.count(written);
                self.backlog.finish(response.bytes);
            }
            Progress::Throttled(row, throttled) => {
                self.tally.throttled += 1;
                self.throttled = Some(throttled);
                self.backlog.put_back(Waiting { row, throttled: response.throttled }, self.started.elapsed());
            }
        }
        Ok(())
    }

    /// The failure when time has run out, with its cause and a remedy.
    fn out_of_time(&self) -> Failure {
        let Tally { stored, unchanged, superseded, throttled, .. } = self.tally;
        let (rows, seconds) = (stored + unchanged + superseded, self.started.elapsed().as_millis().div_ceil(1000));
        let cause = match &self.throttled {
            Some(reason) => format!(
                "the table throttled {throttled} writes (the last: {reason}); raise the parameter \
                 TransactionsWarmWrites, or send smaller files"
            ),
            None => "the table or the bucket is slow".to_owned(),
        };
        let detail = format!("dynamodb:PutItem: {rows} rows of the range were written in {seconds} s: {cause}");
        Failure::new(FailureKind::StoreUnavailable, detail)
    }
}

fn write<'a>(
    table: &'a TransactionTable,
    origin: &'a Origin,
    waiting: Waiting,
    era: Era,
) -> impl Future<Output = WriteResponse> + 'a {
    let Waiting { row, throttled } = waiting;
    let bytes = row.bytes();
    async move { WriteResponse { progress: table.write(origin, row).await, era, throttled, bytes } }
}

/// The rows of the range, read from the bucket on demand.
struct Source {
    object: OpenObject,
    /// None once the end was read.
    reader: Option<RangeReader>,
    /// Bytes from the bucket that are not parsed yet.
    unread: Bytes,
    bucket_is_at_end: bool,
    summary: Option<RangeSummary>,
}

impl Source {
    fn new(object: OpenObject, reader: RangeReader) -> Self {
        Self { object, reader: Some(reader), unread: Bytes::new(), bucket_is_at_end: false, summary: None }
    }

    /// Whether rows can be parsed without waiting for the bucket.
    fn has_piece(&self) -> bool {
        self.reader.is_some() && (self.bucket_is_at_end || !self.unread.is_empty())
    }

    /// Whether more bytes from the bucket are needed to parse rows.
    fn needs_bytes(&self) -> bool {
        self.reader.is_some() && self.unread.is_empty() && !self.bucket_is_at_end
    }

    fn is_at_end(&self) -> bool {
        self.reader.is_none()
    }

    /// Waits for the next bytes, once the previous ones are parsed. It is cancel-safe.
    async fn read(&mut self) -> Result<(), Failure> {
        if !self.needs_bytes() {
            return Ok(());
        }
        match self.object.next().await? {
            Some(bytes) => self.unread = bytes,
            None => self.bucket_is_at_end = true,
        }
        Ok(())
    }

    /// Parses the next piece into rows, or, after the last, checks that the range is complete.
    fn make_rows(&mut self, on_row: &mut impl FnMut(Row)) -> Result<(), Failure> {
        let mut on_transaction = |record, transaction: &Transaction<'_>| on_row(Row::new(record, transaction));
        if self.unread.is_empty() {
            if let Some(reader) = self.reader.take() {
                self.summary = Some(reader.finish(&mut on_transaction).map_err(changed)?);
            }
            return Ok(());
        }
        let piece = self.unread.split_to(PIECE_BYTES.min(self.unread.len()));
        match &mut self.reader {
            Some(reader) => reader.push(&piece, &mut on_transaction).map_err(changed),
            None => Ok(()),
        }
    }

    /// The summary of the range, once it was read to its end.
    fn finish(&mut self) -> Result<RangeSummary, Failure> {
        let unfinished = || Failure::new(FailureKind::InvalidInput, "the range was not read to its end");
        self.summary.take().ok_or_else(unfinished)
    }
}

fn changed(error: RecordChanged) -> Failure {
    Failure::new(FailureKind::InvalidInput, error.to_string())
}
