//! `txn redrive` of files. What fails here and is mended is a stack of its own, which these tests share with those of payments and
//! take turns on.

use crate::aws::{Cloud, complete, eventually};
use crate::gate::{Gate, Holds};
use crate::process::{Person, Ran};
use crate::{csv, unique};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub(crate) const STACK: &str = "redrive";
pub(crate) const FILES: &str = "dlq_url";
/// Longer than a message is hidden from others by a command that died.
const LONGER_THAN_HIDDEN: Duration = Duration::from_secs(36);
const WHOLE_WAY: [&str; 6] = ["validating", "validated", "processing", "processed", "notifying", "completed"];

static TURN: Mutex<()> = Mutex::new(());

/// The stack for one test alone, with nothing in its queues.
pub(crate) fn turn() -> (MutexGuard<'static, ()>, Cloud) {
    // A test that failed has told so already.
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let cloud = Cloud::of_stack(STACK);
    cloud.empty_queues();
    (turn, cloud)
}

/// What a run did, by the key, the payment or the message.
pub(crate) fn actions(ran: &Value) -> BTreeMap<String, String> {
    let works = ran["works"].as_array().unwrap().iter();
    works
        .map(|work| {
            let (action, messages) = (work["action"].as_str().unwrap(), work["messages"].as_array().unwrap().len());
            let name = ["file_id", "key", "transaction_id"].iter().find_map(|name| work[*name].as_str());
            let name = name.unwrap_or(if action == "superseded" { "schedule" } else { "message" });
            (name.to_owned(), format!("{action} x{messages}"))
        })
        .collect()
}

/// Runs the command and returns what it did.
pub(crate) fn redrive(person: &Person, arguments: &[&str], code: i32) -> BTreeMap<String, String> {
    actions(&person.run(&[&["--json", "redrive"][..], arguments].concat()).ended(code).json())
}

pub(crate) fn did<const N: usize>(expected: [(&str, &str); N]) -> BTreeMap<String, String> {
    expected.into_iter().map(|(name, action)| (name.to_owned(), action.to_owned())).collect()
}

fn failed(event: &Value, error: &str) -> Value {
    json!({"input": event, "error": {"Error": error, "Cause": "c"}})
}

/// Sends a file whose rows cannot be written, and waits for its letter.
fn upload_that_fails(cloud: &Cloud, person: &Person) -> String {
    let path = person.file("file.csv", csv("2011-04-01", 3, "m"));
    let sent = person.run(&["--json", "upload", path.to_str().unwrap()]).ended(0).json();
    let file_id = sent["files"][0]["answer"]["file_id"].as_str().unwrap().to_owned();
    eventually("the file to fail", || {
        let status = cloud.status_item(&file_id)["status"].as_s().unwrap().clone();
        (status == "processing_failed").then_some(())
    });
    file_id
}

#[test]
fn a_queue_is_worked_off_and_what_cannot_be_helped_stays() {
    let (_turn, cloud) = turn();
    let person = cloud.person();
    let (broken, fine) = (complete(&person, "failed.csv"), complete(&person, "fine.csv"));
    cloud.fail(&broken);
    // The workflow failed on it twice; a rule could not deliver the event of the other one.
    cloud.put_into(FILES, &failed(&cloud.event(&broken), "StoreUnavailable"));
    cloud.put_into(FILES, &failed(&cloud.event(&broken), "StoreUnavailable"));
    cloud.put_into(FILES, &cloud.event(&fine));
    cloud.put_into(FILES, &failed(&cloud.event_of("incoming/acme/bad.csv", "v"), "InvalidCsv"));
    cloud.put_into(FILES, &json!("no message of ours"));
    let bad = "incoming/acme/bad.csv";
    let stays = [(bad, "stays x1"), ("message", "stays x1")];

    for _ in 0..2 {
        let expected = [stays[0], stays[1], (&*broken, "would_start x2"), (&*fine, "completed_before x1")];
        assert_eq!(redrive(&person, &["--dry-run"], 0), did(expected));
    }
    let told = person.run(&["redrive", "--dry-run"]).ended(0).stdout;
    for part in [
        format!("would start (2 messages)  validated/{broken}.csv"),
        "failed with StoreUnavailable: c;".to_owned(),
        "would delete  ".to_owned(),
        "Of files: messages 5; completed before 1, would start 1, stays 2\n".to_owned(),
        "The dead-letter queue of payments of redrive is empty.\n".to_owned(),
    ] {
        assert!(told.contains(&part), "{part} is not in: {told}");
    }
    let expected = [stays[0], stays[1], (&*broken, "processed x2"), (&*fine, "completed_before x1")];
    assert_eq!(redrive(&person, &[], 1), did(expected));
    assert_eq!(cloud.story(&broken, "2"), WHOLE_WAY);
    assert_eq!(redrive(&person, &[], 1), did(stays));
    let ran = person.run(&["redrive", "--delete-refused"]).ended(1);
    assert!(ran.stdout.contains("deleted  incoming/acme/bad.csv"), "{}", ran.stdout);
    assert_eq!(redrive(&person, &[], 1), did([("message", "stays x1")]));
    assert_eq!(cloud.counts(FILES), (1, 0));
}

