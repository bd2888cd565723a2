//! The type of the event in a webhook.

use crate::limits::EVENT_TYPE_CHARS_MAX;

/// The name of an event: letters, digits, dots, hyphens and underscores, at most 128.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EventType(String);

/// The only event that is routed, and what a webhook without a type means.
const TRANSACTION_CREATED: &str = "transaction.created";

impl EventType {
    /// Takes `name` if it is well formed.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        let well_formed = !name.is_empty() && name.len() <= EVENT_TYPE_CHARS_MAX && name.bytes().all(allowed);
        well_formed.then(|| Self(name.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the event is published to the event bus. An unknown type is stored and not published, so that a provider
    /// may add types before they are supported here.
    #[must_use]
    pub fn is_routed(&self) -> bool {
        self.0 == TRANSACTION_CREATED
    }
}

impl Default for EventType {
    fn default() -> Self {
        Self(TRANSACTION_CREATED.to_owned())
    }
}
