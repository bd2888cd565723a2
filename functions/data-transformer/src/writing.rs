//! Reads a range, makes its rows and writes them, all at the same time: while writes are on their way, the next rows are read.

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

/// How many bytes are made into rows at a time, between two looks at the writes. They take less than a millisecond.
const PIECE_BYTES: usize = 16 * 1024;

/// Writes the rows of a range. Those that the table is too busy for are tried again until `deadline`.
///
/// # Errors
/// The object could not be read or is not what was validated, the table refused a write, or time ran out.
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

/// A range on its way from the bucket into the table.
struct Writing {
    source: Source,
    backlog: Backlog,
    concurrency: Concurrency,
    tally: Tally,
    /// Why a row was refused last.
    throttled: Option<Throttled>,
    started: Instant,
}

/// The answer to one write.
struct Answer {
    progress: Result<Progress, Failure>,
    era: Era,
    refusals: u32,
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
                // Boxed, because what the SDK keeps of a call is large, and would be copied each time that it is moved.
                let mut write = Box::pin(write(table, origin, waiting, self.concurrency.era()));
                // On its way at once, rather than after all answers that have come meanwhile: they would each wait for the others.
                if let Poll::Ready(answer) = poll!(write.as_mut()) {
                    self.take(answer)?;
                    continue;
                }
                writes.push(write);
                yield_now().await;
            }
            if self.source.is_at_end() && self.backlog.is_done() {
                return self.source.finish();
            }
            let wants_bytes = self.backlog.wants_more() && self.source.needs_bytes();
            // Nothing else wakes this up when a throttled row is due. One of the three always comes: a row that is not finished is in
            // flight, or waits to be due; and where there is none, the bucket has more to say.
            let due = self.backlog.next_due().filter(|_| writes.len() < self.concurrency.limit());
            tokio::select! {
                Some(answer) = writes.next() => self.take(answer)?,
                read = self.source.read(), if wants_bytes => read?,
                () = sleep_until(self.started + due.unwrap_or_default()), if due.is_some() => {}
            }
        }
    }

    fn take(&mut self, answer: Answer) -> Result<(), Failure> {
        let progress = answer.progress?;
        self.concurrency.note(answer.era, matches!(progress, Progress::Throttled(..)));
        match progress {
            Progress::Written(written) => {
                self.tally.count(written);
                self.backlog.finish(answer.bytes);
            }
            Progress::Throttled(row, throttled) => {
                self.tally.throttled += 1;
                self.throttled = Some(throttled);
                self.backlog.put_back(Waiting { row, refusals: answer.refusals }, self.started.elapsed());
            }
        }
        Ok(())
    }

    /// Says what was in the way, and what to do against it.
    fn out_of_time(&self) -> Failure {
        let Tally { stored, unchanged, superseded, throttled, .. } = self.tally;
        let (rows, seconds) = (stored + unchanged + superseded, self.started.elapsed().as_millis().div_ceil(1000));
        let cause = match &self.throttled {
            Some(why) => format!(
                "the table throttled {throttled} writes (the last: {why}); give it more by the parameter \
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
) -> impl Future<Output = Answer> + 'a {
    let Waiting { row, refusals } = waiting;
    let bytes = row.bytes();
    async move { Answer { progress: table.write(origin, row).await, era, refusals, bytes } }
}

/// The rows of the range, read from the bucket as they are wanted.
struct Source {
    object: OpenObject,
    /// None once the end was read.
    reader: Option<RangeReader>,
    /// What came from the bucket and is not made into rows yet.
    unread: Bytes,
    bucket_is_at_end: bool,
    summary: Option<RangeSummary>,
}

impl Source {
    fn new(object: OpenObject, reader: RangeReader) -> Self {
        Self { object, reader: Some(reader), unread: Bytes::new(), bucket_is_at_end: false, summary: None }
    }

    /// Whether rows can be made without waiting for the bucket.
    fn has_piece(&self) -> bool {
        self.reader.is_some() && (self.bucket_is_at_end || !self.unread.is_empty())
    }

    /// Whether rows can be made only once the bucket has said more.
    fn needs_bytes(&self) -> bool {
        self.reader.is_some() && self.unread.is_empty() && !self.bucket_is_at_end
    }

    fn is_at_end(&self) -> bool {
        self.reader.is_none()
    }

    /// Waits for the next bytes, once those before are made into rows. Nothing is lost where the waiting is given up.
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

    /// Makes the next piece into rows, or, after the last, sees that the range is complete.
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

    /// What was read of the range, once it is at its end.
    fn finish(&mut self) -> Result<RangeSummary, Failure> {
        let unfinished = || Failure::new(FailureKind::InvalidInput, "the range was not read to its end");
        self.summary.take().ok_or_else(unfinished)
    }
}

fn changed(error: RecordChanged) -> Failure {
    Failure::new(FailureKind::InvalidInput, error.to_string())
}