#[test]
fn what_fails_again_returns_as_one_message_until_the_cause_is_mended() {
    let (_turn, cloud) = turn();
    let person = cloud.person();
    let cause = cloud.set_variable("data-transformer", "TRANSACTIONS_TABLE", "nowhere");
    let file_id = upload_that_fails(&cloud, &person);
    cloud.put_into(FILES, &failed(&cloud.event(&file_id), "AccessDenied"));
    for attempt in ["2", "3"] {
        let before = cloud.letters(FILES);
        assert_eq!(cloud.counts(FILES), (if attempt == "2" { 2 } else { 1 }, 0), "{before:?}");
        let ran = person.run(&["redrive"]).ended(1);
        assert!(ran.stdout.contains("failed again") && ran.stdout.contains("AccessDenied"), "{}", ran.stdout);
        let letters = cloud.letters(FILES);
        assert_eq!((letters.len(), cloud.counts(FILES)), (1, (1, 0)), "{letters:?}");
        assert!(before.iter().all(|old| old["execution"] != letters[0]["execution"]), "the latest one stays");
        assert_eq!(cloud.status_item(&file_id)["attempt"].as_n().unwrap(), attempt);
    }
    drop(cause);
    assert_eq!(redrive(&person, &[], 0), did([(&*file_id, "processed x1")]));
    assert_eq!(cloud.story(&file_id, "4"), WHOLE_WAY);
    assert_eq!((redrive(&person, &[], 0), cloud.counts(FILES)), (did([]), (0, 0)));
}

/// A failure before the file is known leaves no status behind, so that the workflow itself has to say how it ended.
#[test]
fn a_file_without_a_status_fails_again_as_well() {
    let (_turn, cloud) = turn();
    let person = cloud.person();
    let cause = cloud.set_variable("csv-validator", "STATUS_TABLE", "nowhere");
    cloud.put_object(&format!("incoming/acme/{}.csv", unique()), &csv("2011-04-01", 2, "m"));
    eventually("the letter", || (cloud.counts(FILES).0 == 1).then_some(()));
    let began = Instant::now();
    let ran = person.run(&["--json", "redrive"]).ended(1).json();
    assert_eq!(actions(&ran).values().collect::<Vec<_>>(), ["failed_again x1"], "{ran}");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_eq!(cloud.counts(FILES), (1, 0));
    drop(cause);
    let ran = person.run(&["--json", "redrive"]).ended(0).json();
    assert_eq!((&ran["works"][0]["action"], &ran["works"][0]["status"]), (&json!("processed"), &json!("completed")));
    assert_eq!(cloud.counts(FILES), (0, 0));
}

/// An earlier version of the workflow left letters of unknown partners. One whose partner was added since is processed, even
/// where its message was to be deleted.
#[test]
fn a_letter_of_a_partner_who_was_added_since_is_processed() {
    let (_turn, cloud) = turn();
    let person = cloud.person();
    let word = format!("bank-{}", unique());
    let key = format!("incoming/{word}/january.csv");
    let version = cloud.put_object(&key, &csv("2011-04-01", 2, "m"));
    cloud.put_into(FILES, &failed(&cloud.event_of(&key, &version), "UnknownPartner"));
    let ran = person.run(&["--json", "redrive"]).ended(1).json();
    assert_eq!(actions(&ran).values().collect::<Vec<_>>(), ["stays x1"], "{ran}");
    let added = cloud.set_variable("csv-validator", "BUCKET_PARTNERS", &word);
    let ran = person.run(&["--json", "redrive", "--delete-refused"]).ended(0).json();
    assert_eq!((&ran["works"][0]["action"], &ran["works"][0]["status"]), (&json!("processed"), &json!("completed")));
    assert_eq!(cloud.counts(FILES), (0, 0));
    drop(added);
}

