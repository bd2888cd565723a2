//! Texts of one value: amounts, instants, days, currencies, control totals, schedules, names. An accepted value is written in a
//! canonical form that is read as the same value, and everything in the grammar is accepted.

use crate::decimal;
use crate::reading::arrival;
use domain::limits::AMOUNT_DIGITS_MAX;
use domain::payments::webhook::{EventType, Provider, Secret};
use domain::values::money::{AmountError, ControlSum};
use domain::{
    Caller, ContentDigest, ControlTotals, Currency, Day, DayShards, FileId, Money, Partner, Schedules, Timestamp,
    UploadRequest,
};
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The most decimals to test; no currency has more than four.
const PLACES_MAX: u8 = 5;

/// Reads a text as each kind of value.
pub fn check(bytes: &[u8]) {
    for places in (0..=PLACES_MAX).chain([u8::MAX]) {
        check_amount(bytes, places);
    }
    check_timestamp(bytes);
    check_control_totals(bytes);
    let _ = UploadRequest::read(bytes);
    if let Ok(currency) = Currency::parse(bytes) {
        assert_eq!(currency.code().as_bytes(), bytes);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        check_text(text);
    }
}

/// An amount is accepted if and only if it is a plain decimal with few enough digits, and then exactly.
fn check_amount(bytes: &[u8], places: u8) {
    let read = Money::parse(bytes, places);
    let exact = std::str::from_utf8(bytes).ok().and_then(|text| {
        let fits =
            decimal::decimals(text) <= usize::from(places) && decimal::significant_digits(text) <= AMOUNT_DIGITS_MAX;
        decimal::canonical(text).filter(|_| fits)
    });
    assert_eq!(read.map(|amount| amount.to_string()).ok(), exact, "{places} decimals");
    match read {
        Ok(amount) => {
            assert_eq!(Money::parse(amount.to_string().as_bytes(), places), Ok(amount));
            assert_eq!(amount.cmp(&Money::whole(0)).is_gt(), amount.is_positive());
        }
        Err(AmountError::TooManyDecimals(count)) => assert!(count > usize::from(places)),
        Err(AmountError::Malformed(reason)) => assert!(!reason.is_empty()),
        Err(_) => {}
    }
}

fn check_timestamp(bytes: &[u8]) {
    let Ok(at) = Timestamp::parse(bytes) else {
        return;
    };
    let text = at.to_string();
    assert_eq!(Timestamp::parse(text.as_bytes()), Ok(at));
    let theirs = std::str::from_utf8(bytes).ok().and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok());
    let theirs = theirs.expect("another parser accepts it, too");
    assert_eq!(at.unix_seconds(), theirs.unix_timestamp());
    assert_eq!(text[20..29], format!("{:09}", theirs.nanosecond()));
    let day = Day::of(at);
    assert_eq!(Day::parse(&day.to_string()), Some(day));
    assert!(DayShards::PAYMENTS.all(&at.day()).any(|shard| shard == DayShards::PAYMENTS.of(at, &text)));
}

/// Control totals are the same after they were stored, and the same from a form and from a body.
fn check_control_totals(bytes: &[u8]) {
    for (rows, totals) in [(Some(bytes), None), (None, Some(bytes))] {
        let Ok(control_totals) = ControlTotals::of_form(rows, totals) else {
            continue;
        };
        let stored = serde_json::to_string(&control_totals).expect("control totals can be stored");
        assert_eq!(serde_json::from_str::<ControlTotals>(&stored).ok().as_ref(), Some(&control_totals));
        let again = control_totals.totals.as_ref().map(|totals| json!(totals).to_string());
        assert_eq!(
            ControlTotals::of_form(None, again.as_deref().map(str::as_bytes)).map(|again| again.totals),
            Ok(control_totals.totals)
        );
    }
}

fn check_text(text: &str) {
    if let Some(day) = Day::parse(text) {
        assert_eq!(day.to_string(), text);
    }
    let schedules = Schedules::read(text);
    let parts = text.split(',').filter(|part| !part.trim().is_empty()).count();
    assert!(schedules.errors().len() + schedules.partners(Day::of(arrival())).count() <= parts);
    if let Ok(sum) = ControlSum::try_from(text.to_owned()) {
        assert_eq!(String::from(sum), text);
    }
    if let Ok(secret) = Secret::parse(text) {
        assert!(!format!("{secret:?}").contains(text), "a secret is not printed");
    }
    check_names(text);
}

fn check_names(text: &str) {
    assert!(FileId::parse(text).is_none_or(|id| id.as_str() == text));
    assert!(ContentDigest::parse(text).is_none_or(|digest| digest.to_bytes().len() == 32));
    assert!(EventType::named(text).is_none_or(|name| name.as_str() == text));
    assert!(Provider::named(text).is_none_or(|name| name.as_str() == text));
    let partner = Partner::of_api_key(text);
    assert_eq!(Partner::named(partner.as_str()), Some(partner.clone()), "the partner of any key has a name");
    let is_named = text.split_once('.').is_some_and(|(name, _)| name == partner.as_str());
    assert!(is_named || partner.as_str().starts_with("key-"), "a key is shown by its name or by a digest");
    let is_operator = text.strip_prefix("operator.").is_some_and(|secret| !secret.is_empty());
    assert_eq!(Caller::of_api_key(text) == Caller::Operator, is_operator);
}
