//! Days. (For txn/tests/cloud/days.rs with `mod days;` in main.rs, once part E is merged.)

use crate::{csv, person, stack};

#[test]
fn a_day_shows_the_file_that_was_just_sent_and_finds_it_by_its_id() {
    let stack = stack();
    let sender = person(&stack);
    let path = sender.file("file.csv", csv("2011-05-01", 2, "m"));
    let sent = sender.run(&["--json", "upload", path.to_str().unwrap(), "--wait"]).ended(0).json();
    let file_id = sent["files"][0]["answer"]["file_id"].as_str().unwrap().to_owned();
    // Another machine of the same partner knows nothing but the id.
    let elsewhere = person(&stack);
    let page = elsewhere.run(&["--json", "status", &file_id]).ended(0).json();
    assert_eq!(page["status"], "completed");
    let day = elsewhere.run(&["--json", "day"]);
    let partners = day.json()["partners"].as_array().unwrap().clone();
    assert_eq!((partners.len(), &partners[0]["partner"]), (1, &stack["partner"]));
    // An operator sees all, and the files of one.
    let operator = person(&stack).with("TXN_KEY", stack["operator_key"].as_str().unwrap());
    let all = operator.run(&["--json", "day"]).json();
    assert!(all["partners"].as_array().unwrap().iter().any(|one| one["partner"] == stack["partner"]));
    let one = operator.run(&["--json", "day", "--partner", stack["partner"].as_str().unwrap()]).json();
    assert!(one["files"].as_array().unwrap().iter().any(|file| file["file_id"] == file_id.as_str()));
    // And finds a file of whomever by its id alone, on a machine that knows nothing of it.
    let operator = person(&stack).with("TXN_KEY", stack["operator_key"].as_str().unwrap());
    assert_eq!(operator.run(&["--json", "status", &file_id]).ended(0).json()["status"], "completed");
    operator.run(&["upload", path.to_str().unwrap()]).ended(4);
}
