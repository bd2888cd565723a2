//! The valid histories of a file.

use crate::support::upload::number;
use serde_json::{Value, json};

/// The valid transitions within an attempt.
const TRANSITIONS: [(&str, &[&str]); 10] = [
    ("awaiting_upload", &["validating", "validation_failed"]),
    ("validating", &["validated", "validation_failed"]),
    ("validated", &["processing", "processing_failed"]),
    ("processing", &["processed", "processing_failed"]),
    ("processed", &["notifying", "notification_failed"]),
    ("notifying", &["completed", "notification_failed"]),
    ("completed", &[]),
    ("validation_failed", &[]),
    ("processing_failed", &[]),
    ("notification_failed", &[]),
];

/// What is wrong with the history of a rejected or completed file, for which its sender requested so many reprocesses;
/// none if it is valid.
pub(super) fn fault(history: &Value, is_rejected: bool, reprocesses: usize) -> Option<String> {
    let entries = history.as_array().filter(|entries| !entries.is_empty()).map(Vec::as_slice).unwrap_or_default();
    let last = if is_rejected { "validation_failed" } else { "completed" };
    if entries.last().is_none_or(|entry| entry["status"] != last) {
        return Some(format!("it does not end as {last}"));
    }
    let first = &entries[0];
    if number(&first["attempt"]) != 1 || !begins(first) {
        return Some("its beginning is missing".to_owned());
    }
    let again = entries.windows(2).filter(|pair| is_again(&pair[0], &pair[1])).count();
    if again > reprocesses {
        return Some(format!("it was processed again {again} times, and that was requested {reprocesses} times"));
    }
    entries.windows(2).find_map(|pair| fault_between(&pair[0], &pair[1]))
}

/// Whether a completed file begins another attempt here.
fn is_again(before: &Value, after: &Value) -> bool {
    before["status"] == "completed" && number(&after["attempt"]) == number(&before["attempt"]) + 1
}

fn fault_between(before: &Value, after: &Value) -> Option<String> {
    let attempts = (number(&before["attempt"]), number(&after["attempt"]));
    let (from, to) = (before["status"].as_str()?, after["status"].as_str()?);
    let is_allowed = if attempts.0 == attempts.1 {
        TRANSITIONS.iter().any(|(status, next)| *status == from && next.contains(&to))
    } else {
        // Only an ended attempt is followed by another, with the next number.
        attempts.1 == attempts.0 + 1 && (from.ends_with("_failed") || from == "completed") && begins(after)
    };
    (!is_allowed).then(|| format!("{from} of attempt {} is followed by {to} of attempt {}", attempts.0, attempts.1))
}

/// Whether an attempt may begin with this: created, received by the API, or read by the workflow.
fn begins(entry: &Value) -> bool {
    ["awaiting_upload", "validating"].iter().any(|status| entry["status"] == *status)
}

#[test]
fn finds_a_history_with_a_gap_or_a_step_back() {
    let history = |entries: &[(u64, &str)]| {
        let entries = entries.iter().map(|(attempt, status)| json!({"attempt": attempt.to_string(), "status": status}));
        Value::Array(entries.collect())
    };
    let whole =
        ["validating", "validated", "processing", "processed", "notifying", "completed"].map(|status| (1, status));
    assert_eq!(fault(&history(&whole), false, 0), None);
    assert!(fault(&history(&whole), true, 0).is_some());
    assert!(fault(&json!([]), false, 0).is_some());
    for index in 0..whole.len() {
        let mut gap = whole.to_vec();
        gap.remove(index);
        assert!(fault(&history(&gap), false, 0).is_some(), "without {}", whole[index].1);
        let mut back = whole.to_vec();
        back.insert(index, whole[5 - index]);
        assert!(fault(&history(&back), false, 0).is_some(), "{back:?}");
    }
    let again =
        [(1, "validating"), (1, "validated"), (1, "processing_failed"), (2, "validating"), (2, "validation_failed")];
    assert_eq!(fault(&history(&again), true, 0), None);
    let twice = [whole.to_vec(), whole.map(|(_, status)| (2, status)).to_vec()].concat();
    assert_eq!(fault(&history(&twice), false, 1), None);
    assert!(fault(&history(&twice), false, 0).is_some(), "nobody requested it");
}
