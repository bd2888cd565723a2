//! The interfaces to the state machine.

use super::*;
use domain::payments::webhook::{AmountBand, EventType, PaymentStatus, Provider};
use domain::{ContentDigest, Currency, Money};
use serde_json::{Value, json};

pub(crate) fn payment(transaction_id: &str, amount: &str) -> ArchivedPayment {
    let currency = Currency::parse(b"EUR").unwrap();
    let amount = Money::parse(amount.as_bytes(), currency.decimals()).unwrap();
    ArchivedPayment {
        transaction_id: transaction_id.to_owned(),
        provider: Provider::named("acme").unwrap(),
        event_type: EventType::default(),
        amount,
        currency,
        amount_band: AmountBand::of(amount),
        customer_id: "C 1".to_owned(),
        status: PaymentStatus::Pending,
        received_at_ms: 1_768_471_200_123,
        published_at_ms: None,
        digest: ContentDigest::of(b""),
        metadata: None,
        additional: None,
        analysis: None,
    }
}

#[test]
fn the_detail_of_an_event_is_a_task() {
    let detail = json!({
        "transaction_id": "T1", "provider": "acme", "amount": "12000.5", "amount_band": "high", "currency": "EUR",
        "customer_id": "C 1", "published_at": "2026-01-15T10:00:00.123Z",
    });
    let task: AssessTask = serde_json::from_value(detail).unwrap();
    assert_eq!((task.transaction_id.as_str(), task.provider.as_str()), ("T1", "acme"));
}

#[test]
fn the_output_has_names_and_strings() {
    let (transaction_id, provider) = ("T1".to_owned(), "acme".to_owned());
    let Analysis { score, level, factors } = risk::assess(&facts(&payment("T1", "12000")), &[], None);
    let assessed = Assessment::Assessed {
        transaction_id: transaction_id.clone(),
        provider: provider.clone(),
        risk_score: score,
        risk_level: level,
        factors: factors.into_iter().map(|finding| finding.factor).collect(),
        alerted: false,
    };
    let expected: Value = json!({
        "outcome": "assessed", "transaction_id": "T1", "provider": "acme", "risk_score": "0.540",
        "risk_level": "medium_risk", "factors": ["high_amount", "first_transaction", "round_amount"], "alerted": false,
    });
    assert_eq!(serde_json::to_value(assessed).unwrap(), expected);
    let gone = serde_json::to_value(Assessment::Gone { transaction_id, provider }).unwrap();
    assert_eq!(gone, json!({"outcome": "gone", "transaction_id": "T1", "provider": "acme"}));
}
