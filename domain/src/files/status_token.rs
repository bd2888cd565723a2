//! The token in the link to the status of a file.

use crate::Redacted;
use serde::{Deserialize, Serialize};

/// The token that gives access to the status of a file. It is shown only by [`reveal`](Self::reveal), and compared only
/// by [`opens_with`](Self::opens_with): `==` stops at the first different byte, so that its time reveals how many were
/// right.
///
/// ```
/// let token = domain::StatusToken::new("4be1c4d185d519d296e27df4d5b6cb3c");
/// assert!(token.opens_with("4be1c4d185d519d296e27df4d5b6cb3c"));
/// ```
///
/// ```compile_fail
/// let token = domain::StatusToken::new("4be1c4d185d519d296e27df4d5b6cb3c");
/// assert!(token == domain::StatusToken::new("4be1c4d185d519d296e27df4d5b6cb3c"));
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StatusToken(Redacted<String>);

impl StatusToken {
    /// The token with this text, which must be unguessable.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Redacted::new(text.into()))
    }

    /// Whether `given` is this token, in constant time.
    #[must_use]
    pub fn opens_with(&self, given: &str) -> bool {
        self.0.is_same_as(given)
    }

    /// The text of the token, for the link to its owner.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.0.reveal()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "4be1c4d185d519d296e27df4d5b6cb3c";

    #[test]
    fn a_token_opens_only_with_itself() {
        let token = StatusToken::new(TEXT);
        assert!(token.opens_with(TEXT));
        let one_more = format!("{TEXT}0");
        for given in ["", "4", &TEXT[1..], &one_more, &TEXT.replace('4', "5"), &TEXT.to_uppercase()] {
            assert!(!token.opens_with(given), "{given}");
        }
    }

    #[test]
    fn a_token_is_serialized_and_never_shown_by_debug() {
        let token = StatusToken::new(TEXT);
        assert_eq!(serde_json::to_value(&token).unwrap(), TEXT);
        let read: StatusToken = serde_json::from_value(TEXT.into()).unwrap();
        assert_eq!((read.opens_with(TEXT), read.reveal()), (true, TEXT));
        assert_eq!(format!("{token:?} {:#?}", Some(&token)).matches("redacted").count(), 2);
        assert!(!format!("{token:?} {:#?}", Some(&token)).contains("4be1"));
    }
}
