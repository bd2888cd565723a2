//! JSONTestSuite, file by file: what must be accepted, what must be rejected, and our decision where the suite allows
//! both.

use super::*;
use crate::suites::{bytes_of, suite};
use std::collections::BTreeMap;

/// Our decisions: the error code of a rejected file, or none for an accepted one.
fn decisions() -> BTreeMap<String, Option<String>> {
    let mut decisions = BTreeMap::new();
    for decision in suite("json-test-suite-decisions")["decisions"].as_array().unwrap() {
        assert!(decision["because"].as_str().is_some_and(|because| !because.is_empty()), "{decision}");
        let code = decision["code"].as_str().map(str::to_owned);
        let names = decision[if code.is_some() { "refused" } else { "accepted" }].as_array().unwrap();
        for name in names.iter().map(|name| name.as_str().unwrap()) {
            assert!(decisions.insert(name.to_owned(), code.clone()).is_none(), "{name} is decided twice");
        }
    }
    decisions
}

/// The code of a body's only error, if its JSON has one.
fn json_error_of(body: &[u8]) -> Option<String> {
    let error = json::parse(body).err()?;
    let errors = Payment::read(body).unwrap_err();
    assert_eq!(errors, [json_error(error)], "{}", body.escape_ascii());
    assert!(error.byte <= body.len());
    Some(errors[0].code.as_str().to_owned())
}

/// A valid payment with this value in its metadata.
fn with_metadata(value: &[u8]) -> Vec<u8> {
    let members: &[u8] =
        br#"{"transaction_id":"T1","amount":1,"currency":"EUR","provider":"acme","customer_id":"C1","metadata":{"v":"#;
    [members, value, b"}}"].concat()
}

#[test]
fn every_file_is_handled_as_the_suite_or_our_decision_says() {
    let (suite, decisions) = (suite("json-test-suite"), decisions());
    let files = suite["files"].as_object().unwrap();
    let count = |prefix: &str| files.keys().filter(|name| name.starts_with(prefix)).count();
    assert_eq!((count("y_"), count("n_"), count("i_")), (95, 188, 35), "the suite is complete");
    for (name, file) in files {
        let body = bytes_of(file);
        let found = json_error_of(&body);
        match decisions.get(name) {
            Some(decided) => assert_eq!(&found, decided, "{name}"),
            None if name.starts_with("y_") => assert_eq!(found, None, "{name}"),
            None => assert!(name.starts_with("n_") && found.is_some(), "{name} is undecided or accepted"),
        }
        // None of them is a payment. As a value in a payment, it is kept unchanged or rejected with the payment.
        assert!(Payment::read(&body).is_err(), "{name}");
        let whole = with_metadata(&body);
        match Payment::read(&whole) {
            Ok(payment) => {
                assert_eq!(found, None, "{name} is accepted inside a payment");
                assert_eq!(payment.metadata.unwrap().into_bytes(), [&b"{\"v\":"[..], &body, b"}"].concat(), "{name}");
            }
            Err(_) => assert!(found.is_some(), "{name} is rejected inside a payment"),
        }
    }
}

#[test]
fn every_decision_is_about_a_file_that_needs_one() {
    let (suite, decisions) = (suite("json-test-suite"), decisions());
    let files = suite["files"].as_object().unwrap();
    for name in decisions.keys() {
        assert!(files.contains_key(name) && !name.starts_with("n_"), "{name} needs no decision");
    }
    for name in files.keys().filter(|name| name.starts_with("i_")) {
        assert!(decisions.contains_key(name), "{name} needs a decision");
    }
}
