//! The key of an event of a transaction.

use super::{EventType, Payment, Provider};
use crate::ContentDigest;
use std::fmt;

/// The number of hexadecimal digits of the content's digest in a key.
const DIGEST_DIGITS: usize = 16;

/// What distinguishes the events of one transaction id: the provider, the type and, for a type that is not routed, the
/// content.
///
/// A provider sends the creation of a transaction once: the same id with a different content is an error. It sends an
/// update for each change, with a different content each time, and retries rejected events for days: an event of
/// another type is therefore never rejected because of an earlier one, and never conflicts with the payment. Neither
/// names nor types have a `#`, so no two events share a key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct EventKey(String);

impl EventKey {
    /// The key of an event.
    #[must_use]
    pub fn of(provider: &Provider, event_type: &EventType, digest: &ContentDigest) -> Self {
        let (provider, name) = (provider.as_str(), event_type.as_str());
        if event_type.is_routed() {
            return Self::created(provider);
        }
        let digest = digest.as_str();
        Self(format!("{provider}#{name}#{}", digest.get(..DIGEST_DIGITS).unwrap_or(digest)))
    }

    /// The key of the creation of a transaction of this provider: the event that is assessed.
    #[must_use]
    pub fn created(provider: &str) -> Self {
        Self(format!("{provider}#{}", EventType::default().as_str()))
    }

    /// The stored key `text`.
    #[must_use]
    pub fn stored(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text in the table.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the provider.
    #[must_use]
    pub fn provider(&self) -> &str {
        self.0.split('#').next().unwrap_or_default()
    }
}

impl Payment {
    /// The key of this event.
    #[must_use]
    pub fn event_key(&self) -> EventKey {
        EventKey::of(&self.provider, &self.event_type, &self.digest)
    }
}

impl fmt::Display for EventKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distinguishes_events_by_provider_type_and_content() {
        let key = |provider, event_type, content: &[u8]| {
            let provider = Provider::named(provider).unwrap();
            EventKey::of(&provider, &EventType::named(event_type).unwrap(), &ContentDigest::of(content))
        };
        let created = key("acme", "transaction.created", b"a");
        assert_eq!(created.as_str(), "acme#transaction.created");
        assert_eq!(created, key("acme", "transaction.created", b"b"));
        assert_eq!(created, EventKey::created("acme"));
        assert_ne!(created, key("acme-2", "transaction.created", b"a"));
        let updated = key("acme", "transaction.updated", b"a");
        assert_eq!(updated.as_str(), "acme#transaction.updated#ca978112ca1bbdca");
        assert_eq!(updated, key("acme", "transaction.updated", b"a"));
        assert_ne!(updated, key("acme", "transaction.updated", b"b"));
        assert_ne!(updated, key("acme", "refund.created", b"a"));
        assert_eq!((updated.provider(), EventKey::stored("#archive").provider()), ("acme", ""));
    }
}
