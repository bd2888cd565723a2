//! Files, from the disk to the table.

use crate::{csv, person, stack, unique};

#[test]
fn a_file_is_sent_once_followed_and_found_in_the_table() {
    let person = person(&stack());
    let path = person.file("file.csv", csv("2011-03-05", 40, "=Smith & Co"));
    let path = path.to_str().unwrap();
    let ran = person.run(&["upload", path, "--wait", "--expected-rows", "40"]).ended(0);
    assert!(ran.stdout.contains("completed") && ran.stdout.contains("EUR -39.00, USD -21.00"), "{}", ran.stdout);
    let told = person.run(&["upload", path]).ended(0).stdout;
    assert!(told.contains("txn upload FILE --reprocess") && !told.contains("/upload"), "{told}");
    let again = person.run(&["--json", "upload", path, "--wait"]).ended(0).json();
    assert_eq!(again["files"][0]["answer"]["duplicate"], true);
    let file_id = again["files"][0]["answer"]["file_id"].as_str().unwrap().to_owned();
    let page = person.run(&["--json", "status", &file_id]).ended(0).json();
    assert_eq!((&page["status"], &page["rows_stored"]), (&"completed".into(), &40.into()));

    let list = |more: &[&str]| {
        let arguments = [&["transactions", "--from", "2011-03-05", "--partner", "acme"][..], more].concat();
        person.run(&arguments).ended(0).stdout
    };
    let of_file =
        |text: String| text.lines().filter(|line| line.contains(&file_id)).map(str::to_owned).collect::<Vec<_>>();
    let rows = of_file(list(&["--format", "json"]));
    let mut in_order = rows.clone();
    in_order.sort();
    assert_eq!((rows.len(), &rows), (40, &in_order), "each line begins with its timestamp");
    assert!(rows.iter().all(|row| row.contains("\"amount\":\"-1.5\"")), "{}", rows[0]);
    let csv = of_file(list(&["--format", "csv", "--currency", "USD"]));
    assert_eq!(csv.len(), 14);
    assert!(csv.iter().all(|row| row.contains(",-1.5,USD,completed,\"'=Smith & Co\",")), "{}", csv[0]);
    let table = of_file(list(&["--currency", "USD"]));
    let is_shown =
        |row: &String| row.starts_with("2011-03-05T10:00:") && row.contains("Z  ") && row.contains(" -1.50  USD ");
    assert!(table.len() == 14 && table.iter().all(is_shown), "{}", table[0]);
    let some = ["--from", "2011-03-05T10:00:10Z", "--to", "2011-03-05T10:00:20Z"];
    let some = person.run(&[&["transactions"][..], &some, &["--format", "json"]].concat()).ended(0).stdout;
    // One of sixty seconds each, of forty that are there.
    let seconds: Vec<usize> = (0..40).map(|row| (row * 37) % 60).filter(|second| (10..20).contains(second)).collect();
    assert_eq!(of_file(some).len(), seconds.len());
}

#[test]
fn a_file_that_is_too_large_for_the_api_goes_into_the_bucket() {
    let person = person(&stack());
    let path = person.file("large.csv", csv("2011-03-06", 1200, &"m".repeat(4000)));
    let ran = person.run(&["--json", "upload", path.to_str().unwrap(), "--wait", "--expected-rows", "1200"]).ended(0);
    let file = &ran.json()["files"][0];
    assert!(file["answer"]["upload"]["url"].is_string());
    assert_eq!((&file["status"]["status"], &file["status"]["row_count"]), (&"completed".into(), &1200.into()));
}

#[test]
fn the_service_finds_what_txn_finds() {
    let person = person(&stack());
    let bad = csv("2011-03-07", 3, "m").replace("-1.50,EUR", "1.505,EUR").replace(":37Z", ":37");
    let path = person.file("bad.csv", bad);
    let path = path.to_str().unwrap();
    let here = person.run(&["validate", path]).ended(1);
    let there = person.run(&["upload", path, "--dry-run"]).ended(1);
    assert_eq!(here.stdout, there.stdout);
    let sent = person.run(&["upload", path, "--no-check"]).ended(1);
    assert_eq!(here.stdout, sent.stdout);
    let stated = person.run(&["validate", path, "--expected-rows", "9"]).ended(1);
    let there = person.run(&["upload", path, "--dry-run", "--expected-rows", "9"]).ended(1);
    assert_eq!(stated.stdout, there.stdout);
}

#[test]
fn a_dry_run_changes_nothing() {
    let person = person(&stack());
    let path = person.file("file.csv", csv("2011-03-08", 2, &unique()));
    let ran = person.run(&["--json", "upload", path.to_str().unwrap(), "--dry-run"]).ended(0).json();
    let answer = &ran["files"][0]["answer"];
    assert_eq!((&answer["dry_run"], &answer["status"]), (&true.into(), &"valid".into()));
    let rows = person.run(&["transactions", "--from", "2011-03-08", "--format", "json"]).ended(0).stdout;
    assert_eq!(rows, "");
}

#[test]
fn a_wrong_key_ends_with_4() {
    let person = person(&stack()).with("TXN_KEY", "acme.wrong");
    let path = person.file("file.csv", csv("2011-03-09", 1, "m"));
    let ran = person.run(&["upload", path.to_str().unwrap()]).ended(4);
    assert!(ran.stderr.contains("it came from TXN_KEY") && ran.stderr.contains("api_key_invalid"), "{}", ran.stderr);
}
