//! Which file's row must be in effect, judged by real time alone: by when the sender sent its requests and received the
//! responses, on its own single clock. Nothing that the system has stored is used.

use std::collections::BTreeSet;
use std::time::Duration;

/// A moment, since the run began.
pub(super) type Moment = Duration;

/// Files that a partner puts into the bucket have the bucket's time, in whole seconds.
const BUCKET_GAP: Duration = Duration::from_secs(2);
/// The greatest difference between the bucket's clock and the functions' clocks.
const MIXED_GAP: Duration = Duration::from_secs(10);

/// From when a request was first sent to its last response, with all repeats by the same client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Span {
    pub(super) began: Moment,
    pub(super) ended: Moment,
}

impl Span {
    /// From the beginning of the first to the end of the last of both.
    fn with(self, other: Self) -> Self {
        Self { began: self.began.min(other.began), ended: self.ended.max(other.ended) }
    }

    /// When the first of several requests for the same took effect: not before one began, and before one had ended.
    fn of_first(spans: impl Iterator<Item = Self>) -> Option<Self> {
        spans.reduce(|one, other| Self { began: one.began.min(other.began), ended: one.ended.min(other.ended) })
    }

    /// All of them together.
    fn of_all(spans: impl Iterator<Item = Self>) -> Option<Self> {
        spans.reduce(Self::with)
    }
}

/// What a sender did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Action {
    /// `POST /upload`, with the response 200.
    Uploaded,
    /// `POST /upload` of a file whose validity depends on a clock, with the response 400. A repeat of it may have been
    /// accepted.
    Doubtful,
    /// `POST /uploads`, with a URL in the response.
    Created,
    /// The bytes were put to such a URL.
    Put,
    /// The bytes were put into the bucket by the partner's own permission.
    PutToBucket,
    /// `POST /upload`, certainly rejected with 400: the file or its control totals are wrong.
    Rejected,
}

/// One request of a sender.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) file: String,
    pub(super) action: Action,
    pub(super) span: Span,
    /// The attempt after which the file was to be processed again.
    pub(super) reprocess: Option<u64>,
}

/// The clock that decides when a file arrived.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Clock {
    Functions,
    Bucket,
    Either,
}

/// When a file arrived.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    span: Span,
    clock: Clock,
}

impl Arrival {
    /// Whether this one certainly precedes the other one.
    pub(super) fn precedes(&self, other: &Self) -> bool {
        let gap = match (self.clock, other.clock) {
            (Clock::Functions, Clock::Functions) => Duration::ZERO,
            (Clock::Bucket, Clock::Bucket) => BUCKET_GAP,
            _ => MIXED_GAP,
        };
        self.span.ended + gap < other.span.began
    }
}

/// All actions on one partner's files in a round.
#[derive(Clone, Default, Debug)]
pub(super) struct Ledger {
    entries: Vec<Entry>,
}

impl Ledger {
    /// Writes down a request.
    pub(super) fn add(&mut self, file: &str, action: Action, span: Span, reprocess: Option<u64>) {
        self.entries.push(Entry { file: file.to_owned(), action, span, reprocess });
    }

    fn of<'l>(&'l self, file: &'l str) -> impl Iterator<Item = &'l Entry> + Clone {
        self.entries.iter().filter(move |entry| entry.file == file)
    }

