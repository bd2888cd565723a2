//! The profile of a customer, which remains after its payments were archived.

use super::PaymentFacts;
use super::factor::PROFILE_FIELDS;
use crate::limits::PROFILE_VALUES_MAX;
use crate::values::digest::hex;
use crate::values::json::{self, Kind};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The moment of a payment. Payments in the same millisecond are ordered by their ids, so that the order is total.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Moment {
    /// When it was received, in milliseconds since 1970.
    pub received_at_ms: u64,
    /// Its id.
    pub transaction_id: String,
}

/// What is known about a customer: since when, and the values of a few fields of the metadata of its payments.
///
/// Everything has the moment of its payment, so that an assessment is the same before and after its payment was
/// [seen](Self::seen), for example when a workflow is retried.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct CustomerProfile {
    /// The customer's first payment.
    pub first_seen: Option<Moment>,
    /// The values by field, at most [`PROFILE_VALUES_MAX`] each.
    pub values: BTreeMap<String, Vec<KnownValue>>,
}

/// A value that a customer's payments have had.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct KnownValue {
    /// Sixteen hexadecimal digits of its SHA-256: enough to recognize the value without storing it.
    pub fingerprint: String,
    /// The first payment that had it.
    pub first_seen: Moment,
    /// The last payment that had it.
    pub last_seen: Moment,
}

impl CustomerProfile {
    /// The profile after `payment`. The same payment again changes nothing. Beyond the limit, the values seen least
    /// recently are removed.
    #[must_use]
    pub fn seen(&self, payment: &PaymentFacts<'_>) -> Self {
        let moment = payment.moment();
        let mut profile = self.clone();
        let first_seen = profile.first_seen.take().map_or(moment.clone(), |first| first.min(moment.clone()));
        profile.first_seen = Some(first_seen);
        for (field, fingerprint) in fingerprints(payment.metadata) {
            let values = profile.values.entry(field.to_owned()).or_default();
            match values.iter_mut().find(|value| value.fingerprint == fingerprint) {
                Some(value) => {
                    value.first_seen = value.first_seen.clone().min(moment.clone());
                    value.last_seen = value.last_seen.clone().max(moment.clone());
                }
                None => {
                    values.push(KnownValue { fingerprint, first_seen: moment.clone(), last_seen: moment.clone() });
                }
            }
            values.sort_by(|one, other| other.last_seen.cmp(&one.last_seen));
            values.truncate(PROFILE_VALUES_MAX);
        }
        profile
    }

    /// Whether the customer was known before `moment`.
    pub(super) fn was_known_before(&self, moment: &Moment) -> bool {
        self.first_seen.as_ref().is_some_and(|first| first < moment)
    }

    /// The fields of `metadata` that had other values, and not this one, before `moment`.
    pub(super) fn mismatches(&self, metadata: Option<&str>, moment: &Moment) -> Vec<&'static str> {
        fingerprints(metadata)
            .into_iter()
            .filter(|(field, fingerprint)| {
                let values = self.values.get(*field).map(Vec::as_slice).unwrap_or_default();
                let mut before = values.iter().filter(|value| value.first_seen < *moment).peekable();
                before.peek().is_some() && before.all(|value| value.fingerprint != *fingerprint)
            })
            .map(|(field, _)| field)
            .collect()
    }
}

/// The fields of `metadata` that a profile keeps, each with the fingerprint of its value. Only strings, numbers and
/// booleans count.
fn fingerprints(metadata: Option<&str>) -> Vec<(&'static str, String)> {
    let parsed = metadata.and_then(|text| json::parse(text.as_bytes()).ok());
    let Some(Kind::Object(members)) = parsed.map(|value| value.kind) else {
        return Vec::new();
    };
    PROFILE_FIELDS
        .into_iter()
        .filter_map(|field| {
            let value = &members.iter().find(|member| member.name == field)?.value;
            if matches!(value.kind, Kind::Null | Kind::Array(_) | Kind::Object(_)) {
                return None;
            }
            let mut text = String::new();
            value.write_canonical(&mut text);
            Some((field, hex(&Sha256::digest(format!("{field}\n{text}")))[..16].to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Currency, Money};

    fn payment<'a>(transaction_id: &'a str, received_at_ms: u64, metadata: Option<&'a str>) -> PaymentFacts<'a> {
        let currency = Currency::parse(b"EUR").unwrap();
        PaymentFacts { transaction_id, amount: Money::whole(1), currency, received_at_ms, metadata }
    }

    #[test]
    fn a_profile_learns_once_and_stores_no_values() {
        let first = payment("T1", 5, Some(r#"{"country":"CH","device_id":17,"note":"x"}"#));
        let profile = CustomerProfile::default().seen(&first);
        assert_eq!(profile.seen(&first), profile);
        assert_eq!(profile.values.keys().collect::<Vec<_>>(), ["country", "device_id"]);
        assert!(!format!("{profile:?}").contains("CH"));
        let text = serde_json::to_string(&profile).unwrap();
        assert_eq!(serde_json::from_str::<CustomerProfile>(&text).unwrap(), profile);
        let earlier = profile.seen(&payment("T0", 3, None));
        assert_eq!(earlier.first_seen, Some(Moment { received_at_ms: 3, transaction_id: "T0".to_owned() }));
        assert_eq!(earlier.values, profile.values);
    }

    #[test]
    fn a_profile_is_bounded_and_forgets_the_oldest_values() {
        let metadata: Vec<_> = (0..20).map(|country| format!("{{\"country\":\"{country}\"}}")).collect();
        let mut profile = CustomerProfile::default();
        for (at, metadata) in (0_u64..).zip(&metadata) {
            profile = profile.seen(&payment("T", at, Some(metadata)));
            profile = profile.seen(&payment("U", at, Some(r#"{"country":"home"}"#)));
        }
        assert_eq!(profile.values["country"].len(), PROFILE_VALUES_MAX);
        let last = payment("V", 100, None).moment();
        for remembered in [metadata[19].as_str(), r#"{"country":"home"}"#] {
            assert_eq!(profile.mismatches(Some(remembered), &last), [""; 0]);
        }
        assert_eq!(profile.mismatches(Some(&metadata[0]), &last), ["country"]);
        assert_eq!(profile.seen(&payment("T", 0, Some(&metadata[0]))), profile);
    }

    #[test]
    fn only_plain_values_of_known_fields_count() {
        for (metadata, fields) in [
            (None, 0),
            (Some("{}"), 0),
            (Some("not json"), 0),
            (Some(r#"{"country":null,"device_id":[1],"ip_country":{}}"#), 0),
            (Some(r#"{"country":"CH","device_id":1,"ip_country":true,"Country":"x"}"#), 3),
        ] {
            assert_eq!(fingerprints(metadata).len(), fields, "{metadata:?}");
        }
        let one = |text: &str| fingerprints(Some(text))[0].1.clone();
        assert_eq!(one(r#"{"country":"CH"}"#), one(r#"{ "co\u0075ntry" : "\u0043H" }"#));
        assert_ne!(one(r#"{"country":"CH"}"#), one(r#"{"country":"ch"}"#));
        assert_ne!(one(r#"{"device_id":"1"}"#), one(r#"{"device_id":1}"#));
        assert_ne!(one(r#"{"country":"CH"}"#), one(r#"{"ip_country":"CH"}"#));
    }
}
