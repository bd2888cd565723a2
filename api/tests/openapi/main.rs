//! Writes `openapi/openapi.json`, the description of both APIs, from the tables of routes and problems and the schemas here,
//! and holds the file against them.
//!
//! `UPDATE_OPENAPI=1 cargo test -p api --test openapi` writes it anew.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that meets the unexpected has to stop there and then"
)]

mod bodies;
mod document;
#[path = "../errors_page/rejections.rs"]
#[expect(dead_code, reason = "the page of errors also shows what was sent")]
mod rejections;
mod schemas;

use api::routes::{self, Content};
use serde_json::Value;
use std::collections::BTreeSet;

#[test]
fn the_file_is_the_document_of_the_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../openapi/openapi.json");
    let expected = format!("{:#}\n", document::whole());
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    let differs = found.lines().zip(expected.lines()).find(|(found, expected)| found != expected);
    assert!(
        found == expected,
        "openapi/openapi.json is not what the code says. Write it anew: UPDATE_OPENAPI=1 cargo test -p api --test openapi. \
         The first line that differs: {differs:?}"
    );
}

/// Every place that the document refers to.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_to_a_component_and_every_schema_is_used() {
    let document = document::whole();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    for place in &found {
        assert!(document.pointer(place.trim_start_matches('#')).is_some(), "{place}");
    }
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        assert!(found.contains(&format!("#/components/schemas/{name}")), "{name} is not used");
    }
}

#[test]
fn every_json_body_has_an_example() {
    for (_, route) in routes::all() {
        let has_example = |examples: Value| examples.as_object().is_some_and(|examples| !examples.is_empty());
        assert_eq!(route.request.is_some(), has_example(bodies::of_requests(route.id)), "{route}");
        let is_json = matches!(route.response, Content::Json(_));
        assert_eq!(is_json, has_example(bodies::of_responses(route.id)), "{route}");
    }
}