    fn spans<'l>(
        &'l self,
        file: &'l str,
        action: Action,
        reprocess: Option<u64>,
    ) -> impl Iterator<Item = Span> + Clone + 'l {
        self.of(file)
            .filter(move |entry| entry.action == action && entry.reprocess == reprocess)
            .map(|entry| entry.span)
    }

    /// Whether there was this action on a file.
    pub(super) fn has(&self, file: &str, action: Action) -> bool {
        self.of(file).any(|entry| entry.action == action)
    }

    /// Whether the bytes of a valid file arrived in a way by which they were or will be accepted.
    pub(super) fn is_accepted(&self, file: &str) -> bool {
        [Action::Uploaded, Action::Put, Action::PutToBucket].into_iter().any(|action| self.has(file, action))
    }

    /// The attempts after which the sender requested that a file is processed again.
    pub(super) fn reprocesses(&self, file: &str) -> usize {
        self.of(file).filter_map(|entry| entry.reprocess).collect::<BTreeSet<_>>().len()
    }

    /// When an accepted file arrived; none if it is not accepted.
    pub(super) fn arrival(&self, file: &str) -> Option<Arrival> {
        let first = self.first_arrival(file);
        let attempts: BTreeSet<u64> = self.of(file).filter_map(|entry| entry.reprocess).collect();
        attempts.into_iter().fold(first, |arrival, attempt| self.arrival_of_reprocess(file, attempt, arrival))
    }

    /// When bytes are first accepted.
    fn first_arrival(&self, file: &str) -> Option<Arrival> {
        let by_functions = self.by_functions(file);
        let by_bucket = Span::of_all(self.spans(file, Action::PutToBucket, None));
        match (by_functions, by_bucket) {
            (Some(span), None) => Some(Arrival { span, clock: Clock::Functions }),
            (None, Some(span)) => Some(Arrival { span, clock: Clock::Bucket }),
            // Bytes that are accepted already, and put again, keep their arrival.
            (Some(span), Some(put)) if span.ended < put.began => Some(Arrival { span, clock: Clock::Functions }),
            (Some(span), Some(put)) => Some(Arrival { span: span.with(put), clock: Clock::Either }),
            (None, None) => {
                let doubtful = Span::of_all(self.spans(file, Action::Doubtful, None));
                doubtful.map(|span| Arrival { span, clock: Clock::Functions })
            }
        }
    }

    fn by_functions(&self, file: &str) -> Option<Span> {
        let uploaded = Span::of_first(self.spans(file, Action::Uploaded, None));
        let span = self.of_upload_and_creation(file, None, uploaded)?;
        // A repeat of a request with the response 400 may have been accepted before.
        let doubtful = self.spans(file, Action::Doubtful, None).filter(|doubtful| doubtful.began < span.ended);
        Some(doubtful.fold(span, |span, doubtful| Span { began: span.began.min(doubtful.began), ..span }))
    }

    /// The arrival of an accepted upload where uploads were created too: a presigned upload arrives at its creation,
    /// and one that is created again while it is open keeps the first.
    fn of_upload_and_creation(&self, file: &str, reprocess: Option<u64>, uploaded: Option<Span>) -> Option<Span> {
        let created = self.spans(file, Action::Created, reprocess);
        let is_put = |created: Span| self.spans(file, Action::Put, None).any(|put| created.began < put.ended);
        match uploaded {
            // If the creation was first, either may count.
            Some(uploaded) => {
                let before = Span::of_all(created.filter(|created| created.began < uploaded.ended));
                Some(before.map_or(uploaded, |created| Span { began: created.began.min(uploaded.began), ..uploaded }))
            }
            None if !created.clone().any(is_put) => None,
            // A rejection in between ends an upload that was created before it, so a later one may count.
            None if self.has(file, Action::Rejected) => Span::of_all(created),
            None => Span::of_first(created),
        }
    }

    /// The arrival of a file that was to be processed again after this attempt.
    fn arrival_of_reprocess(&self, file: &str, attempt: u64, before: Option<Arrival>) -> Option<Arrival> {
        let uploaded = Span::of_first(self.spans(file, Action::Uploaded, Some(attempt)));
        let again = self.of_upload_and_creation(file, Some(attempt), uploaded);
        if let Some(span) = again {
            return Some(Arrival { span, clock: Clock::Functions });
        }
        // An upload was created and never used. If the same bytes were put before, from another source or to another
        // URL, a late event of theirs may be used for this upload.
        let created = Span::of_first(self.spans(file, Action::Created, Some(attempt)));
        let was_put = self.has(file, Action::Put) || self.has(file, Action::PutToBucket);
        match (before, created) {
            (Some(before), Some(created)) if was_put => {
                Some(Arrival { span: before.span.with(created), clock: Clock::Either })
            }
            _ => before,
        }
    }

    /// A file among these, which all have a row of the same id, that certainly arrived later than this one; none if
    /// this one's row may be in effect.
    pub(super) fn successor<'f>(&self, file: &str, others: impl IntoIterator<Item = &'f str>) -> Option<&'f str> {
        let arrival = self.arrival(file)?;
        others.into_iter().find(|other| self.arrival(other).is_some_and(|later| arrival.precedes(&later)))
    }

    /// The entries about a file, to find the cause of a failure.
    pub(super) fn describe(&self, file: &str) -> String {
        let lines: Vec<_> = self
            .of(file)
            .map(|entry| {
                let again = entry.reprocess.map(|attempt| format!(" again after {attempt}")).unwrap_or_default();
                let Span { began, ended } = entry.span;
                format!("{:?}{again} {}-{} ms", entry.action, began.as_millis(), ended.as_millis())
            })
            .collect();
        format!("{}: {}", &file[..8.min(file.len())], lines.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::{Action, Ledger, Span};
    use std::time::Duration;

    fn ledger(entries: &[(&str, Action, u64, u64, Option<u64>)]) -> Ledger {
        let mut ledger = Ledger::default();
        for &(file, action, began, ended, reprocess) in entries {
            let [began, ended] = [began, ended].map(Duration::from_millis);
            ledger.add(file, action, Span { began, ended }, reprocess);
        }
        ledger
    }

    /// Whether the row of each of two files may be in effect.
    fn may_be(entries: &[(&str, Action, u64, u64, Option<u64>)]) -> (bool, bool) {
        let ledger = ledger(entries);
        (ledger.successor("a", ["b"]).is_none(), ledger.successor("b", ["a"]).is_none())
    }

    const ONLY_A: (bool, bool) = (true, false);
    const ONLY_B: (bool, bool) = (false, true);
    const EITHER: (bool, bool) = (true, true);

    #[test]
    fn a_later_file_wins_and_an_overlapping_one_may() {
        use Action::Uploaded;
        assert_eq!(may_be(&[("a", Uploaded, 0, 9, None), ("b", Uploaded, 10, 20, None)]), ONLY_B);
        assert_eq!(may_be(&[("b", Uploaded, 10, 20, None), ("a", Uploaded, 0, 9, None)]), ONLY_B);
        assert_eq!(may_be(&[("a", Uploaded, 0, 10, None), ("b", Uploaded, 10, 20, None)]), EITHER);
        // A repeat of the first file changes nothing.
        let repeat = [("a", Uploaded, 0, 9, None), ("b", Uploaded, 10, 20, None), ("a", Uploaded, 30, 40, None)];
        assert_eq!(may_be(&repeat), ONLY_B);
    }

    #[test]
    fn a_presigned_upload_counts_from_creation_once_put() {
        use Action::{Created, Put, Uploaded};
        let late = [("a", Created, 0, 5, None), ("b", Uploaded, 10, 20, None), ("a", Put, 30, 40, None)];
        assert_eq!(may_be(&late), ONLY_B);
        let again = [&late[..2], &[("a", Created, 21, 25, None), ("a", Put, 30, 40, None)]].concat();
        assert_eq!(may_be(&again), ONLY_B, "an upload that is open keeps its arrival");
        assert!(ledger(&late[..2]).arrival("a").is_none(), "nothing arrived");
        let other_way = [("a", Created, 0, 5, None), ("b", Uploaded, 10, 20, None), ("a", Uploaded, 30, 40, None)];
        assert_eq!(may_be(&other_way), EITHER);
    }

    #[test]
    fn a_reprocessed_file_wins_and_a_repeat_does_not() {
        use Action::{Created, Put, Uploaded};
        let both = [("a", Uploaded, 0, 5, None), ("b", Uploaded, 10, 20, None)];
        let with = |more: &[(&'static str, Action, u64, u64, Option<u64>)]| may_be(&[&both[..], more].concat());
        let again = ("a", Uploaded, 30, 40, Some(1));
        assert_eq!(with(&[again]), ONLY_A);
        let newer = ("b", Uploaded, 50, 60, Some(1));
        assert_eq!(with(&[again, newer, ("a", Uploaded, 70, 80, Some(1))]), ONLY_B, "a repeat");
        assert_eq!(with(&[again, newer, ("a", Uploaded, 70, 80, Some(2))]), ONLY_A, "another request");
        let given_up = ("a", Created, 30, 40, Some(1));
        assert_eq!(with(&[given_up]), ONLY_B);
        assert_eq!(with(&[given_up, ("a", Put, 50, 60, None)]), ONLY_A);
        assert_eq!(with(&[given_up, newer, ("a", Put, 70, 80, None)]), ONLY_B, "it arrived at its creation");
    }

    #[test]
    fn the_buckets_clock_is_trusted_to_the_second() {
        use Action::{PutToBucket, Uploaded};
        let puts = |second: u64| [("a", PutToBucket, 0, 9, None), ("b", PutToBucket, second, second + 9, None)];
        assert_eq!(may_be(&puts(1_500)), EITHER);
        assert_eq!(may_be(&puts(2_500)), ONLY_B);
        assert_eq!(may_be(&[("a", PutToBucket, 0, 9, None), ("b", Uploaded, 9_000, 9_100, None)]), EITHER);
        assert_eq!(may_be(&[("a", PutToBucket, 0, 9, None), ("b", Uploaded, 11_000, 11_100, None)]), ONLY_B);
    }

    #[test]
    fn a_rejected_file_counts_from_its_acceptance() {
        use Action::{Doubtful, Rejected, Uploaded};
        let entries = [("a", Rejected, 0, 5, None), ("b", Uploaded, 10, 20, None), ("a", Uploaded, 30, 40, None)];
        assert_eq!(may_be(&entries), ONLY_A);
        let doubtful = [("a", Doubtful, 0, 5, None), ("b", Uploaded, 10, 20, None), ("a", Uploaded, 30, 40, None)];
        assert_eq!(may_be(&doubtful), EITHER, "one of its repeats may have been accepted before");
    }
}
