//! The body of a webhook, of any bytes: what we take for JSON is JSON with the same content to `serde_json`, and a payment
//! means what its members say, exactly.

use crate::decimal;
use domain::limits::{AMOUNT_DIGITS_MAX, JSON_DEPTH_MAX};
use domain::payments::webhook::{AmountBand, Payment, PaymentError};
use domain::values::json::{self, JsonRule, Kind, Value};
use num_bigint::BigInt;
use serde_json::value::RawValue;
use std::collections::HashMap;

/// Holds everything against one body.
pub fn check(body: &[u8]) {
    let ours = json::parse(body);
    match &ours {
        Ok(value) => {
            let theirs: &RawValue = serde_json::from_slice(body).expect("what we take for JSON is JSON");
            check_same(value, theirs.get());
            check_canonical(value);
        }
        Err(fault) => {
            assert!(fault.byte <= body.len(), "{fault:?}");
            check_refused(body, fault.rule);
        }
    }
    match Payment::read(body) {
        Ok(payment) => check_payment(&payment, &ours.expect("a payment is JSON")),
        Err(faults) => check_faults(body, &faults),
    }
}

/// The two readers agree on every value, to the last digit and the last escape.
fn check_same(ours: &Value<'_>, theirs: &str) {
    assert_eq!(ours.text, theirs.trim(), "a value is as long for both");
    match &ours.kind {
        Kind::Null => assert_eq!(theirs, "null"),
        Kind::Bool => assert!(theirs == "true" || theirs == "false"),
        // Only as a text: to compare numbers somebody would have to round them.
        Kind::Number => assert!(theirs.starts_with(|first: char| first == '-' || first.is_ascii_digit())),
        Kind::String(text) => assert_eq!(serde_json::from_str::<String>(theirs).ok().as_deref(), Some(&**text)),
        Kind::Array(values) => {
            let theirs: Vec<&RawValue> = serde_json::from_str(theirs).expect("an array");
            assert_eq!(values.len(), theirs.len());
            values.iter().zip(theirs).for_each(|(value, theirs)| check_same(value, theirs.get()));
        }
        Kind::Object(members) => {
            let theirs: HashMap<String, &RawValue> = serde_json::from_str(theirs).expect("an object");
            assert_eq!(members.len(), theirs.len(), "no name stands twice");
            members.iter().for_each(|member| check_same(&member.value, theirs[&*member.name].get()));
        }
    }
}

/// The canonical text has the same content, and is its own canonical text.
fn check_canonical(value: &Value<'_>) {
    let mut text = String::new();
    value.write_canonical(&mut text);
    let again = json::parse(text.as_bytes()).expect("a canonical text is JSON");
    let mut second = String::new();
    again.write_canonical(&mut second);
    assert_eq!(text, second);
}

/// What we refuse `serde_json` refuses too, but for what two readers could understand differently.
fn check_refused(body: &[u8], rule: JsonRule) {
    match rule {
        JsonRule::NameRepeated => {}
        JsonRule::TooDeep => {
            let opening = body.iter().filter(|byte| matches!(byte, b'[' | b'{')).count();
            assert!(opening > JSON_DEPTH_MAX);
        }
        _ => assert!(serde_json::from_slice::<serde_json::Value>(body).is_err(), "{rule:?}"),
    }
}

fn check_faults(body: &[u8], faults: &[PaymentError]) {
    assert!(!faults.is_empty(), "a refused body has a fault");
    for fault in faults {
        assert!(fault.byte.is_none_or(|byte| byte <= body.len()), "{fault:?}");
        assert!(!fault.reason.is_empty() && !fault.code.fix().is_empty());
    }
}

fn check_payment(payment: &Payment, body: &Value<'_>) {
    let Kind::Object(members) = &body.kind else {
        panic!("a payment is an object");
    };
    let value = |name: &str| members.iter().find(|member| member.name == name).map(|member| &member.value);
    let string = |name: &str| match value(name).map(|value| &value.kind) {
        Some(Kind::String(text)) => Some(&**text),
        _ => None,
    };
    assert_eq!(string("transaction_id"), Some(payment.transaction_id.as_str()));
    assert_eq!(string("customer_id"), Some(payment.customer_id.as_str()));
    assert_eq!(string("provider"), Some(payment.provider.as_str()));
    assert_eq!(string("currency"), Some(payment.currency.code()));
    assert_eq!(string("type").unwrap_or("transaction.created"), payment.event_type.as_str());
    assert_eq!(value("metadata").map(|value| value.text), payment.metadata.as_deref());
    let amount = string("amount").or_else(|| value("amount").map(|value| value.text)).expect("it is there");
    check_amount(payment, amount);
    check_written(payment);
}

/// The amount is the one that stands there, and its band is that of the number.
fn check_amount(payment: &Payment, text: &str) {
    let exact = decimal::canonical(text).expect("only a plain decimal is an amount");
    assert_eq!(payment.amount.to_string(), exact);
    assert!(!exact.starts_with('-') && exact != "0", "only what is above zero is paid");
    assert!(decimal::significant_digits(text) <= AMOUNT_DIGITS_MAX);
    let places = decimal::decimals(&exact);
    assert!(places <= usize::from(payment.currency.decimals()));
    let above = |whole: u32| {
        decimal::units(&exact, places) > BigInt::from(whole) * BigInt::from(10).pow(u32::try_from(places).expect("few"))
    };
    let at_least = |whole: u32| {
        decimal::units(&exact, places)
            >= BigInt::from(whole) * BigInt::from(10).pow(u32::try_from(places).expect("few"))
    };
    let band = if above(10_000) {
        "high"
    } else if at_least(1_000) {
        "medium"
    } else {
        "low"
    };
    assert_eq!(AmountBand::of(payment.amount).as_str(), band);
}

/// Written again from what we keep, by another writer and in another order, it is the same payment: the same values, and the
/// same content by its digest.
fn check_written(payment: &Payment) {
    let mut body = serde_json::json!({
        "type": payment.event_type.as_str(),
        "customer_id": payment.customer_id,
        "provider": payment.provider.as_str(),
        "currency": payment.currency.code(),
        "amount": payment.amount.to_string(),
        "transaction_id": payment.transaction_id,
    })
    .to_string();
    for (name, object) in [("\"metadata\":", &payment.metadata), ("", &payment.additional)] {
        if let Some(object) = object {
            let members = if name.is_empty() { &object[1..object.len() - 1] } else { object };
            body.truncate(body.len() - 1);
            body.push_str(&format!(", {name}{members} }}"));
        }
    }
    let again = Payment::read(body.as_bytes()).expect("what was accepted is accepted when it is written again");
    assert_eq!(again, *payment);
}
