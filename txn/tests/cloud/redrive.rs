//! `txn redrive` of files. These tests and those of payments use one stack, one test at a time.

use crate::aws::{Cloud, complete, eventually};
use crate::gate::{Gate, Holds};
use crate::process::{Output, User};
use crate::{csv, unique};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub(crate) const STACK: &str = "redrive";
pub(crate) const FILES: &str = "dlq_url";
/// Longer than the visibility timeout of a message.
const LONGER_THAN_HIDDEN: Duration = Duration::from_secs(36);
const ALL_STATUSES: [&str; 6] = ["validating", "validated", "processing", "processed", "notifying", "completed"];

static LOCK: Mutex<()> = Mutex::new(());

/// The stack for one test only, with empty queues.
pub(crate) fn exclusive_stack() -> (MutexGuard<'static, ()>, Cloud) {
    // A failed test has already reported its failure.
    let lock = LOCK.lock().unwrap_or_else(PoisonError::into_inner);
    let cloud = Cloud::of_stack(STACK);
    cloud.empty_queues();
    (lock, cloud)
}

/// The actions of a run, by file, key or payment.
pub(crate) fn actions(output: &Value) -> BTreeMap<String, String> {
    let works = output["works"].as_array().unwrap().iter();
    works
        .map(|work| {
            let (action, messages) = (work["action"].as_str().unwrap(), work["messages"].as_array().unwrap().len());
            let name = ["file_id", "key", "transaction_id"].iter().find_map(|name| work[*name].as_str());
            let name = name.unwrap_or(if action == "superseded" { "schedule" } else { "message" });
            (name.to_owned(), format!("{action} x{messages}"))
        })
        .collect()
}

/// Runs the command and returns its actions.
pub(crate) fn redrive(user: &User, arguments: &[&str], code: i32) -> BTreeMap<String, String> {
    actions(&user.run(&[&["--json", "redrive"][..], arguments].concat()).expect_code(code).json())
}

pub(crate) fn actions_of<const N: usize>(expected: [(&str, &str); N]) -> BTreeMap<String, String> {
    expected.into_iter().map(|(name, action)| (name.to_owned(), action.to_owned())).collect()
}

fn failed(event: &Value, error: &str) -> Value {
    json!({"input": event, "error": {"Error": error, "Cause": "c"}})
}

/// Sends a file whose rows cannot be written, and waits for its failure.
fn upload_that_fails(cloud: &Cloud, user: &User) -> String {
    let path = user.file("file.csv", csv("2011-04-01", 3, "m"));
    let sent = user.run(&["--json", "upload", path.to_str().unwrap()]).expect_code(0).json();
    let file_id = sent["files"][0]["response"]["file_id"].as_str().unwrap().to_owned();
    eventually("the file to fail", || {
        let status = cloud.status_item(&file_id)["status"].as_s().unwrap().clone();
        (status == "processing_failed").then_some(())
    });
    file_id
}

#[test]
fn redrives_a_queue_and_keeps_what_cannot_be_retried() {
    let (_lock, cloud) = exclusive_stack();
    let user = cloud.user();
    let (broken, fine) = (complete(&user, "failed.csv"), complete(&user, "fine.csv"));
    cloud.fail(&broken);
    // The workflow failed on it twice; a rule could not deliver the event of the other one.
    cloud.put_into(FILES, &failed(&cloud.event(&broken), "StoreUnavailable"));
    cloud.put_into(FILES, &failed(&cloud.event(&broken), "StoreUnavailable"));
    cloud.put_into(FILES, &cloud.event(&fine));
    cloud.put_into(FILES, &failed(&cloud.event_of("incoming/acme/bad.csv", "v"), "InvalidCsv"));
    cloud.put_into(FILES, &json!("not a message of the system"));
    let bad = "incoming/acme/bad.csv";
    let stays = [(bad, "stays x1"), ("message", "stays x1")];

    for _ in 0..2 {
        let expected = [stays[0], stays[1], (&*broken, "would_start x2"), (&*fine, "completed_before x1")];
        assert_eq!(redrive(&user, &["--dry-run"], 0), actions_of(expected));
    }
    let text = user.run(&["redrive", "--dry-run"]).expect_code(0).stdout;
    for part in [
        format!("would start (2 messages)  validated/{broken}.csv"),
        "failed with StoreUnavailable: c;".to_owned(),
        "would delete  ".to_owned(),
        "Of files: messages 5; completed before 1, would start 1, stays 2\n".to_owned(),
        "The dead-letter queue of payments of redrive is empty.\n".to_owned(),
    ] {
        assert!(text.contains(&part), "{part} is not in: {text}");
    }
    let expected = [stays[0], stays[1], (&*broken, "processed x2"), (&*fine, "completed_before x1")];
    assert_eq!(redrive(&user, &[], 1), actions_of(expected));
    assert_eq!(cloud.statuses(&broken, "2"), ALL_STATUSES);
    assert_eq!(redrive(&user, &[], 1), actions_of(stays));
    let output = user.run(&["redrive", "--delete-rejected"]).expect_code(1);
    assert!(output.stdout.contains("deleted  incoming/acme/bad.csv"), "{}", output.stdout);
    assert_eq!(redrive(&user, &[], 1), actions_of([("message", "stays x1")]));
    assert_eq!(cloud.counts(FILES), (1, 0));
}

