//! Payment providers.

use crate::values::identifier::is_name;

/// The name of a provider. It has the form of a partner's name: lowercase letters, digits and hyphens, at most 63,
/// beginning with a letter or digit.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Provider(String);

impl Provider {
    /// Takes `name` if it is well formed.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        is_name(name).then(|| Self(name.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
