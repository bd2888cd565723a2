//! `txn validate`.

use crate::process::{User, assert_golden, files};
use std::fmt::Write;

#[test]
fn prints_the_totals_of_a_valid_file() {
    let output = User::new().run(&["validate", "good.csv"]).expect_code(0);
    assert_golden("validate-good.txt", &output.transcript());
}

#[test]
fn shows_every_error_in_its_line() {
    let output = User::new().run(&["validate", "bad.csv"]).expect_code(1);
    assert_golden("validate-bad.txt", &output.transcript());
}

#[test]
fn shows_errors_of_whole_files() {
    let output =
        User::new().run(&["validate", "header.csv", "empty.csv", "utf16.csv", "semicolons.csv"]).expect_code(1);
    assert_golden("validate-whole-files.txt", &output.transcript());
}

#[test]
fn replaces_control_characters() {
    let output = User::new().run(&["validate", "controls.csv"]).expect_code(1);
    assert!(!output.stdout.contains('\u{1b}') && !output.stdout.contains('\u{7}'));
    assert_golden("validate-controls.txt", &output.transcript());
}

#[test]
fn limits_the_shown_errors_and_counts_all() {
    let output = User::new().run(&["validate", "--max-errors", "1", "bad.csv"]).expect_code(1);
    assert_golden("validate-max-errors.txt", &output.transcript());
}

#[test]
fn json_has_the_members_of_the_api() {
    let output = User::new().run(&["--json", "validate", "bad.csv", "good.csv"]).expect_code(1);
    let document = output.json();
    let (bad, good) = (&document["files"][0], &document["files"][1]);
    assert_eq!((&bad["valid"], &good["valid"]), (&false.into(), &true.into()));
    assert_eq!(good["totals"]["EUR"], "9.30");
    assert_golden("validate-bad.json", &format!("{}\n", serde_json::to_string_pretty(bad).unwrap()));
}

#[test]
fn reads_stdin_more_than_once() {
    let file = std::fs::read(files().join("bad.csv")).unwrap();
    let output = User::new().run_with_input(&["validate", "-"], &file).expect_code(1);
    let expected = std::fs::read_to_string(files().join("../golden/validate-bad.txt")).unwrap();
    assert_eq!(output.transcript(), expected.replace("bad.csv", "<stdin>"));
}

#[test]
fn prints_results_in_the_order_of_the_files() {
    let user = User::new();
    let names: Vec<String> = (0..24).map(|at| format!("{at}.csv")).collect();
    let paths: Vec<String> = names
        .iter()
        .enumerate()
        .map(|(at, name)| {
            let mut text = "transaction_id,amount,currency,timestamp,merchant,status\n".to_owned();
            for row in 0..(24 - at) * 500 {
                writeln!(text, "T-{row},1,EUR,2026-01-15T10:00:00Z,m,completed").unwrap();
            }
            user.file(name, text).display().to_string()
        })
        .collect();
    let arguments: Vec<&str> =
        ["validate", "--jobs", "4"].into_iter().chain(paths.iter().map(String::as_str)).collect();
    let output = user.run(&arguments).expect_code(0);
    let text: Vec<String> = output.stdout.lines().map(|line| line.split(':').next().unwrap().to_owned()).collect();
    assert_eq!(text, paths);
}

#[test]
fn an_unreadable_file_does_not_stop_the_others() {
    let output = User::new().run(&["validate", "nowhere.csv", ".", "good.csv"]).expect_code(2);
    assert!(output.stdout.starts_with("good.csv: valid."), "{}", output.stdout);
    assert_eq!(output.stderr, "txn: nowhere.csv: no such file.\ntxn: .: is a directory\n");
}

#[test]
fn compares_a_file_with_its_control_totals() {
    let user = User::new();
    let run = |rows: &str, totals: &str| {
        user.run(&["validate", "good.csv", "--expected-rows", rows, "--expected-totals", totals])
    };
    run("2", "EUR=9.3").expect_code(0);
    let output = run("3", "EUR=9.30,JPY=5").expect_code(1);
    assert_golden("validate-control-totals.txt", &output.transcript());
    for (rows, totals) in [("two", "EUR=9.3"), ("2", "EUR:9.3"), ("2", "EUR=1e3"), ("2", "EUR=1,EUR=1")] {
        run(rows, totals).expect_code(2);
    }
}

#[test]
fn writes_a_correctable_copy_of_a_rejected_file() {
    let user = User::new();
    let out = user.home.path().join("correct-me.csv");
    let out = out.to_str().unwrap();
    let output = user.run(&["validate", "bad.csv", "--correctable", out]).expect_code(1);
    assert!(output.stdout.contains("rejected records: 6. The copy has only these. The service"), "{}", output.stdout);
    assert_golden("correctable-rejected.csv", &std::fs::read_to_string(out).unwrap());
    // A copy may have corrections.
    let nowhere = user.home.path().join("nowhere/correct-me.csv");
    for (out, expected) in
        [(out, "exists and may have your corrections."), (nowhere.to_str().unwrap(), "no such directory")]
    {
        let output = user.run(&["--json", "validate", "bad.csv", "--correctable", out]).expect_code(2);
        assert!(output.stderr.contains(expected) && output.stdout.is_empty(), "{}{}", output.stdout, output.stderr);
    }
    let whole = user.home.path().join("whole.csv");
    let whole = whole.to_str().unwrap();
    let output = user.run(&["validate", "bad.csv", "--correctable", whole, "--rows", "all"]).expect_code(1);
    assert!(output.stdout.contains("rejected records: 6. Correct them and send the file.\n"), "{}", output.stdout);
    let text = std::fs::read_to_string(whole).unwrap();
    assert_golden("correctable-all.csv", &text);
    // A valid file has nothing to correct, and no file is written.
    let none = user.home.path().join("none.csv");
    user.run(&["validate", "good.csv", "--correctable", none.to_str().unwrap()]).expect_code(0);
    assert!(!none.exists());
}

#[test]
fn a_corrected_copy_is_valid_with_its_error_columns() {
    let user = User::new();
    let out = user.home.path().join("correct-me.csv");
    let file = "transaction_id,amount,currency,timestamp,merchant,status\nT-1,x,EUR,2026-01-15T10:00:00Z,=m,pending\n";
    let file = user.file("one.csv", file);
    user.run(&["validate", file.to_str().unwrap(), "--correctable", out.to_str().unwrap()]).expect_code(1);
    let corrected = std::fs::read_to_string(&out).unwrap().replace(",x,", ",1.50,");
    let corrected = user.file("corrected.csv", corrected);
    let output = user.run(&["validate", corrected.to_str().unwrap()]).expect_code(0);
    assert!(output.stdout.contains("EUR 1.50"), "{}", output.stdout);
}
