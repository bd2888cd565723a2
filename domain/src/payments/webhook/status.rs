//! The status of a payment.

use serde::{Deserialize, Serialize};

/// The status of a payment.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// It is stored.
    Pending,
    /// Its risk is assessed. Only payments of the high band are.
    Analyzed,
}

impl PaymentStatus {
    /// Reads exactly `pending` or `analyzed`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Pending, Self::Analyzed].into_iter().find(|status| status.as_str() == text)
    }

    /// The text in the table.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Analyzed => "analyzed",
        }
    }

    /// Whether a transition from this to `next` is allowed. The analysis may be repeated, since its workflow may run
    /// twice and gives the same result. A status never goes back.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        next == Self::Analyzed || self == next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_never_goes_back() {
        use PaymentStatus::{Analyzed, Pending};
        for (from, to, allowed) in [
            (Pending, Pending, true),
            (Pending, Analyzed, true),
            (Analyzed, Analyzed, true),
            (Analyzed, Pending, false),
        ] {
            assert_eq!(from.may_become(to), allowed, "{from:?} {to:?}");
            assert_eq!(PaymentStatus::parse(from.as_str()), Some(from));
        }
        assert_eq!(PaymentStatus::parse("Pending"), None);
    }
}
