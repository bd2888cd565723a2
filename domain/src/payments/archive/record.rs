//! How the archive is read: which of its lines is in effect.

use super::ArchivedPayment;
use crate::payments::webhook::EventKey;
use std::collections::BTreeMap;

/// The identity of an archived event: its transaction, its provider, its type and its content, since a provider may
/// send events of types other than `transaction.created` many times with different contents.
///
/// The time of arrival is part of it: an id that a provider uses again after the [tombstone](super::Tombstone) has
/// expired is another payment.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RecordId {
    /// The id of the transaction.
    pub transaction_id: String,
    /// The name of the provider.
    pub provider: String,
    /// The type of the event.
    pub event_type: String,
    /// When it was received, in milliseconds since 1970.
    pub received_at_ms: u64,
    /// The SHA-256 of its canonical content.
    pub digest: String,
}

impl ArchivedPayment {
    /// The identity of this event.
    #[must_use]
    pub fn record_id(&self) -> RecordId {
        RecordId {
            transaction_id: self.transaction_id.clone(),
            provider: self.provider.as_str().to_owned(),
            event_type: self.event_type.as_str().to_owned(),
            digest: self.digest.as_str().to_owned(),
            received_at_ms: self.received_at_ms,
        }
    }

    /// The key of this event of its transaction.
    #[must_use]
    pub fn event_key(&self) -> EventKey {
        EventKey::of(&self.provider, &self.event_type, &self.digest)
    }
}

/// The payments in objects of the archive, given with their keys in any order.
///
/// Of the lines of one [record](RecordId), the one in the object with the greatest key is in effect: a killed archival
/// may have stored a payment that changed before its row was replaced, and that was archived again with the change. All
/// lines of a record have the prefix of the day on which it was received, so a reader may read day by day.
#[must_use]
pub fn records(
    objects: impl IntoIterator<Item = (String, Vec<ArchivedPayment>)>,
) -> BTreeMap<RecordId, ArchivedPayment> {
    let in_order: BTreeMap<String, Vec<ArchivedPayment>> = objects.into_iter().collect();
    in_order.into_values().flatten().map(|payment| (payment.record_id(), payment)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payments::archive::line::tests::archived;
    use crate::payments::archive::{ArchiveToken, object_key};
    use crate::payments::webhook::EventType;
    use crate::{ContentDigest, Day};

    #[test]
    fn the_line_in_the_last_object_is_in_effect() {
        let (earlier, later) = (archived("12.50", None, None, false), archived("12.50", None, None, true));
        assert_eq!(earlier.record_id(), later.record_id());
        let key = |at_ms, token| object_key(Day::of_milliseconds(0), at_ms, ArchiveToken::new([token; 16]));
        let objects = [(key(2, 0), vec![later.clone()]), (key(1, 0xff), vec![earlier])];
        assert_eq!(records(objects).into_values().collect::<Vec<_>>(), [later]);
    }

    #[test]
    fn distinguishes_events_by_type_and_content() {
        let created = archived("12.50", None, None, false);
        let of_type = |name| EventType::named(name).unwrap();
        let updated = ArchivedPayment { event_type: of_type("transaction.updated"), ..created.clone() };
        let again = ArchivedPayment { digest: ContentDigest::of(b"other"), ..updated.clone() };
        let refund = ArchivedPayment { event_type: of_type("refund.created"), ..created.clone() };
        let objects = [("a".to_owned(), vec![created, updated, again, refund])];
        assert_eq!(records(objects).len(), 4);
    }

    #[test]
    fn a_reused_id_is_another_payment() {
        let first = archived("12.50", None, None, false);
        let second = ArchivedPayment { received_at_ms: first.received_at_ms + 1, ..archived("7", None, None, false) };
        let objects = [("a".to_owned(), vec![first.clone()]), ("b".to_owned(), vec![second.clone()])];
        assert_eq!(records(objects).into_values().collect::<Vec<_>>(), [first, second]);
    }
}
