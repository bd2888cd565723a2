//! Reads a payment from its item.

use super::Item;
use crate::failure::{Failure, FailureKind};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::payments::archive::ArchivedPayment;
use domain::payments::webhook::{EventType, PaymentStatus, Provider};
use domain::{ContentDigest, Currency, Money};
use serde::de::DeserializeOwned;

/// The payment in an item that is not a tombstone.
///
/// # Errors
/// The item is malformed. The failure has the name of the attribute and never its value.
pub fn stored(item: &Item) -> Result<ArchivedPayment, Failure> {
    let attributes = Attributes(item);
    let (currency, amount) = attributes.money()?;
    let payment = ArchivedPayment {
        transaction_id: attributes.required("transaction_id", string)?,
        provider: attributes.required("provider", |value| Provider::named(&string(value)?))?,
        event_type: attributes.required("type", |value| EventType::named(&string(value)?))?,
        amount,
        currency,
        amount_band: attributes.required("amount_band", structured)?,
        customer_id: attributes.required("customer_id", string)?,
        status: attributes.required("status", |value| PaymentStatus::parse(&string(value)?))?,
        received_at_ms: attributes.required("received_at_ms", integer)?,
        published_at_ms: attributes.optional("published_at_ms", integer)?,
        digest: attributes.required("digest", |value| ContentDigest::parse(&string(value)?))?,
        metadata: attributes.optional("metadata", string)?,
        additional: attributes.optional("additional", string)?,
        analysis: attributes.optional("analysis", structured)?,
    };
    // Both are written together.
    if payment.analysis.is_some() != (payment.status == PaymentStatus::Analyzed) {
        return Err(unreadable("analysis"));
    }
    Ok(payment)
}

/// The attributes of an item.
pub(super) struct Attributes<'i>(pub(super) &'i Item);

impl Attributes<'_> {
    pub(super) fn required<T>(&self, name: &str, read: impl Fn(&AttributeValue) -> Option<T>) -> Result<T, Failure> {
        self.0.get(name).and_then(read).ok_or_else(|| unreadable(name))
    }

    /// The currency and the amount, which an earlier list of currencies may have accepted.
    pub(super) fn money(&self) -> Result<(Currency, Money), Failure> {
        let amount = self.required("amount", |value| Money::known(value.as_n().ok()?.as_bytes()).ok())?;
        let currency = self.required("currency", |value| Currency::known(value.as_s().ok()?.as_bytes(), amount))?;
        Ok((currency, amount))
    }

    fn optional<T>(&self, name: &str, read: impl Fn(&AttributeValue) -> Option<T>) -> Result<Option<T>, Failure> {
        self.0.get(name).map(|value| read(value).ok_or_else(|| unreadable(name))).transpose()
    }
}

fn unreadable(name: &str) -> Failure {
    let detail = format!("an item of the payments table is malformed: {name}");
    Failure::new(FailureKind::InvalidInput, detail)
}

pub(super) fn string(value: &AttributeValue) -> Option<String> {
    value.as_s().ok().cloned()
}

pub(super) fn integer(value: &AttributeValue) -> Option<u64> {
    value.as_n().ok()?.parse().ok()
}

fn structured<T: DeserializeOwned>(value: &AttributeValue) -> Option<T> {
    serde_dynamo::from_attribute_value(value.clone()).ok()
}

#[cfg(test)]
mod tests {
    use super::super::item;
    use super::*;
    use domain::payments::risk::{PaymentFacts, assess};
    use domain::payments::webhook::{AmountBand, Payment};

    fn payment(amount: &str, more: &str) -> Payment {
        let body = format!(
            r#"{{"transaction_id":"T 1","amount":{amount},"currency":"EUR","provider":"acme","customer_id":"C#1"{more}}}"#
        );
        Payment::read(body.as_bytes()).unwrap()
    }

    #[test]
    fn a_payment_is_read_as_it_was_stored() {
        for (amount, more) in [
            ("12.50", r#","metadata":{ "rate": 1.000000000000000000001 },"fee":1e400"#),
            (r#""0.01""#, ""),
            ("99999999999999999999999999999999999999", r#","type":"refund.created""#),
        ] {
            let payment = payment(amount, more);
            let read = stored(&item(&payment, 1_768_471_200_123, 1_768_471_220_123)).unwrap();
            assert_eq!((read.transaction_id, read.provider), (payment.transaction_id, payment.provider));
            assert_eq!((read.event_type, read.customer_id), (payment.event_type, payment.customer_id));
            assert_eq!((read.amount, read.currency), (payment.amount, payment.currency));
            assert_eq!((read.amount_band, read.status), (AmountBand::of(payment.amount), PaymentStatus::Pending));
            assert_eq!((read.received_at_ms, read.published_at_ms), (1_768_471_200_123, None));
            assert_eq!((read.metadata, read.additional), (payment.metadata, payment.additional));
            assert_eq!((read.digest, read.analysis), (payment.digest, None));
        }
    }

    #[test]
    fn an_analysis_is_read_as_it_was_written() {
        let payment = payment("20000", "");
        let (transaction_id, currency) = (payment.transaction_id.as_str(), payment.currency);
        let facts =
            PaymentFacts { transaction_id, amount: payment.amount, currency, received_at_ms: 7, metadata: None };
        let analysis = assess(&facts, &[], None);
        assert!(!analysis.factors.is_empty());
        let mut item = item(&payment, 7, 8);
        item.insert("analysis".to_owned(), serde_dynamo::to_attribute_value(&analysis).unwrap());
        assert!(stored(&item).is_err(), "it is still pending");
        item.insert("status".to_owned(), AttributeValue::S("analyzed".to_owned()));
        assert_eq!(stored(&item).unwrap().analysis, Some(analysis));
    }

    #[test]
    fn reads_accepted_payments_even_if_rules_changed() {
        for (currency, amount) in [("HRK", "12.5"), ("QQQ", "12.5"), ("JPY", "12.505"), ("EUR", "12.505")] {
            let mut item = item(&payment("12.50", ""), 7, 8);
            item.insert("currency".to_owned(), AttributeValue::S(currency.to_owned()));
            item.insert("amount".to_owned(), AttributeValue::N(amount.to_owned()));
            item.insert("customer_id".to_owned(), AttributeValue::S(" C1 ".to_owned()));
            let read = stored(&item).unwrap();
            assert_eq!((read.currency.code(), read.amount.to_string().as_str()), (currency, amount));
            assert_eq!(read.customer_id, " C1 ");
        }
    }

    #[test]
    fn a_malformed_item_fails_with_the_name_of_its_attribute() {
        let valid = item(&payment("12.50", ""), 7, 8);
        let string = |text: &str| AttributeValue::S(text.to_owned());
        let number = |text: &str| AttributeValue::N(text.to_owned());
        for (name, value) in [
            ("amount", Some(number("4111E+2"))),
            ("amount", Some(string("12.50"))),
            ("amount", None),
            ("currency", Some(string("eur"))),
            ("provider", Some(string("ACME"))),
            ("type", Some(string("a b"))),
            ("amount_band", Some(string("4111"))),
            ("status", Some(string("4111"))),
            ("received_at_ms", Some(number("-4111"))),
            ("published_at_ms", Some(string("4111"))),
            ("digest", Some(string("4111"))),
            ("metadata", Some(number("4111"))),
            ("analysis", Some(string("4111"))),
        ] {
            let mut item = valid.clone();
            item.remove(name);
            item.extend(value.map(|value| (name.to_owned(), value)));
            let failure = stored(&item).unwrap_err();
            assert_eq!(failure.detail, format!("an item of the payments table is malformed: {name}"));
        }
    }
}
