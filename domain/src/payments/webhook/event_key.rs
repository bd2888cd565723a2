//! Which event of a transaction a webhook is.

use super::{EventType, Payment, Provider};
use crate::ContentDigest;
use std::fmt;

/// How many hexadecimal digits of a content's digest a key has.
const DIGEST_DIGITS: usize = 16;

/// What tells the events of one transaction id apart: the provider, the type and, for a type that is not routed, the content.
///
/// A provider announces that a transaction was created once: the same id with another content is a mistake, and is told so.
/// It announces that it was updated as often as that happens, each time with another content, and sends what is refused again
/// for days: an event of another type is therefore never refused because of one before it, and never stands in the way of
/// the payment. Neither names nor types have a `#`, so that no two events share a key.
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

    /// The key of the event that a transaction of the provider of this name was created: the one that is assessed.
    #[must_use]
    pub fn created(provider: &str) -> Self {
        Self(format!("{provider}#{}", EventType::default().as_str()))
    }

    /// The key that is stored as `text`.
    #[must_use]
    pub fn stored(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text in the table.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The provider's name.
    #[must_use]
    pub fn provider(&self) -> &str {
        self.0.split('#').next().unwrap_or_default()
    }
}

impl Payment {
    /// Which event of its transaction this is.
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
    fn events_are_told_apart_by_provider_and_type_and_those_that_go_nowhere_by_content_too() {
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
