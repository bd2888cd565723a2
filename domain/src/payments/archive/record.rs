//! How the archive is read: which of its lines counts.

use super::ArchivedPayment;
use crate::payments::webhook::EventKey;
use std::collections::BTreeMap;

/// Which event of a payment a line tells of: of which transaction of whom, of what type, and with which content, since a
/// provider may announce events of other types than `transaction.created` many times with other contents.
///
/// The time of arrival is a part of it: a provider that uses an id again after the archived payment's
/// [tombstone](super::Tombstone) has ended announces another payment.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RecordId {
    /// The transaction's id.
    pub transaction_id: String,
    /// The provider's name.
    pub provider: String,
    /// The event's type.
    pub event_type: String,
    /// When it arrived, in milliseconds since 1970.
    pub received_at_ms: u64,
    /// The SHA-256 of its canonical content.
    pub digest: String,
}

impl ArchivedPayment {
    /// Which payment this tells of.
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

    /// Which event of its transaction this tells of.
    #[must_use]
    pub fn event_key(&self) -> EventKey {
        EventKey::of(&self.provider, &self.event_type, &self.digest)
    }
}

/// The payments that objects of the archive, given with their keys in any order, tell of.
///
/// Of the lines of one [record](RecordId), that in the object with the greatest key counts: an archival that was killed
/// may have stored a payment that then changed before it could be removed, and is archived again with what is new. All lines
/// of a record lie under the prefix of the day of its arrival, so a reader may read day by day.
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
    use crate::ContentDigest;
    use crate::payments::archive::line::tests::archived;
    use crate::payments::archive::{ArchiveToken, Day, object_key};
    use crate::payments::webhook::EventType;

    #[test]
    fn of_the_lines_of_a_record_the_one_in_the_last_object_counts() {
        let (earlier, later) = (archived("12.50", None, None, false), archived("12.50", None, None, true));
        assert_eq!(earlier.record_id(), later.record_id());
        let key = |at_ms, token| object_key(Day::of(0), at_ms, ArchiveToken::new([token; 16]));
        let objects = [(key(2, 0), vec![later.clone()]), (key(1, 0xff), vec![earlier])];
        assert_eq!(records(objects).into_values().collect::<Vec<_>>(), [later]);
    }

    #[test]
    fn events_of_one_instant_are_told_apart_by_type_and_content() {
        let created = archived("12.50", None, None, false);
        let of_type = |name| EventType::named(name).unwrap();
        let updated = ArchivedPayment { event_type: of_type("transaction.updated"), ..created.clone() };
        let again = ArchivedPayment { digest: ContentDigest::of(b"other"), ..updated.clone() };
        let refund = ArchivedPayment { event_type: of_type("refund.created"), ..created.clone() };
        let objects = [("a".to_owned(), vec![created, updated, again, refund])];
        assert_eq!(records(objects).len(), 4);
    }

    #[test]
    fn an_id_that_is_used_again_later_is_another_payment() {
        let first = archived("12.50", None, None, false);
        let second = ArchivedPayment { received_at_ms: first.received_at_ms + 1, ..archived("7", None, None, false) };
        let objects = [("a".to_owned(), vec![first.clone()]), ("b".to_owned(), vec![second.clone()])];
        assert_eq!(records(objects).into_values().collect::<Vec<_>>(), [first, second]);
    }
}
