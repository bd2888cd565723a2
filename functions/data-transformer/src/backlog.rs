//! The rows of a range that wait to be written: new rows and throttled ones.

use adapters::transaction_table::Row;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

/// Most bytes of all rows, including those in flight (4 MiB). That is seconds of work and a small part of 512 MB, even
/// with merchants of 4 KiB.
const BYTES_MAX: usize = 4 * 1024 * 1024;

/// With fewer ready rows than this, more are read. It is twice the maximum in flight, so that writes do not wait for
/// reads.
const READY_MIN: usize = 128;

/// The wait before the second try of a throttled row. It doubles with each further try, up to the longest.
const FIRST_WAIT: Duration = Duration::from_millis(20);
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// A row, and how often it was throttled.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) row: Row,
    pub(crate) throttled: u32,
}

/// The rows. Times are relative to a fixed moment.
#[derive(Debug)]
pub(crate) struct Backlog {
    ready: VecDeque<Waiting>,
    /// The times at which throttled rows are due, earliest first, and where they are in `throttled`.
    due: BinaryHeap<Reverse<(Duration, usize)>>,
    throttled: Vec<Option<Waiting>>,
    free: Vec<usize>,
    /// The bytes of all unfinished rows, including those in flight.
    bytes: usize,
    random: fastrand::Rng,
}

impl Backlog {
    /// An empty backlog. `seed` is random, so that transformers that are throttled together do not retry together.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            ready: VecDeque::new(),
            due: BinaryHeap::new(),
            throttled: Vec::new(),
            free: Vec::new(),
            bytes: 0,
            random: fastrand::Rng::with_seed(seed),
        }
    }

    /// Adds a new row.
    pub(crate) fn add(&mut self, row: Row) {
        self.bytes += row.bytes();
        self.ready.push_back(Waiting { row, throttled: 0 });
    }

    /// Whether more should be read.
    pub(crate) fn wants_more(&self) -> bool {
        self.ready.len() < READY_MIN && self.bytes < BYTES_MAX
    }

    /// Whether no row is left, including those in flight.
    pub(crate) fn is_done(&self) -> bool {
        self.bytes == 0
    }

    /// The next row to write: a throttled one that is due, or else a new one.
    pub(crate) fn next(&mut self, now: Duration) -> Option<Waiting> {
        if self.next_due().is_some_and(|due| due <= now)
            && let Some(Reverse((_, at))) = self.due.pop()
        {
            self.free.push(at);
            return self.throttled.get_mut(at).and_then(Option::take);
        }
        self.ready.pop_front()
    }

    /// When the first of the throttled rows is due.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.due.peek().map(|Reverse((due, _))| *due)
    }

    /// Returns a throttled row, which is due again after a wait.
    pub(crate) fn put_back(&mut self, mut waiting: Waiting, now: Duration) {
        let due = now + self.wait_after(waiting.throttled);
        waiting.throttled += 1;
        let at = self.free.pop().unwrap_or(self.throttled.len());
        if at == self.throttled.len() {
            self.throttled.push(None);
        }
        // The slot exists: it was free or was just added.
        if let Some(slot) = self.throttled.get_mut(at) {
            *slot = Some(waiting);
        }
        self.due.push(Reverse((due, at)));
    }

    /// Records that a row with this number of bytes is finished.
    pub(crate) fn finish(&mut self, bytes: usize) {
        self.bytes -= bytes;
    }

    /// Half of the wait is fixed, the other half random.
    fn wait_after(&mut self, throttled: u32) -> Duration {
        let wait = FIRST_WAIT.saturating_mul(1_u32 << throttled.min(16)).min(LONGEST_WAIT);
        let half = wait / 2;
        half + half / 1000 * self.random.u32(..1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Currency, Money, Timestamp, Transaction, TransactionStatus};

    fn row(id: &str, merchant: &str) -> Row {
        let transaction = Transaction {
            transaction_id: id,
            amount: Money::parse(b"1.20", 2).unwrap(),
            currency: Currency::parse(b"EUR").unwrap(),
            timestamp: Timestamp::parse(b"2026-01-15T10:00:00Z").unwrap(),
            merchant,
            status: TransactionStatus::Completed,
        };
        Row::new(1, &transaction)
    }

    const MILLISECOND: Duration = Duration::from_millis(1);

    #[test]
    fn a_throttled_row_waits_longer_each_time() {
        let mut backlog = Backlog::new(7);
        backlog.add(row("T1", "a"));
        let mut now = Duration::ZERO;
        let mut longest = 20 * MILLISECOND;
        for _ in 0..20 {
            let first = backlog.next(now).unwrap();
            backlog.put_back(first, now);
            backlog.add(row("T2", "b"));
            let due = backlog.next_due().unwrap();
            assert!((now + longest / 2..=now + longest).contains(&due), "{due:?} after {now:?}");
            let new = backlog.next(due - MILLISECOND).unwrap();
            assert_eq!(new.throttled, 0, "it is not due yet, so a new row is next");
            backlog.finish(new.row.bytes());
            now = due;
            longest = (longest * 2).min(LONGEST_WAIT);
        }
        assert_eq!(backlog.next(now).unwrap().throttled, 20);
        assert!(backlog.next(now + LONGEST_WAIT).is_none());
    }

    #[test]
    fn throttled_rows_count_against_the_limit() {
        let mut backlog = Backlog::new(7);
        let merchant = "m".repeat(4096);
        let mut held = 0;
        while backlog.wants_more() {
            backlog.add(row("T1", &merchant));
            let waiting = backlog.next(Duration::ZERO).unwrap();
            held += 1;
            backlog.put_back(waiting, Duration::ZERO);
        }
        assert!(held * 4096 <= BYTES_MAX && held > 128, "{held} rows");
        let mut finished = 0;
        while let Some(waiting) = backlog.next(LONGEST_WAIT) {
            backlog.finish(waiting.row.bytes());
            finished += 1;
        }
        assert_eq!(finished, held);
        assert!(backlog.is_done() && backlog.wants_more());
    }
}
