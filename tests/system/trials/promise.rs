//! The promises of the system, and how often each was judged.

use std::collections::BTreeMap;
use std::sync::Mutex;

/// One promise. The documentation names the same.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Promise {
    /// Every file that was acknowledged ends completed, rejected or in the dead-letter queue with its input.
    NothingLost,
    /// The rows are those of the files, whatever was repeated.
    EffectsOnce,
    /// A repeated notification is recognized by its id.
    NotificationsRecognizable,
    /// A file that fails delays no other.
    PoisonDelaysNobody,
    /// Money in equals money stored, exactly.
    MoneyExact,
    /// A later file wins whatever the order.
    LaterFileWins,
    /// Bytes that were accepted once are never rejected by a repeat.
    AcceptedStaysAccepted,
    /// The outcome of a file stays visible, whatever uploads of it are created.
    OutcomeStaysVisible,
    /// A history has every transition, in order.
    HistoryWhole,
    /// An acknowledged webhook is stored once and published.
    WebhooksOnce,
    /// A payment of the high band is assessed, and the first analysis is kept.
    AssessedOnce,
    /// An event of another type about a payment is accepted, and never blocks the payment.
    OtherEventsBlockNothing,
    /// Stored data are understood and processed, also in a currency that may not be used any more.
    StoredStaysKnown,
    /// A row is in the archive before it leaves the table, and there once.
    ArchivedFirst,
    /// Nobody reads or changes another's data.
    PartnersApart,
}

/// How often each promise was judged, and was kept.
#[derive(Default)]
pub(super) struct Tally {
    kept: Mutex<BTreeMap<Promise, u64>>,
}

impl Tally {
    /// Judges one trial of a promise. Panics where it was not kept, which ends its round.
    #[track_caller]
    pub(super) fn judge(&self, promise: Promise, kept: bool, what: impl FnOnce() -> String) {
        assert!(kept, "{promise:?} was not kept: {}", what());
        *self.kept.lock().unwrap().entry(promise).or_default() += 1;
    }

    /// The trials by promise.
    pub(super) fn kept(&self) -> BTreeMap<Promise, u64> {
        self.kept.lock().unwrap().clone()
    }
}
