//! Files, from the disk to the table.

use crate::{csv, stack, unique, user};

#[test]
fn sends_a_file_once_and_lists_its_transactions() {
    let user = user(&stack());
    let path = user.file("file.csv", csv("2011-03-05", 40, "=Smith & Co"));
    let path = path.to_str().unwrap();
    let output = user.run(&["upload", path, "--wait", "--expected-rows", "40"]).expect_code(0);
    assert!(
        output.stdout.contains("completed") && output.stdout.contains("EUR -39.00, USD -21.00"),
        "{}",
        output.stdout
    );
    let text = user.run(&["upload", path]).expect_code(0).stdout;
    assert!(text.contains("txn upload FILE --reprocess") && !text.contains("/upload"), "{text}");
    let again = user.run(&["--json", "upload", path, "--wait"]).expect_code(0).json();
    assert_eq!(again["files"][0]["response"]["duplicate"], true);
    let file_id = again["files"][0]["response"]["file_id"].as_str().unwrap().to_owned();
    let page = user.run(&["--json", "status", &file_id]).expect_code(0).json();
    assert_eq!((&page["status"], &page["rows_stored"]), (&"completed".into(), &40.into()));

    let list = |more: &[&str]| {
        let arguments = [&["transactions", "--from", "2011-03-05", "--partner", "acme"][..], more].concat();
        user.run(&arguments).expect_code(0).stdout
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
    assert!(csv.iter().all(|row| row.contains(",-1.5,USD,completed,'=Smith & Co,")), "{}", csv[0]);
    let table = of_file(list(&["--currency", "USD"]));
    let is_shown =
        |row: &String| row.starts_with("2011-03-05T10:00:") && row.contains("Z  ") && row.contains(" -1.50  USD ");
    assert!(table.len() == 14 && table.iter().all(is_shown), "{}", table[0]);
    let some = ["--from", "2011-03-05T10:00:10Z", "--to", "2011-03-05T10:00:20Z"];
    let some = user.run(&[&["transactions"][..], &some, &["--format", "json"]].concat()).expect_code(0).stdout;
    // One of sixty seconds each, of forty that are there.
    let seconds: Vec<usize> = (0..40).map(|row| (row * 37) % 60).filter(|second| (10..20).contains(second)).collect();
    assert_eq!(of_file(some).len(), seconds.len());
}

#[test]
fn puts_a_large_file_into_the_bucket() {
    let user = user(&stack());
    let path = user.file("large.csv", csv("2011-03-06", 1200, &"m".repeat(4000)));
    let output =
        user.run(&["--json", "upload", path.to_str().unwrap(), "--wait", "--expected-rows", "1200"]).expect_code(0);
    let file = &output.json()["files"][0];
    assert!(file["response"]["upload"]["url"].is_string());
    assert_eq!((&file["status"]["status"], &file["status"]["row_count"]), (&"completed".into(), &1200.into()));
}

#[test]
fn the_service_finds_the_same_errors() {
    let user = user(&stack());
    let bad = csv("2011-03-07", 3, "m").replace("-1.50,EUR", "1.505,EUR").replace(":37Z", ":37");
    let path = user.file("bad.csv", bad);
    let path = path.to_str().unwrap();
    let here = user.run(&["validate", path]).expect_code(1);
    let there = user.run(&["upload", path, "--dry-run"]).expect_code(1);
    assert_eq!(here.stdout, there.stdout);
    let sent = user.run(&["upload", path, "--no-check"]).expect_code(1);
    assert_eq!(here.stdout, sent.stdout);
    let expected = user.run(&["validate", path, "--expected-rows", "9"]).expect_code(1);
    let there = user.run(&["upload", path, "--dry-run", "--expected-rows", "9"]).expect_code(1);
    assert_eq!(expected.stdout, there.stdout);
}

#[test]
fn a_dry_run_changes_nothing() {
    let user = user(&stack());
    let path = user.file("file.csv", csv("2011-03-08", 2, &unique()));
    let output = user.run(&["--json", "upload", path.to_str().unwrap(), "--dry-run"]).expect_code(0).json();
    let response = &output["files"][0]["response"];
    assert_eq!((&response["dry_run"], &response["status"]), (&true.into(), &"valid".into()));
    let rows = user.run(&["transactions", "--from", "2011-03-08", "--format", "json"]).expect_code(0).stdout;
    assert_eq!(rows, "");
}

#[test]
fn a_wrong_key_exits_with_4() {
    let user = user(&stack()).with("TXN_KEY", "acme.wrong");
    let path = user.file("file.csv", csv("2011-03-09", 1, "m"));
    let output = user.run(&["upload", path.to_str().unwrap()]).expect_code(4);
    assert!(
        output.stderr.contains("The API key from TXN_KEY") && output.stderr.contains("api_key_invalid"),
        "{}",
        output.stderr
    );
}
