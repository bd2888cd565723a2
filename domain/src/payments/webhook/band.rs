//! The route of a payment.

use crate::Money;
use serde::{Deserialize, Serialize};

/// The band of a payment's amount. It alone decides the route.
///
/// The bands apply to the number, whatever the currency: 10,001 yen are high. EventBridge compares numbers as floats
/// with six decimals at most, so the comparison is made here and the rules match the name of the band.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AmountBand {
    /// Below 1,000: logged for batch processing.
    Low,
    /// From 1,000 to 10,000 inclusive: published to the topic.
    Medium,
    /// Above 10,000: processed by the workflow.
    High,
}

/// The smallest medium amount.
const MEDIUM_FROM: Money = Money::whole(1_000);
/// The largest medium amount.
const MEDIUM_TO: Money = Money::whole(10_000);

impl AmountBand {
    /// The band of `amount`.
    #[must_use]
    pub fn of(amount: Money) -> Self {
        if amount > MEDIUM_TO {
            Self::High
        } else if amount >= MEDIUM_FROM {
            Self::Medium
        } else {
            Self::Low
        }
    }

    /// The stable text that rules match.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Currency;
    use proptest::prelude::*;

    #[test]
    fn bands_are_exact_at_their_limits() {
        for (text, code, expected) in [
            ("0.01", "USD", "low"),
            ("999.99", "USD", "low"),
            ("1000", "USD", "medium"),
            ("1000.00", "USD", "medium"),
            ("1000.01", "USD", "medium"),
            ("9999.99", "USD", "medium"),
            ("10000", "USD", "medium"),
            ("10000.00", "USD", "medium"),
            ("10000.01", "USD", "high"),
            ("999", "JPY", "low"),
            ("1000", "JPY", "medium"),
            ("10000", "JPY", "medium"),
            ("10001", "JPY", "high"),
            ("999.999", "KWD", "low"),
            ("1000.000", "KWD", "medium"),
            ("10000.000", "KWD", "medium"),
            ("10000.001", "KWD", "high"),
            ("9999.9999", "CLF", "medium"),
            ("10000.0001", "CLF", "high"),
            ("99999999999999999999999999999999999999", "USD", "high"),
            ("999999999999999999999999999999999999.99", "USD", "high"),
        ] {
            let decimals = Currency::parse(code.as_bytes()).unwrap().decimals();
            let amount = Money::parse(text.as_bytes(), decimals).unwrap();
            assert_eq!(AmountBand::of(amount).as_str(), expected, "{text} {code}");
        }
    }

    proptest! {
        #[test]
        fn every_amount_is_in_the_band_of_its_thousandths(thousandths in 1_u64..20_000_000) {
            let text = format!("{}.{:03}", thousandths / 1000, thousandths % 1000);
            let expected = match thousandths {
                ..1_000_000 => AmountBand::Low,
                1_000_000..=10_000_000 => AmountBand::Medium,
                _ => AmountBand::High,
            };
            prop_assert_eq!(AmountBand::of(Money::parse(text.as_bytes(), 3).unwrap()), expected);
        }
    }
}