#[test]
fn a_repeated_failure_leaves_one_message() {
    let (_lock, cloud) = exclusive_stack();
    let user = cloud.user();
    let cause = cloud.override_variable("data-transformer", "TRANSACTIONS_TABLE", "nowhere");
    let file_id = upload_that_fails(&cloud, &user);
    cloud.put_into(FILES, &failed(&cloud.event(&file_id), "AccessDenied"));
    for attempt in ["2", "3"] {
        let before = cloud.messages(FILES);
        assert_eq!(cloud.counts(FILES), (if attempt == "2" { 2 } else { 1 }, 0), "{before:?}");
        let output = user.run(&["redrive"]).expect_code(1);
        assert!(output.stdout.contains("failed again") && output.stdout.contains("AccessDenied"), "{}", output.stdout);
        let messages = cloud.messages(FILES);
        assert_eq!((messages.len(), cloud.counts(FILES)), (1, (1, 0)), "{messages:?}");
        assert!(before.iter().all(|old| old["execution"] != messages[0]["execution"]), "the latest one stays");
        assert_eq!(cloud.status_item(&file_id)["attempt"].as_n().unwrap(), attempt);
    }
    drop(cause);
    assert_eq!(redrive(&user, &[], 0), actions_of([(&*file_id, "processed x1")]));
    assert_eq!(cloud.statuses(&file_id, "4"), ALL_STATUSES);
    assert_eq!((redrive(&user, &[], 0), cloud.counts(FILES)), (actions_of([]), (0, 0)));
}

/// A failure before the file is known leaves no status, so the result of the workflow counts.
#[test]
fn a_file_without_a_status_can_fail_again() {
    let (_lock, cloud) = exclusive_stack();
    let user = cloud.user();
    let cause = cloud.override_variable("csv-validator", "STATUS_TABLE", "nowhere");
    cloud.put_object(&format!("incoming/acme/{}.csv", unique()), &csv("2011-04-01", 2, "m"));
    eventually("the dead letter", || (cloud.counts(FILES).0 == 1).then_some(()));
    let began = Instant::now();
    let output = user.run(&["--json", "redrive"]).expect_code(1).json();
    assert_eq!(actions(&output).values().collect::<Vec<_>>(), ["failed_again x1"], "{output}");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_eq!(cloud.counts(FILES), (1, 0));
    drop(cause);
    let output = user.run(&["--json", "redrive"]).expect_code(0).json();
    assert_eq!(
        (&output["works"][0]["action"], &output["works"][0]["status"]),
        (&json!("processed"), &json!("completed"))
    );
    assert_eq!(cloud.counts(FILES), (0, 0));
}

/// An earlier version of the workflow left messages of unknown partners. If the partner was added since, the file is processed,
/// even with `--delete-rejected`.
#[test]
fn processes_a_file_of_a_partner_that_was_added() {
    let (_lock, cloud) = exclusive_stack();
    let user = cloud.user();
    let word = format!("bank-{}", unique());
    let key = format!("incoming/{word}/january.csv");
    let version = cloud.put_object(&key, &csv("2011-04-01", 2, "m"));
    cloud.put_into(FILES, &failed(&cloud.event_of(&key, &version), "UnknownPartner"));
    let output = user.run(&["--json", "redrive"]).expect_code(1).json();
    assert_eq!(actions(&output).values().collect::<Vec<_>>(), ["stays x1"], "{output}");
    let added = cloud.override_variable("csv-validator", "BUCKET_PARTNERS", &word);
    let output = user.run(&["--json", "redrive", "--delete-rejected"]).expect_code(0).json();
    assert_eq!(
        (&output["works"][0]["action"], &output["works"][0]["status"]),
        (&json!("processed"), &json!("completed"))
    );
    assert_eq!(cloud.counts(FILES), (0, 0));
    drop(added);
}

