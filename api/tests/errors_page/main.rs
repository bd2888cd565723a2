//! Writes the page that explains every code, as `docs/reference/errors.md` and as the page of `GET /errors`, and holds
//! both against the tables and rules of the code.
//!
//! `UPDATE_ERRORS_PAGE=1 cargo test -p api --test errors_page` writes them anew.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that meets the unexpected has to stop there and then"
)]

mod content;
mod files;
mod html;
mod markdown;
mod payments;
mod rejections;

use api::Code;
use domain::csv::ErrorCode;
use domain::payments::webhook::PaymentErrorCode;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// The page in the docs.
const IN_DOCS: &str = "docs/reference/errors.md";
/// The page that a stack serves.
const SERVED: &str = "api/src/reference/errors.html";

fn path_of(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// Writes a generated file when it is asked to, and else wants it to be what would be written.
fn check(path: &str, expected: &str) {
    if std::env::var_os("UPDATE_ERRORS_PAGE").is_some() {
        std::fs::write(path_of(path), expected).unwrap();
    }
    let found = std::fs::read_to_string(path_of(path)).unwrap_or_default();
    let differs = found.lines().zip(expected.lines()).find(|(found, expected)| found != expected);
    assert!(
        found == expected,
        "{path} is not what the code says. Write it anew: UPDATE_ERRORS_PAGE=1 cargo test -p api --test \
         errors_page. The first line that differs: {differs:?}"
    );
}

#[test]
fn the_page_in_the_docs_is_that_of_the_code() {
    check(IN_DOCS, &markdown::page(&content::sections()));
}

#[test]
fn the_page_that_is_served_is_that_of_the_code() {
    check(SERVED, &html::page(&content::sections()));
}

#[test]
fn every_code_has_an_example_and_no_example_is_of_another() {
    fn same<'a>(codes: impl Iterator<Item = &'a str>, examples: impl Iterator<Item = &'a str>) {
        assert_eq!(codes.collect::<BTreeSet<_>>(), examples.collect::<BTreeSet<_>>());
    }
    same(Code::ALL.iter().map(|code| code.as_str()), rejections::EXAMPLES.iter().map(|example| example.code.as_str()));
    same(ErrorCode::ALL.iter().map(|code| code.as_str()), files::EXAMPLES.iter().map(|(code, _)| *code));
    same(PaymentErrorCode::ALL.iter().map(|code| code.as_str()), payments::EXAMPLES.iter().map(|(code, _)| *code));
}

/// A message that the code no longer has would mislead: each begins with words of the sources.
#[test]
fn messages_are_those_of_the_sources() {
    const WORDS_CHARS: usize = 24;
    let mut sources = std::fs::read_to_string(path_of("template.yaml")).unwrap();
    for directory in [
        "functions/csv-validator/src/api",
        "functions/csv-validator/src/api/upload",
        "functions/webhook-validator/src",
        "api/src",
        "api/src/routes",
    ] {
        for entry in std::fs::read_dir(path_of(directory)).unwrap().map(|entry| entry.unwrap().path()) {
            sources += &std::fs::read_to_string(entry).unwrap_or_default();
        }
    }
    let sources: String = sources.replace("\\\n", "").split_whitespace().collect::<Vec<_>>().join(" ");
    for rejections::Example { code, message, .. } in rejections::EXAMPLES {
        let words: String = message.replace('"', "\\\"").chars().take(WORDS_CHARS).collect();
        assert!(sources.contains(&words), "{code:?}: no source has {words:?}");
    }
}

#[test]
fn every_code_has_an_anchor_of_its_own() {
    let sections = content::sections();
    let entries: Vec<_> = sections.iter().flat_map(|section| &section.entries).collect();
    let anchors: BTreeSet<&str> = entries.iter().map(|entry| entry.anchor.as_str()).collect();
    assert_eq!(anchors.len(), entries.len());
    assert!(entries.iter().all(|entry| anchors.contains(entry.code)), "each code by itself leads somewhere");
}
