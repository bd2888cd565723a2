//! What the system promises, and how often that was judged.

use std::collections::BTreeMap;
use std::sync::Mutex;

/// One promise. The README names the same.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Promise {
    /// Every file that was acknowledged ends completed, refused or in the dead-letter queue with its input.
    NothingLost,
    /// The rows are those of the files, whatever came twice.
    EffectsOnce,
    /// A repeated notification is recognised by its id.
    NotificationsRecognizable,
    /// A file that fails delays no other.
    PoisonDelaysNobody,
    /// Money in equals money stored, exactly.
    MoneyExact,
    /// A later file wins whatever the order.
    LaterFileWins,
    /// Bytes that were accepted once are never rejected by a repeat.
    AcceptedStaysAccepted,
    /// What has become of a file stays to be seen, whatever uploads of it are created.
    OutcomeStaysVisible,
    /// A history has every transition, in order.
    HistoryWhole,
    /// An acknowledged webhook is stored once and published.
    WebhooksOnce,
    /// A payment of the high band is assessed, and the first analysis stands.
    AssessedOnce,
    /// An event of another type about a payment is taken, and never stops the payment.
    OtherEventsBlockNothing,
    /// What was stored is understood and worked on, also in a currency that may not be used any more.
    StoredStaysKnown,
    /// A row is in the archive before it leaves the table, and there once.
    ArchivedFirst,
    /// Nobody reads or changes what is another's.
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
