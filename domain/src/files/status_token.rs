//! The token in the link to a file's status.

use serde::{Deserialize, Serialize};
use std::fmt;
use subtle::ConstantTimeEq;

/// What opens the status of a file for whoever holds it. It shows itself only where that is asked for by name, and cannot be
/// compared but by [`opens_with`](Self::opens_with): `==` stops at the first byte that differs, so that its time tells how
/// many were right.
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
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StatusToken(String);

impl StatusToken {
    /// The token of this text, which nobody must be able to guess.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Whether `given` is this token. It takes the same time wherever they differ.
    #[must_use]
    pub fn opens_with(&self, given: &str) -> bool {
        self.0.as_bytes().ct_eq(given.as_bytes()).into()
    }

    /// The token as text, for the link that its owner gets.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for StatusToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("StatusToken(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "4be1c4d185d519d296e27df4d5b6cb3c";

    #[test]
    fn a_token_opens_with_itself_alone() {
        let token = StatusToken::new(TEXT);
        assert!(token.opens_with(TEXT));
        let one_more = format!("{TEXT}0");
        for given in ["", "4", &TEXT[1..], &one_more, &TEXT.replace('4', "5"), &TEXT.to_uppercase()] {
            assert!(!token.opens_with(given), "{given}");
        }
    }

    #[test]
    fn a_token_is_stored_as_it_is_and_shown_by_nobody_unasked() {
        let token = StatusToken::new(TEXT);
        assert_eq!(serde_json::to_value(&token).unwrap(), TEXT);
        let read: StatusToken = serde_json::from_value(TEXT.into()).unwrap();
        assert_eq!((read.opens_with(TEXT), read.reveal()), (true, TEXT));
        assert_eq!(format!("{token:?} {:#?}", Some(&token)).matches("redacted").count(), 2);
        assert!(!format!("{token:?} {:#?}", Some(&token)).contains("4be1"));
    }
}
