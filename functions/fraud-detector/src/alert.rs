//! The alert about a payment of high risk.

use domain::Timestamp;
use domain::payments::archive::ArchivedPayment;
use domain::payments::risk::{Analysis, FactorFinding, RiskLevel, RiskScore};
use serde::Serialize;

const KIND: &str = "high_risk";

/// The message to subscribers, as JSON. Amount, score and weights are decimal strings.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct RiskAlert<'a> {
    /// Distinguishes alerts from the other messages of the topic.
    kind: &'static str,
    /// The same for every repeat of this alert, so that a subscriber can recognize one.
    pub(crate) alert_id: String,
    /// The id of the payment, unique for its provider.
    transaction_id: &'a str,
    /// The provider.
    provider: &'a str,
    /// Its amount.
    amount: String,
    /// The currency of the amount.
    currency: &'a str,
    /// The payer, as the provider names it.
    customer_id: &'a str,
    /// How risky it is, from 0 to 1.
    risk_score: RiskScore,
    /// What the score means.
    risk_level: RiskLevel,
    /// The factors found.
    factors: &'a [FactorFinding],
    /// The environment of the stack.
    environment: &'a str,
    /// When the alert was published, RFC 3339.
    timestamp: String,
}

impl<'a> RiskAlert<'a> {
    /// The alert of this analysis of `payment`.
    pub(crate) fn new(payment: &'a ArchivedPayment, analysis: &'a Analysis, environment: &'a str, now_ms: u64) -> Self {
        let provider = payment.provider.as_str();
        Self {
            kind: KIND,
            // The name of a provider has no `#`, so no two alerts share an id.
            alert_id: format!("{provider}#{}#{KIND}", payment.transaction_id),
            transaction_id: &payment.transaction_id,
            provider,
            amount: payment.amount.to_string(),
            currency: payment.currency.code(),
            customer_id: &payment.customer_id,
            risk_score: analysis.score,
            risk_level: analysis.level,
            factors: &analysis.factors,
            environment,
            timestamp: Timestamp::from_unix_milliseconds(now_ms).to_milliseconds_text(),
        }
    }

    /// The attributes for the filters of subscriptions.
    pub(crate) fn attributes(&self) -> [(&'static str, &str); 5] {
        [
            ("kind", self.kind),
            ("alert_id", &self.alert_id),
            ("risk_level", self.risk_level.as_str()),
            ("provider", self.provider),
            ("environment", self.environment),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::payment;
    use domain::payments::risk::{RecentPayment, assess};
    use serde_json::json;

    #[test]
    fn an_alert_has_its_payment_and_its_factors() {
        let payment = payment("T-1", "12000.50");
        let recent = ["T-a", "T-b", "T-c", "T-d"].map(|id| {
            let (amount, currency, received_at_ms) = (payment.amount, payment.currency, payment.received_at_ms - 1);
            RecentPayment { transaction_id: id.to_owned(), amount, currency, received_at_ms }
        });
        let analysis = assess(&crate::facts(&payment), &recent, None);
        let alert = RiskAlert::new(&payment, &analysis, "dev", 1_768_471_200_123);
        assert_eq!(
            serde_json::to_value(&alert).unwrap(),
            json!({
                "kind": "high_risk",
                "alert_id": "acme#T-1#high_risk",
                "transaction_id": "T-1",
                "provider": "acme",
                "amount": "12000.5",
                "currency": "EUR",
                "customer_id": "C 1",
                "risk_score": "0.840",
                "risk_level": "high_risk",
                "factors": [
                    {"factor": "high_amount", "weight": "0.300", "reason": "the amount is above 5000"},
                    {
                        "factor": "velocity",
                        "weight": "0.320",
                        "reason": "it is payment 5 of the customer within 10 minutes",
                    },
                    {
                        "factor": "repeated_amount",
                        "weight": "0.220",
                        "reason": "it is payment 5 of the customer with the same amount within 60 minutes",
                    },
                ],
                "environment": "dev",
                "timestamp": "2026-01-15T10:00:00.123Z",
            })
        );
        assert!(alert.attributes().iter().all(|(_, value)| !value.is_empty()), "SNS rejects an empty attribute");
    }
}