/// Messages about objects of unknown partners, or about objects that are not files, can be deleted.
#[test]
fn deletes_messages_of_unknown_partners_on_request() {
    let (_lock, cloud) = exclusive_stack();
    let user = cloud.user();
    let key = format!("incoming/bank-{}/january.csv", unique());
    // From an earlier version of the workflow; now these are not failures.
    let version = cloud.put_object(&key, &csv("2011-04-01", 2, "m"));
    cloud.put_into(FILES, &failed(&cloud.event_of(&key, &version), "UnknownPartner"));
    // An expired object, a marker of another system, an undelivered event, and an empty file.
    let (expired, marker, stray) = ("incoming/bank-of-old/may.csv", "incoming/acme.done", "incoming/a b/c.csv");
    let empty = "incoming/acme/empty.csv";
    cloud.put_into(FILES, &failed(&cloud.event_of(marker, "v"), "UnknownPartner"));
    cloud.put_into(FILES, &cloud.event_of(stray, "v"));
    cloud.put_into(FILES, &failed(&cloud.event_of(empty, "v"), "InvalidCsv"));

    let text = user.run(&["redrive", "--dry-run"]).expect_code(0).stdout;
    for key in [marker, stray, empty] {
        let line = text.lines().find(|line| line.contains(key)).unwrap();
        assert!(line.starts_with("stays") && line.ends_with("--delete-rejected deletes its message"), "{line}");
    }
    cloud.put_into(FILES, &failed(&cloud.event_of(expired, "v"), "UnknownPartner"));
    let all = [&*key, expired, marker, stray, empty].map(|key| (key, "rejected x1"));
    assert_eq!(redrive(&user, &["--delete-rejected", "--dry-run"], 0), actions_of(all));
    assert_eq!(cloud.counts(FILES), (5, 0));
    assert_eq!(redrive(&user, &["--delete-rejected"], 0), actions_of(all));
    assert_eq!((redrive(&user, &[], 0), cloud.counts(FILES)), (actions_of([]), (0, 0)));
}

#[test]
fn a_file_named_like_another_is_not_that_file() {
    let (_lock, cloud) = exclusive_stack();
    let user = cloud.user();
    let other = complete(&user, "other.csv");
    let cause = cloud.override_variable("data-transformer", "TRANSACTIONS_TABLE", "nowhere");
    let content = csv("2011-04-01", 2, "m");
    cloud.put_object(&format!("incoming/acme/{other}.csv"), &content);
    eventually("the dead letter", || (cloud.counts(FILES).0 == 1).then_some(()));
    let digest = domain::ContentDigest::of(content.as_bytes());
    let file_id = domain::FileId::derive(&domain::Partner::named("acme").unwrap(), &digest).to_string();
    assert_eq!(redrive(&user, &["--dry-run"], 0), actions_of([(&*file_id, "would_start x1")]));
    drop(cause);
    assert_eq!(redrive(&user, &[], 0), actions_of([(&*file_id, "processed x1")]));
    assert_eq!(cloud.status_item(&file_id)["status"].as_s().unwrap(), "completed");
    assert_eq!(cloud.status_item(&other)["attempt"].as_n().unwrap(), "1");
}

/// A file that was completed once and looks as if it had failed, with a dead letter that says so.
fn file_with_a_letter(cloud: &Cloud, name: &str) -> String {
    let file_id = complete(&cloud.user(), name);
    cloud.fail(&file_id);
    cloud.put_into(FILES, &failed(&cloud.event(&file_id), "StoreUnavailable"));
    file_id
}

/// More slow files than run concurrently, for longer than the visibility timeout: no other run receives their messages.
#[test]
fn messages_of_slow_files_stay_hidden() {
    let (_lock, cloud) = exclusive_stack();
    let files: Vec<String> = (0..6).map(|number| file_with_a_letter(&cloud, &format!("{number}.csv"))).collect();
    let gate = Gate::that_holds(Holds::Responses, &cloud);
    let one = gate.user(&cloud);
    let began = Instant::now();
    let running = one.start(&["--json", "redrive"]);
    eventually("files to be done", || (gate.arrived() == 4).then_some(()));
    let other = cloud.user();
    while began.elapsed() < LONGER_THAN_HIDDEN {
        assert_eq!(redrive(&other, &[], 0), actions_of([]), "after {:?}", began.elapsed());
    }
    gate.open();
    let output = Output::of(running).expect_code(0).json();
    assert_eq!(actions(&output), files.iter().map(|id| (id.clone(), "processed x1".to_owned())).collect());
    assert_eq!(output["summary"]["files"], json!({"messages": 6, "processed": 6}));
    assert_eq!(cloud.counts(FILES), (0, 0));
    for file_id in &files {
        assert_eq!(
            (cloud.statuses(file_id, "2").as_slice(), cloud.statuses(file_id, "3").len()),
            (&ALL_STATUSES.map(str::to_owned)[..], 0)
        );
    }
}