/// Nobody waits for what no partner of ours put there, or for what is no file. Once they are known, their letters can go.
#[test]
fn letters_of_nobodys_objects_go_when_that_is_asked_for() {
    let (_turn, cloud) = turn();
    let person = cloud.person();
    let key = format!("incoming/bank-{}/january.csv", unique());
    // What an earlier version of the workflow left there; now these are no failures.
    let version = cloud.put_object(&key, &csv("2011-04-01", 2, "m"));
    cloud.put_into(FILES, &failed(&cloud.event_of(&key, &version), "UnknownPartner"));
    // One whose object has expired; the marker of some other system; an event that could not be delivered; an empty file.
    let (expired, marker, stray) = ("incoming/bank-of-old/may.csv", "incoming/acme.done", "incoming/a b/c.csv");
    let empty = "incoming/acme/empty.csv";
    cloud.put_into(FILES, &failed(&cloud.event_of(marker, "v"), "UnknownPartner"));
    cloud.put_into(FILES, &cloud.event_of(stray, "v"));
    cloud.put_into(FILES, &failed(&cloud.event_of(empty, "v"), "InvalidCsv"));

    let told = person.run(&["redrive", "--dry-run"]).ended(0).stdout;
    for key in [marker, stray, empty] {
        let line = told.lines().find(|line| line.contains(key)).unwrap();
        assert!(line.starts_with("stays") && line.ends_with("--delete-refused deletes its message"), "{line}");
    }
    cloud.put_into(FILES, &failed(&cloud.event_of(expired, "v"), "UnknownPartner"));
    let all = [&*key, expired, marker, stray, empty].map(|key| (key, "refused x1"));
    assert_eq!(redrive(&person, &["--delete-refused", "--dry-run"], 0), did(all));
    assert_eq!(cloud.counts(FILES), (5, 0));
    assert_eq!(redrive(&person, &["--delete-refused"], 0), did(all));
    assert_eq!((redrive(&person, &[], 0), cloud.counts(FILES)), (did([]), (0, 0)));
}

#[test]
fn a_file_that_is_called_like_another_is_itself() {
    let (_turn, cloud) = turn();
    let person = cloud.person();
    let other = complete(&person, "other.csv");
    let cause = cloud.set_variable("data-transformer", "TRANSACTIONS_TABLE", "nowhere");
    let content = csv("2011-04-01", 2, "m");
    cloud.put_object(&format!("incoming/acme/{other}.csv"), &content);
    eventually("the letter", || (cloud.counts(FILES).0 == 1).then_some(()));
    let digest = domain::ContentDigest::of(content.as_bytes());
    let file_id = domain::FileId::derive(&domain::Partner::named("acme").unwrap(), &digest).to_string();
    assert_eq!(redrive(&person, &["--dry-run"], 0), did([(&*file_id, "would_start x1")]));
    drop(cause);
    assert_eq!(redrive(&person, &[], 0), did([(&*file_id, "processed x1")]));
    assert_eq!(cloud.status_item(&file_id)["status"].as_s().unwrap(), "completed");
    assert_eq!(cloud.status_item(&other)["attempt"].as_n().unwrap(), "1");
}

/// A file that was completed once and looks as if it had failed, with a letter that says so.
fn file_with_a_letter(cloud: &Cloud, name: &str) -> String {
    let file_id = complete(&cloud.person(), name);
    cloud.fail(&file_id);
    cloud.put_into(FILES, &failed(&cloud.event(&file_id), "StoreUnavailable"));
    file_id
}

/// More slow files than are worked on at once, for longer than a message stays hidden by itself: nobody else gets any of them.
#[test]
fn slow_files_stay_with_who_took_them() {
    let (_turn, cloud) = turn();
    let files: Vec<String> = (0..6).map(|number| file_with_a_letter(&cloud, &format!("{number}.csv"))).collect();
    let gate = Gate::that_holds(Holds::Answers, &cloud);
    let one = gate.person(&cloud);
    let began = Instant::now();
    let running = one.start(&["--json", "redrive"]);
    eventually("files to be done", || (gate.came() == 4).then_some(()));
    let other = cloud.person();
    while began.elapsed() < LONGER_THAN_HIDDEN {
        assert_eq!(redrive(&other, &[], 0), did([]), "after {:?}", began.elapsed());
    }
    gate.open();
    let ran = Ran::of(running).ended(0).json();
    assert_eq!(actions(&ran), files.iter().map(|id| (id.clone(), "processed x1".to_owned())).collect());
    assert_eq!(ran["summary"]["files"], json!({"messages": 6, "processed": 6}));
    assert_eq!(cloud.counts(FILES), (0, 0));
    for file_id in &files {
        assert_eq!(
            (cloud.story(file_id, "2").as_slice(), cloud.story(file_id, "3").len()),
            (&WHOLE_WAY.map(str::to_owned)[..], 0)
        );
    }
}

