//! The risk factors, with all weights and thresholds.
//!
//! No factor alone is more than low risk: each has an innocent explanation, and an alert for every large payment or
//! every new customer would soon be ignored. Two strong factors are medium risk, for example a high first payment of a
//! customer. A high amount in a burst of payments, with any other factor, is high risk, and so is a burst of equal
//! amounts with unusual metadata. No sum of weights is exactly 0.4 or 0.7, where the levels begin.

use crate::Money;
use serde::{Deserialize, Serialize};
use std::fmt;

crate::values::codes::text_enum! {
    /// A sign of fraud. The names are an interface: they are never renamed.
    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    RiskFactor;

    /// The amount is above 5,000, whatever the currency.
    HighAmount "high_amount";
    /// The payment is at least the fifth of its customer within 10 minutes.
    Velocity "velocity";
    /// It is at least the third of its customer with the same amount and currency within 60 minutes.
    RepeatedAmount "repeated_amount";
    /// The customer was not known before.
    FirstTransaction "first_transaction";
    /// The amount is 2,000 or more and a whole number of thousands.
    RoundAmount "round_amount";
    /// A field of the metadata has a value that is not in the customer's profile, which has others.
    MetadataMismatch "metadata_mismatch";
}

pub(super) const HIGH_AMOUNT_ABOVE: Money = Money::whole(5_000);
pub(super) const ROUND_AMOUNT_FROM: Money = Money::whole(2_000);
pub(super) const ROUND_AMOUNT_MULTIPLE: u32 = 1_000;
pub(super) const VELOCITY_PAYMENTS_MIN: usize = 5;
pub(super) const VELOCITY_WINDOW_MILLISECONDS: u64 = 10 * 60 * 1000;
pub(super) const REPEATED_AMOUNT_PAYMENTS_MIN: usize = 3;
pub(super) const REPEATED_AMOUNT_WINDOW_MILLISECONDS: u64 = 60 * 60 * 1000;

/// The members of `metadata` that a profile keeps.
pub(super) const PROFILE_FIELDS: [&str; 3] = ["country", "ip_country", "device_id"];

const MEDIUM_RISK_ABOVE: RiskScore = RiskScore(400);
const HIGH_RISK_ABOVE: RiskScore = RiskScore(700);

impl RiskFactor {
    /// Its weight in the score.
    #[must_use]
    pub fn weight(self) -> RiskScore {
        RiskScore(match self {
            Self::HighAmount => 300,
            Self::Velocity => 320,
            Self::RepeatedAmount => 220,
            Self::FirstTransaction => 150,
            Self::RoundAmount => 90,
            Self::MetadataMismatch => 280,
        })
    }
}

/// A score from 0 to 1, in thousandths. Its text has three decimals: `0.620`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RiskScore(u16);

const ONE_IN_THOUSANDTHS: u16 = 1_000;

impl RiskScore {
    /// The sum of the weights of the factors, 1 at most. Pass each factor once.
    #[must_use]
    pub fn of(factors: impl IntoIterator<Item = RiskFactor>) -> Self {
        let sum = factors.into_iter().fold(0_u16, |sum, factor| sum.saturating_add(factor.weight().0));
        Self(sum.min(ONE_IN_THOUSANDTHS))
    }

    /// The score in thousandths, 0 to 1000.
    #[must_use]
    pub fn thousandths(self) -> u16 {
        self.0
    }

    /// The level of the score.
    #[must_use]
    pub fn level(self) -> RiskLevel {
        if self > HIGH_RISK_ABOVE {
            RiskLevel::HighRisk
        } else if self > MEDIUM_RISK_ABOVE {
            RiskLevel::MediumRisk
        } else {
            RiskLevel::LowRisk
        }
    }
}

impl fmt::Display for RiskScore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{:03}", self.0 / ONE_IN_THOUSANDTHS, self.0 % ONE_IN_THOUSANDTHS)
    }
}

impl From<RiskScore> for String {
    fn from(score: RiskScore) -> Self {
        score.to_string()
    }
}