/// Two operators, each with a message about the same file, start its workflow at the same time.
#[test]
fn two_concurrent_runs_process_a_file_once() {
    let (_lock, cloud) = exclusive_stack();
    let file_id = file_with_a_letter(&cloud, "file.csv");
    cloud.put_into(FILES, &failed(&cloud.event(&file_id), "StoreUnavailable"));
    let gate = Gate::that_holds(Holds::Calls, &cloud);
    let operators = [gate.user(&cloud), gate.user(&cloud)];
    let both = [0, 1].map(|at| operators[at].start(&["--json", "redrive", "--max", "1"]));
    eventually("both to start it", || (gate.arrived() == 2).then_some(()));
    gate.open();
    for one in both {
        assert_eq!(actions(&Output::of(one).expect_code(0).json()), actions_of([(&*file_id, "processed x1")]));
    }
    assert_eq!(cloud.statuses(&file_id, "2"), ALL_STATUSES);
    assert_eq!((cloud.statuses(&file_id, "3"), cloud.counts(FILES)), (Vec::<String>::new(), (0, 0)));
}

/// The first run is killed after the file is processed and before the message is deleted.
#[test]
fn a_run_after_a_killed_run_deletes_the_message() {
    let (_lock, cloud) = exclusive_stack();
    let file_id = file_with_a_letter(&cloud, "file.csv");
    let gate = Gate::that_holds(Holds::Responses, &cloud);
    let operator = gate.user(&cloud);
    let mut killed = operator.start(&["redrive"]);
    eventually("the file to be done", || (gate.arrived() == 1).then_some(()));
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert_eq!(cloud.counts(FILES), (0, 1), "the killed run did not release it");
    let next = cloud.user();
    let done = eventually("the message to come back", || {
        let done = redrive(&next, &[], 0);
        (!done.is_empty()).then_some(done)
    });
    assert_eq!(done, actions_of([(&*file_id, "completed_before x1")]));
    assert_eq!(cloud.statuses(&file_id, "2"), ALL_STATUSES);
    assert_eq!((cloud.statuses(&file_id, "3"), cloud.counts(FILES)), (Vec::<String>::new(), (0, 0)));
}

#[test]
fn an_interrupted_run_releases_its_messages() {
    let (_lock, cloud) = exclusive_stack();
    let file_id = file_with_a_letter(&cloud, "file.csv");
    cloud.put_into(FILES, &json!("not a message of the system"));
    let gate = Gate::that_holds(Holds::Calls, &cloud);
    let operator = gate.user(&cloud);
    for (started, signal) in [(1, "-INT"), (2, "-TERM")] {
        let running = operator.start(&["--json", "redrive"]);
        eventually("the file to be started", || (gate.arrived() == started).then_some(()));
        let sent = std::process::Command::new("kill").args([signal, &running.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let output = Output::of(running).expect_code(1).json();
        assert_eq!((&output["interrupted"], cloud.counts(FILES)), (&json!(true), (2, 0)), "{output}");
    }
    let done = redrive(&cloud.user(), &[], 1);
    assert_eq!(done, actions_of([(&*file_id, "processed x1"), ("message", "stays x1")]));
}

/// A message that another run has deleted before its work begins does not block the others.
#[test]
fn a_deleted_message_does_not_block_others() {
    let (_lock, cloud) = exclusive_stack();
    let files: Vec<String> = (0..5).map(|number| file_with_a_letter(&cloud, &format!("{number}.csv"))).collect();
    let gate = Gate::that_holds(Holds::Calls, &cloud);
    let operator = gate.user(&cloud);
    let running = operator.start(&["--json", "redrive"]);
    eventually("files to be started", || (gate.arrived() == 4).then_some(()));
    cloud.empty_queues();
    gate.open();
    let done = actions(&Output::of(running).expect_code(1).json());
    let of = |action: &str| files.iter().filter(|id| done[*id] == format!("{action} x1")).count();
    assert_eq!((of("processed"), of("completed_before"), of("stays")), (4, 0, 1), "{done:?}");
}
