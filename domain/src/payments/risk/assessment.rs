//! Finds the risk factors of one payment.

use super::factor::{
    HIGH_AMOUNT_ABOVE, REPEATED_AMOUNT_PAYMENTS_MIN, REPEATED_AMOUNT_WINDOW_MILLISECONDS, ROUND_AMOUNT_FROM,
    ROUND_AMOUNT_MULTIPLE, VELOCITY_PAYMENTS_MIN, VELOCITY_WINDOW_MILLISECONDS,
};
use super::{CustomerProfile, Moment, RiskFactor, RiskLevel, RiskScore};
use crate::limits::RECENT_PAYMENTS_MAX;
use crate::{Currency, Money};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The payment that is assessed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PaymentFacts<'a> {
    /// Its id, unique for its provider.
    pub transaction_id: &'a str,
    /// Its amount.
    pub amount: Money,
    /// The currency of the amount.
    pub currency: Currency,
    /// When it was received, in milliseconds since 1970.
    pub received_at_ms: u64,
    /// Its metadata as JSON.
    pub metadata: Option<&'a str>,
}

impl PaymentFacts<'_> {
    /// Its moment, which orders payments.
    #[must_use]
    pub fn moment(&self) -> Moment {
        Moment { received_at_ms: self.received_at_ms, transaction_id: self.transaction_id.to_owned() }
    }
}

/// Another payment of the same customer at the same provider.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecentPayment {
    /// Its id.
    pub transaction_id: String,
    /// Its amount.
    pub amount: Money,
    /// The currency of the amount.
    pub currency: Currency,
    /// When it was received, in milliseconds since 1970.
    pub received_at_ms: u64,
}

/// The result of an assessment. In JSON, the score and the weights are decimal strings.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Analysis {
    /// The sum of the weights, 1 at most.
    pub score: RiskScore,
    /// What the score means.
    pub level: RiskLevel,
    /// The factors found, each once.
    pub factors: Vec<FactorFinding>,
}

/// A factor that was found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FactorFinding {
    /// The factor.
    pub factor: RiskFactor,
    /// What it added to the sum.
    pub weight: RiskScore,
    /// Why it was found. It may have counts and thresholds, but no content of the payment.
    pub reason: String,
}

/// Assesses `payment`, given the `recent` payments of its customer, of which the last [`RECENT_PAYMENTS_MAX`] count,
/// and the profile of the customer. Any earlier payment, however old, shows that the customer is not new.
///
/// `recent` may be in any order and contain duplicates, the payment itself and later payments: those are ignored, so
/// that the score is the same whenever it is computed. Of payments in the same millisecond, those with a smaller id are
/// earlier.
#[must_use]
pub fn assess(payment: &PaymentFacts<'_>, recent: &[RecentPayment], profile: Option<&CustomerProfile>) -> Analysis {
    let moment = payment.moment();
    let earlier = earlier(&moment, recent);
    let within = |window: u64, counts: &dyn Fn(&RecentPayment) -> bool| {
        let since = payment.received_at_ms.saturating_sub(window);
        // The payment itself counts too.
        1 + earlier.iter().filter(|other| other.received_at_ms >= since && counts(other)).count()
    };
    let mut factors = Vec::new();
    let mut found = |factor: RiskFactor, reason: String| {
        factors.push(FactorFinding { factor, weight: factor.weight(), reason });
    };
    if payment.amount > HIGH_AMOUNT_ABOVE {
        found(RiskFactor::HighAmount, format!("the amount is above {HIGH_AMOUNT_ABOVE}"));
    }
    let payments = within(VELOCITY_WINDOW_MILLISECONDS, &|_| true);
    if payments >= VELOCITY_PAYMENTS_MIN {
        let minutes = VELOCITY_WINDOW_MILLISECONDS / 60_000;
        found(RiskFactor::Velocity, format!("it is payment {payments} of the customer within {minutes} minutes"));
    }
    let equal = within(REPEATED_AMOUNT_WINDOW_MILLISECONDS, &|other| {
        other.amount == payment.amount && other.currency == payment.currency
    });
    if equal >= REPEATED_AMOUNT_PAYMENTS_MIN {
        let minutes = REPEATED_AMOUNT_WINDOW_MILLISECONDS / 60_000;
        let reason = format!("it is payment {equal} of the customer with the same amount within {minutes} minutes");
        found(RiskFactor::RepeatedAmount, reason);
    }
    if earlier.is_empty() && !profile.is_some_and(|profile| profile.was_known_before(&moment)) {
        found(RiskFactor::FirstTransaction, "nothing was known of the customer before".to_owned());
    }
    if payment.amount >= ROUND_AMOUNT_FROM && payment.amount.is_multiple_of(ROUND_AMOUNT_MULTIPLE) {
        let reason = format!("the amount is {ROUND_AMOUNT_FROM} or more and a multiple of {ROUND_AMOUNT_MULTIPLE}");
        found(RiskFactor::RoundAmount, reason);
    }
    let mismatches = profile.map(|profile| profile.mismatches(payment.metadata, &moment)).unwrap_or_default();
    if !mismatches.is_empty() {
        let reason = format!("the customer's earlier payments had other values of {}", mismatches.join(", "));
        found(RiskFactor::MetadataMismatch, reason);
    }
    let score = RiskScore::of(factors.iter().map(|finding| finding.factor));
    Analysis { score, level: score.level(), factors }
}

/// The payments before `moment`, each once, the latest first.
fn earlier<'r>(moment: &Moment, recent: &'r [RecentPayment]) -> Vec<&'r RecentPayment> {
    let order = |payment: &RecentPayment| (payment.received_at_ms, payment.amount, payment.currency);
    let mut by_id: BTreeMap<&str, &RecentPayment> = BTreeMap::new();
    for payment in recent.iter().filter(|payment| payment.transaction_id != moment.transaction_id) {
        let kept = by_id.entry(&payment.transaction_id).or_insert(payment);
        if order(payment) < order(kept) {
            *kept = payment;
        }
    }
    let moment_of = |payment: &RecentPayment| (payment.received_at_ms, payment.transaction_id.clone());
    let mut earlier: Vec<_> = by_id
        .into_values()
        .filter(|payment| {
            (payment.received_at_ms, payment.transaction_id.as_str())
                < (moment.received_at_ms, moment.transaction_id.as_str())
        })
        .collect();
    earlier.sort_by_key(|payment| std::cmp::Reverse(moment_of(payment)));
    earlier.truncate(RECENT_PAYMENTS_MAX);
    earlier
}

#[cfg(test)]
mod tests;
