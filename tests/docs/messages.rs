//! The messages that the documents show are those of the code, and so are the factors of a risk score.

use crate::support::template::text_of;
use domain::payments::risk::RiskFactor;
use domain::{FileId, FileStatus};
use notification_sender::missing::{FILE_MISSING, MissingFile};
use notification_sender::notification::{Notification, OBJECT_REJECTED, ObjectRejected};
use notification_sender::reconciliation::{FILE_UNFINISHED, FileUnfinished};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const PAGE: &str = "docs/reference/events-and-messages.md";
const FILE_ID: &str = "985edebedbea3164b836f93ccfc83cb2";

/// The JSON below a heading of a page.
fn shown(page: &str, heading: &str) -> Value {
    let text = text_of(page);
    let (_, section) = text.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("{page} lacks {heading}"));
    let (_, block) = section.split_once("```json\n").unwrap();
    let json = block.split_once("```").unwrap().0;
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{page}, {heading}: {error}"))
}

/// A member of what a page shows, as text.
fn text<'v>(shown: &'v Value, member: &str) -> &'v str {
    shown[member].as_str().unwrap_or_else(|| panic!("{member} in {shown}"))
}

#[test]
fn the_outcome_of_a_file_is_shown_as_it_is_published() {
    for (page, heading) in [(PAGE, "### Outcome of a file"), ("docs/partners/notifications.md", "")] {
        let shown = shown(page, heading);
        let totals = shown["totals"].as_object().unwrap();
        let published = Notification {
            notification_id: Notification::id(&FileId::try_from(FILE_ID.to_owned()).unwrap(), 1, FileStatus::Completed),
            file_id: FILE_ID.to_owned(),
            partner: "acme".to_owned(),
            attempt: 1,
            status: FileStatus::Completed,
            records_processed: 12,
            rows_superseded: 0,
            rows_replaced: 0,
            replaced_files: std::collections::BTreeMap::new(),
            totals: totals.iter().map(|(code, sum)| (code.clone(), sum.as_str().unwrap().to_owned())).collect(),
            timestamp: text(&shown, "timestamp").to_owned(),
            environment: "dev".to_owned(),
        };
        assert_eq!(serde_json::to_value(published).unwrap(), shown, "{page}");
    }
}

#[test]
fn the_other_messages_of_files_are_shown_as_they_are_published() {
    let rejected = shown(PAGE, "### `object_rejected`");
    let published = ObjectRejected {
        notification_id: text(&rejected, "notification_id").to_owned(),
        key: "incoming/somebody/day.csv".to_owned(),
        partner: "somebody".to_owned(),
        status: OBJECT_REJECTED,
        reason: "unknown_partner",
        timestamp: text(&rejected, "timestamp").to_owned(),
        environment: "dev".to_owned(),
    };
    assert_eq!(serde_json::to_value(published).unwrap(), rejected);
    let missing = shown(PAGE, "### `file_missing`");
    let published = MissingFile {
        notification_id: "acme-2026-11-20-file_missing-1".to_owned(),
        partner: "acme".to_owned(),
        day: "2026-11-20".to_owned(),
        status: FILE_MISSING,
        expected: 1,
        arrived: 0,
        timestamp: text(&missing, "timestamp").to_owned(),
        environment: "dev".to_owned(),
    };
    assert_eq!(serde_json::to_value(published).unwrap(), missing);
    let unfinished = shown(PAGE, "### `file_unfinished`");
    let published = FileUnfinished {
        notification_id: format!("{FILE_ID}-1-{FILE_UNFINISHED}"),
        file_id: FILE_ID.to_owned(),
        partner: "acme".to_owned(),
        attempt: 1,
        status: FILE_UNFINISHED,
        file_status: FileStatus::Validated,
        since: text(&unfinished, "since").to_owned(),
        timestamp: text(&unfinished, "timestamp").to_owned(),
        environment: "dev".to_owned(),
    };
    assert_eq!(serde_json::to_value(published).unwrap(), unfinished);
}

#[test]
fn the_alert_of_a_high_payment_has_the_members_of_the_state_machine() {
    let machine: Value = serde_json::from_str(&text_of("statemachine/webhook.asl.json")).unwrap();
    let mut found = Vec::new();
    messages(&machine, &mut found);
    assert_eq!(found.len(), 1);
    let published: BTreeSet<&str> = found[0].keys().map(|member| member.trim_end_matches(".$")).collect();
    let shown = shown(PAGE, "### `high_value`");
    assert_eq!(shown.as_object().unwrap().keys().map(String::as_str).collect::<BTreeSet<_>>(), published);
}

/// The messages that tasks of a state machine publish as objects of their own.
fn messages<'v>(value: &'v Value, found: &mut Vec<&'v serde_json::Map<String, Value>>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::Object(message)) = members.get("Message").filter(|message| !message["kind"].is_null()) {
                found.push(message);
            }
            members.values().for_each(|member| messages(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| messages(item, found)),
        _ => {}
    }
}

#[test]
fn risk_factors_have_the_weights_of_the_code() {
    let page = text_of("docs/reference/risk-score.md");
    for factor in RiskFactor::ALL {
        let (name, weight) = (json!(factor), json!(factor.weight()));
        let (name, weight) = (name.as_str().unwrap(), weight.as_str().unwrap());
        let row = page.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
        assert!(row.is_some_and(|row| row.ends_with(&format!("| {weight} |"))), "{name} has {weight}: {row:?}");
    }
    let alert = shown(PAGE, "### `high_risk`");
    for factor in alert["factors"].as_array().unwrap() {
        let of_code = RiskFactor::ALL.into_iter().find(|of_code| json!(of_code) == factor["factor"]).unwrap();
        assert_eq!(json!(of_code.weight()), factor["weight"]);
    }
}
