//! The promises that the documents name are those that the trials judge.

use super::repository::files;
use crate::support::template::text_of;
use std::collections::BTreeSet;

const DOCUMENT: &str = "docs/developers/promises.md";

/// The names of an enum's variants.
fn variants(source: &str, name: &str) -> BTreeSet<String> {
    let (_, rest) = source.split_once(&format!("enum {name} {{")).unwrap();
    let (body, _) = rest.split_once("\n}").unwrap();
    let names = body.lines().map(str::trim).filter(|line| !line.starts_with("//"));
    names.filter_map(|line| line.strip_suffix(',')).map(str::to_owned).collect()
}

/// Code names in the first cell of a table's rows.
fn judged(document: &str) -> BTreeSet<String> {
    let rows = document.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| row.split_once('`')).map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn each_promise_is_described_and_has_its_judgments() {
    let source = files().into_iter().find(|path| path.ends_with("/trials/promise.rs")).unwrap();
    let promises = variants(&text_of(&source), "Promise");
    assert!(promises.len() > 10, "{promises:?}");
    let document = text_of(DOCUMENT);
    assert_eq!(judged(&document), promises);
    for promise in promises {
        assert!(document.contains(&format!("- **`{promise}`.** ")), "{promise} is not described");
    }
}
