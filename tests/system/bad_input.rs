//! The contract of bad input: `tests/data/bad-input/` has its clauses, and for each the requests and the outcomes.
//! Every case goes through the real interface. A rejection must not be a 5xx, repeat nothing of the request, leave
//! nothing in a table, and not affect the next request.

mod deliveries;
mod files;
mod recipe;
mod requests;
mod suites;

use crate::support::template::text_of;
use domain::csv::ErrorCode;
use domain::payments::webhook::PaymentErrorCode;
use futures::{FutureExt, StreamExt};
use serde_json::Value;
use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;

/// The parts of the contract, each a file of clauses.
const PARTS: [&str; 7] = ["encoding", "structure", "amounts", "timestamps", "identity", "multipart", "webhooks"];

/// A text that every valid record and payment has. No response may repeat it.
const CARD: &str = "4111111111111111";

const CASES_AT_ONCE: usize = 12;

/// A file with so many rows takes minutes here; the domain's own tests, with a smaller bound, cover it.
const ONLY_IN_THE_DOMAIN: ErrorCode = ErrorCode::TooManyRows;

fn text_of_part(part: &str) -> String {
    text_of(&format!("tests/data/bad-input/{part}.json"))
}

/// The clauses of a part.
fn clauses(part: &str) -> Vec<Value> {
    let data: Value = serde_json::from_str(&text_of_part(part)).unwrap_or_else(|error| panic!("{part}: {error}"));
    data["clauses"].as_array().unwrap().clone()
}

/// A case's name, or what its values are.
fn what_of(case: &Value) -> String {
    let of_values = || {
        let outcome = case["code"].as_str().unwrap_or("stored");
        format!("{outcome} in {}", case["column"].as_str().unwrap())
    };
    case["name"].as_str().map_or_else(of_values, str::to_owned)
}

/// The cases of a part, each with the name of its clause and its own.
fn cases(part: &str) -> Vec<(String, Value)> {
    let of_clause = |clause: &Value| {
        let id = clause["id"].as_str().unwrap().to_owned();
        let named = move |case: &Value| (format!("{id}, {}", what_of(case)), case.clone());
        clause["cases"].as_array().unwrap().iter().map(named).collect::<Vec<_>>()
    };
    clauses(part).iter().flat_map(of_clause).collect()
}

/// The texts of a list.
fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().map(|text| text.as_str().unwrap())
}

/// The status of a case's response, and its code; no code where it is no rejection.
fn expected_response(case: &Value) -> (u16, &str) {
    let (status, code) =
        case["response"].as_str().unwrap().split_once(' ').unwrap_or((case["response"].as_str().unwrap(), ""));
    (status.parse().unwrap(), code)
}

/// Runs all cases, some at the same time, and reports all deviations at once; a case that panics is one.
async fn all<T>(cases: impl IntoIterator<Item = (String, T)>, run: impl AsyncFn(T) -> Vec<String>) {
    let run = &run;
    let deviations: Vec<String> = futures::stream::iter(cases)
        .map(async |(what, case)| {
            let ended = AssertUnwindSafe(run(case)).catch_unwind().await;
            let deviations = ended.unwrap_or_else(|_| vec!["it panicked; see above".to_owned()]);
            deviations.into_iter().map(|deviation| format!("{what}: {deviation}")).collect::<Vec<_>>()
        })
        .buffer_unordered(CASES_AT_ONCE)
        .concat()
        .await;
    assert!(deviations.is_empty(), "{} deviations:\n{}", deviations.len(), deviations.join("\n"));
}

/// The rules that are broken.
fn broken(rules: impl IntoIterator<Item = (bool, String)>) -> Vec<String> {
    rules.into_iter().filter(|(kept, _)| !kept).map(|(_, how)| how).collect()
}

#[test]
fn each_clause_has_an_id_a_rule_and_a_case() {
    let mut ids = BTreeSet::new();
    for part in PARTS {
        for clause in clauses(part) {
            let id = clause["id"].as_str().unwrap().to_owned();
            assert!(clause["rule"].as_str().is_some_and(|rule| rule.ends_with(['.', ')'])), "{id} has no rule");
            assert!(!clause["cases"].as_array().unwrap().is_empty(), "{id} has no case");
            assert!(ids.insert(id.clone()), "{id} is there twice");
        }
    }
    let mut names = BTreeSet::new();
    for (what, case) in PARTS.iter().flat_map(|part| cases(part)) {
        assert!(names.insert(what.clone()), "two cases are named {what}: {case}");
    }
}

/// A new rule of the format, or of payments, needs a case here, in addition to the domain's own tests.
#[test]
fn every_code_has_a_case() {
    let of_files = PARTS.map(text_of_part).join("\n") + &text_of("tests/system/control_totals.rs");
    assert!(text_of("domain/src/csv/validator/tests.rs").contains(ONLY_IN_THE_DOMAIN.as_str()));
    let has = |code: &str| of_files.split(['"', ' ']).any(|word| word == code);
    for code in ErrorCode::ALL.iter().filter(|code| **code != ONLY_IN_THE_DOMAIN) {
        assert!(has(code.as_str()), "no file is rejected with {}", code.as_str());
    }
    let webhooks = text_of_part("webhooks");
    for code in PaymentErrorCode::ALL.iter().map(|code| code.as_str()) {
        assert!(webhooks.split(['"', ' ']).any(|word| word == code), "no payment is rejected with {code}");
    }
}
