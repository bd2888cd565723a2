//! The body of a webhook, of any bytes: what our parser accepts is JSON with the same content for `serde_json`, and a payment
//! has exactly the values of its members.

use crate::decimal;
use domain::limits::{AMOUNT_DIGITS_MAX, JSON_DEPTH_MAX};
use domain::payments::webhook::{AmountBand, Payment, PaymentError};
use domain::values::json::{self, JsonRule, Kind, Value};
use num_bigint::BigInt;
use serde_json::value::RawValue;
use std::collections::HashMap;

/// Checks all properties of one body.
pub fn check(body: &[u8]) {
    let ours = json::parse(body);
    match &ours {
        Ok(value) => {
            let theirs: &RawValue = serde_json::from_slice(body).expect("what our parser accepts is JSON");
            check_same(value, theirs.get());
            check_canonical(value);
        }
        Err(error) => {
            assert!(error.byte <= body.len(), "{error:?}");
            check_rejected(body, error.rule);
        }
    }
    match Payment::read(body) {
        Ok(payment) => check_payment(&payment, &ours.expect("a payment is JSON")),
        Err(errors) => check_errors(body, &errors),
    }
}

/// Both parsers agree on every value, including all digits and escapes.
fn check_same(ours: &Value<'_>, theirs: &str) {
    assert_eq!(ours.text, theirs.trim(), "a value is as long for both");
    match &ours.kind {
        Kind::Null => assert_eq!(theirs, "null"),
        Kind::Bool => assert!(theirs == "true" || theirs == "false"),
        // Only as text, because a comparison as numbers would round them.
        Kind::Number => assert!(theirs.starts_with(|first: char| first == '-' || first.is_ascii_digit())),
        Kind::String(text) => assert_eq!(serde_json::from_str::<String>(theirs).ok().as_deref(), Some(&**text)),
        Kind::Array(values) => {
            let theirs: Vec<&RawValue> = serde_json::from_str(theirs).expect("an array");
            assert_eq!(values.len(), theirs.len());
            values.iter().zip(theirs).for_each(|(value, theirs)| check_same(value, theirs.get()));
        }
        Kind::Object(members) => {
            let theirs: HashMap<String, &RawValue> = serde_json::from_str(theirs).expect("an object");
            assert_eq!(members.len(), theirs.len(), "no name is repeated");
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

/// `serde_json` rejects what our parser rejects, except for what two parsers could understand differently.
fn check_rejected(body: &[u8], rule: JsonRule) {
    match rule {
        JsonRule::NameRepeated => {}
        JsonRule::TooDeep => {
            let opening = body.iter().filter(|byte| matches!(byte, b'[' | b'{')).count();
            assert!(opening > JSON_DEPTH_MAX);
        }
        _ => assert!(serde_json::from_slice::<serde_json::Value>(body).is_err(), "{rule:?}"),
    }
}

fn check_errors(body: &[u8], errors: &[PaymentError]) {
    assert!(!errors.is_empty(), "a rejected body has an error");
    for error in errors {
        assert!(error.byte.is_none_or(|byte| byte <= body.len()), "{error:?}");
        assert!(!error.reason.is_empty() && !error.code.fix().is_empty());
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
    let amount = string("amount").or_else(|| value("amount").map(|value| value.text)).expect("a payment has an amount");
    check_amount(payment, amount);
    check_written(payment);
}

/// The amount is exact, and its band is that of the number.
fn check_amount(payment: &Payment, text: &str) {
    let exact = decimal::canonical(text).expect("only a plain decimal is an amount");
    assert_eq!(payment.amount.to_string(), exact);
    assert!(!exact.starts_with('-') && exact != "0", "an amount is above zero");
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

/// Written from the stored values, by another serializer and in another order, it is the same payment with the same digest.
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
    let again = Payment::read(body.as_bytes()).expect("an accepted payment is accepted when it is written again");
    assert_eq!(again, *payment);
}
