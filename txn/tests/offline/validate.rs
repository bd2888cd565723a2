//! `txn validate`.

use crate::process::{Person, assert_golden, files};
use std::fmt::Write;

#[test]
fn a_good_file_is_told_with_its_totals() {
    let ran = Person::new().run(&["validate", "good.csv"]).ended(0);
    assert_golden("validate-good.txt", &ran.seen());
}

#[test]
fn every_error_points_into_its_line() {
    let ran = Person::new().run(&["validate", "bad.csv"]).ended(1);
    assert_golden("validate-bad.txt", &ran.seen());
}

#[test]
fn files_that_are_none_of_ours_are_told_in_a_word() {
    let ran = Person::new().run(&["validate", "header.csv", "empty.csv", "utf16.csv", "semicolons.csv"]).ended(1);
    assert_golden("validate-whole-files.txt", &ran.seen());
}

#[test]
fn a_file_cannot_command_the_terminal() {
    let ran = Person::new().run(&["validate", "controls.csv"]).ended(1);
    assert!(!ran.stdout.contains('\u{1b}') && !ran.stdout.contains('\u{7}'));
    assert_golden("validate-controls.txt", &ran.seen());
}

#[test]
fn few_errors_are_shown_and_all_are_counted() {
    let ran = Person::new().run(&["validate", "--max-errors", "1", "bad.csv"]).ended(1);
    assert_golden("validate-max-errors.txt", &ran.seen());
}

#[test]
fn a_script_gets_the_members_of_the_api() {
    let ran = Person::new().run(&["--json", "validate", "bad.csv", "good.csv"]).ended(1);
    let document = ran.json();
    let (bad, good) = (&document["files"][0], &document["files"][1]);
    assert_eq!((&bad["valid"], &good["valid"]), (&false.into(), &true.into()));
    assert_eq!(good["totals"]["EUR"], "9.30");
    assert_golden("validate-bad.json", &format!("{}\n", serde_json::to_string_pretty(bad).unwrap()));
}

#[test]
fn stdin_is_read_as_often_as_needed() {
    let file = std::fs::read(files().join("bad.csv")).unwrap();
    let ran = Person::new().run_with_input(&["validate", "-"], &file).ended(1);
    let expected = std::fs::read_to_string(files().join("../golden/validate-bad.txt")).unwrap();
    assert_eq!(ran.seen(), expected.replace("bad.csv", "<stdin>"));
}

#[test]
fn many_files_at_once_are_told_in_their_order() {
    let person = Person::new();
    let names: Vec<String> = (0..24).map(|at| format!("{at}.csv")).collect();
    let paths: Vec<String> = names
        .iter()
        .enumerate()
        .map(|(at, name)| {
            let mut text = "transaction_id,amount,currency,timestamp,merchant,status\n".to_owned();
            for row in 0..(24 - at) * 500 {
                writeln!(text, "T-{row},1,EUR,2026-01-15T10:00:00Z,m,completed").unwrap();
            }
            person.file(name, text).display().to_string()
        })
        .collect();
    let arguments: Vec<&str> =
        ["validate", "--jobs", "4"].into_iter().chain(paths.iter().map(String::as_str)).collect();
    let ran = person.run(&arguments).ended(0);
    let told: Vec<String> = ran.stdout.lines().map(|line| line.split(':').next().unwrap().to_owned()).collect();
    assert_eq!(told, paths);
}

#[test]
fn a_file_that_cannot_be_read_does_not_hide_the_others() {
    let ran = Person::new().run(&["validate", "nowhere.csv", ".", "good.csv"]).ended(2);
    assert!(ran.stdout.starts_with("good.csv: valid."), "{}", ran.stdout);
    assert_eq!(ran.stderr, "txn: nowhere.csv: there is no such file.\ntxn: .: is a directory\n");
}

#[test]
fn a_file_is_held_against_what_is_stated_of_it() {
    let person = Person::new();
    let run = |rows: &str, totals: &str| {
        person.run(&["validate", "good.csv", "--expected-rows", rows, "--expected-totals", totals])
    };
    run("2", "EUR=9.3").ended(0);
    let ran = run("3", "EUR=9.30,JPY=5").ended(1);
    assert_golden("validate-stated.txt", &ran.seen());
    for (rows, totals) in [("two", "EUR=9.3"), ("2", "EUR:9.3"), ("2", "EUR=1e3"), ("2", "EUR=1,EUR=1")] {
        run(rows, totals).ended(2);
    }
}

#[test]
fn a_refused_file_is_written_to_be_mended_and_sent_again() {
    let person = Person::new();
    let out = person.home.path().join("mend.csv");
    let out = out.to_str().unwrap();
    let ran = person.run(&["validate", "bad.csv", "--correctable", out]).ended(1);
    assert!(ran.stdout.contains("rejected records: 6. It has those alone, and nothing of"), "{}", ran.stdout);
    assert_golden("correctable-rejected.csv", &std::fs::read_to_string(out).unwrap());
    // Somebody may have begun to mend it.
    let nowhere = person.home.path().join("nowhere/mend.csv");
    for (out, expected) in
        [(out, "is there already, and may hold your corrections."), (nowhere.to_str().unwrap(), "no directory")]
    {
        let ran = person.run(&["--json", "validate", "bad.csv", "--correctable", out]).ended(2);
        assert!(ran.stderr.contains(expected) && ran.stdout.is_empty(), "{}{}", ran.stdout, ran.stderr);
    }
    let whole = person.home.path().join("whole.csv");
    let whole = whole.to_str().unwrap();
    let ran = person.run(&["validate", "bad.csv", "--correctable", whole, "--rows", "all"]).ended(1);
    assert!(ran.stdout.contains("rejected records: 6. Mend them and send the file.\n"), "{}", ran.stdout);
    let text = std::fs::read_to_string(whole).unwrap();
    assert_golden("correctable-all.csv", &text);
    // Nothing to mend in a good file, and nothing is written over.
    let none = person.home.path().join("none.csv");
    person.run(&["validate", "good.csv", "--correctable", none.to_str().unwrap()]).ended(0);
    assert!(!none.exists());
}

#[test]
fn a_mended_file_is_valid_with_its_notes() {
    let person = Person::new();
    let out = person.home.path().join("mend.csv");
    let file = "transaction_id,amount,currency,timestamp,merchant,status\nT-1,x,EUR,2026-01-15T10:00:00Z,=m,pending\n";
    let file = person.file("one.csv", file);
    person.run(&["validate", file.to_str().unwrap(), "--correctable", out.to_str().unwrap()]).ended(1);
    let mended = std::fs::read_to_string(&out).unwrap().replace(",x,", ",1.50,");
    let mended = person.file("mended.csv", mended);
    let ran = person.run(&["validate", mended.to_str().unwrap()]).ended(0);
    assert!(ran.stdout.contains("EUR 1.50"), "{}", ran.stdout);
}