impl TryFrom<String> for RiskScore {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.replacen('.', "", 1)
            .parse()
            .ok()
            .filter(|&thousandths| thousandths <= ONE_IN_THOUSANDTHS)
            .map(Self)
            .filter(|score| score.to_string() == text)
            .ok_or("a score is a number from 0.000 to 1.000 with three decimals")
    }
}

/// The level of a score.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RiskLevel {
    /// At most 0.4.
    LowRisk,
    /// Above 0.4.
    MediumRisk,
    /// Above 0.7: an alert is published.
    HighRisk,
}

impl RiskLevel {
    /// The stable name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LowRisk => "low_risk",
            Self::MediumRisk => "medium_risk",
            Self::HighRisk => "high_risk",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RiskFactor::{FirstTransaction, HighAmount, MetadataMismatch, RepeatedAmount, RoundAmount, Velocity};
    use super::*;
    use proptest::prelude::*;

    fn level(factors: &[RiskFactor]) -> &'static str {
        RiskScore::of(factors.iter().copied()).level().as_str()
    }

    #[test]
    fn combinations_of_factors_have_the_intended_levels() {
        for factor in RiskFactor::ALL {
            assert_eq!(level(&[factor]), "low_risk", "{factor:?}");
            if ![HighAmount, Velocity].contains(&factor) {
                assert_eq!(level(&[HighAmount, Velocity, factor]), "high_risk", "{factor:?}");
            }
        }
        for (factors, expected) in [
            (&[][..], "low_risk"),
            (&[HighAmount, RoundAmount], "low_risk"),
            (&[FirstTransaction, RoundAmount], "low_risk"),
            (&[HighAmount, FirstTransaction], "medium_risk"),
            (&[HighAmount, FirstTransaction, RoundAmount], "medium_risk"),
            (&[HighAmount, Velocity], "medium_risk"),
            (&[HighAmount, MetadataMismatch], "medium_risk"),
            (&[Velocity, RepeatedAmount], "medium_risk"),
            (&[Velocity, RepeatedAmount, MetadataMismatch], "high_risk"),
            (&[HighAmount, RepeatedAmount, MetadataMismatch], "high_risk"),
            (&RiskFactor::ALL, "high_risk"),
        ] {
            assert_eq!(level(factors), expected, "{factors:?}");
        }
        assert_eq!(RiskScore::of(RiskFactor::ALL).to_string(), "1.000");
        for subset in 0_u8..64 {
            let factors = (0..6).filter(|at| subset & (1 << at) != 0).map(|at| RiskFactor::ALL[at]);
            assert!(![MEDIUM_RISK_ABOVE, HIGH_RISK_ABOVE].contains(&RiskScore::of(factors)), "{subset:b}");
        }
    }

    #[test]
    fn scores_and_names_have_one_text() {
        for (score, text, level) in [
            (0, "0.000", "low_risk"),
            (90, "0.090", "low_risk"),
            (400, "0.400", "low_risk"),
            (401, "0.401", "medium_risk"),
            (700, "0.700", "medium_risk"),
            (701, "0.701", "high_risk"),
            (1000, "1.000", "high_risk"),
        ] {
            assert_eq!(RiskScore(score).to_string(), text);
            assert_eq!(RiskScore(score).level().as_str(), level, "{text}");
            assert_eq!(RiskScore::try_from(text.to_owned()), Ok(RiskScore(score)));
        }
        for text in ["", "1", "0.1", "1.001", "0.0000", "+0.100", "00.10", ".100", "0.100 ", "NaN", "0100"] {
            assert!(RiskScore::try_from(text.to_owned()).is_err(), "{text}");
        }
        for factor in RiskFactor::ALL {
            assert_eq!(serde_json::to_string(&factor).unwrap(), format!("\"{}\"", factor.as_str()));
        }
    }

    proptest! {
        #[test]
        fn a_score_is_in_its_range_and_never_falls_when_a_factor_is_added(subset in 0_u8..64, added in 0_usize..6) {
            let of = |subset: u8| RiskScore::of((0..6).filter(|at| subset & (1 << at) != 0).map(|at| RiskFactor::ALL[at]));
            let (before, after) = (of(subset), of(subset | 1 << added));
            prop_assert!(before <= after && after <= RiskScore(1000));
            prop_assert!(before.level() <= after.level());
        }
    }
}