/// Two operators who each have a letter of one file start its workflow twice, at the same time.
#[test]
fn two_at_once_do_it_once() {
    let (_turn, cloud) = turn();
    let file_id = file_with_a_letter(&cloud, "file.csv");
    cloud.put_into(FILES, &failed(&cloud.event(&file_id), "StoreUnavailable"));
    let gate = Gate::that_holds(Holds::Calls, &cloud);
    let operators = [gate.person(&cloud), gate.person(&cloud)];
    let both = [0, 1].map(|at| operators[at].start(&["--json", "redrive", "--max", "1"]));
    eventually("both to start it", || (gate.came() == 2).then_some(()));
    gate.open();
    for one in both {
        assert_eq!(actions(&Ran::of(one).ended(0).json()), did([(&*file_id, "processed x1")]));
    }
    assert_eq!(cloud.story(&file_id, "2"), WHOLE_WAY);
    assert_eq!((cloud.story(&file_id, "3"), cloud.counts(FILES)), (Vec::<String>::new(), (0, 0)));
}

/// Killed when the file is done and the message is not yet deleted, and typed again.
#[test]
fn a_killed_run_keeps_nothing_from_the_next() {
    let (_turn, cloud) = turn();
    let file_id = file_with_a_letter(&cloud, "file.csv");
    let gate = Gate::that_holds(Holds::Answers, &cloud);
    let operator = gate.person(&cloud);
    let mut killed = operator.start(&["redrive"]);
    eventually("the file to be done", || (gate.came() == 1).then_some(()));
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert_eq!(cloud.counts(FILES), (0, 1), "nobody gave it back");
    let next = cloud.person();
    let done = eventually("the message to come back", || {
        let done = redrive(&next, &[], 0);
        (!done.is_empty()).then_some(done)
    });
    assert_eq!(done, did([(&*file_id, "completed_before x1")]));
    assert_eq!(cloud.story(&file_id, "2"), WHOLE_WAY);
    assert_eq!((cloud.story(&file_id, "3"), cloud.counts(FILES)), (Vec::<String>::new(), (0, 0)));
}

#[test]
fn who_interrupts_it_finds_every_message_back_at_once() {
    let (_turn, cloud) = turn();
    let file_id = file_with_a_letter(&cloud, "file.csv");
    cloud.put_into(FILES, &json!("no message of ours"));
    let gate = Gate::that_holds(Holds::Calls, &cloud);
    let operator = gate.person(&cloud);
    for (started, signal) in [(1, "-INT"), (2, "-TERM")] {
        let running = operator.start(&["--json", "redrive"]);
        eventually("the file to be started", || (gate.came() == started).then_some(()));
        let sent = std::process::Command::new("kill").args([signal, &running.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let ran = Ran::of(running).ended(1).json();
        assert_eq!((&ran["interrupted"], cloud.counts(FILES)), (&json!(true), (2, 0)), "{ran}");
    }
    let done = redrive(&cloud.person(), &[], 1);
    assert_eq!(done, did([(&*file_id, "processed x1"), ("message", "stays x1")]));
}

/// A message that is not ours any more, because its turn came late, hinders no other.
#[test]
fn a_message_that_somebody_deleted_meanwhile_hinders_no_other() {
    let (_turn, cloud) = turn();
    let files: Vec<String> = (0..5).map(|number| file_with_a_letter(&cloud, &format!("{number}.csv"))).collect();
    let gate = Gate::that_holds(Holds::Calls, &cloud);
    let operator = gate.person(&cloud);
    let running = operator.start(&["--json", "redrive"]);
    eventually("files to be started", || (gate.came() == 4).then_some(()));
    cloud.empty_queues();
    gate.open();
    let done = actions(&Ran::of(running).ended(1).json());
    let of = |action: &str| files.iter().filter(|id| done[*id] == format!("{action} x1")).count();
    assert_eq!((of("processed"), of("completed_before"), of("stays")), (4, 0, 1), "{done:?}");
}
