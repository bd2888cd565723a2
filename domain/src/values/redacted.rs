//! Secret values: never shown, and compared only in constant time.

use serde::{Deserialize, Serialize};
use std::fmt;
use subtle::ConstantTimeEq;

/// A secret value. Its `Debug` shows nothing of it, and it has no `==`, whose time would reveal how many bytes were right.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Redacted<T>(T);

impl<T: AsRef<[u8]>> Redacted<T> {
    /// Hides this value.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for the code that needs it.
    #[must_use]
    pub fn reveal(&self) -> &T {
        &self.0
    }

    /// Whether the value equals `other`. For values of the same length, it takes constant time.
    #[must_use]
    pub fn is_same_as(&self, other: impl AsRef<[u8]>) -> bool {
        self.0.as_ref().ct_eq(other.as_ref()).into()
    }
}

impl<T> fmt::Debug for Redacted<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("redacted")
    }
}
