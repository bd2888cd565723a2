//! `txn day`, and `txn status` of a file on a day.

use crate::{csv, stack, user};

#[test]
fn lists_a_new_file_and_finds_it_by_id() {
    let stack = stack();
    let sender = user(&stack);
    let path = sender.file("file.csv", csv("2011-05-01", 2, "m"));
    let sent = sender.run(&["--json", "upload", path.to_str().unwrap(), "--wait"]).expect_code(0).json();
    let file_id = sent["files"][0]["response"]["file_id"].as_str().unwrap().to_owned();
    // Another machine of the same partner knows only the id.
    let elsewhere = user(&stack);
    let page = elsewhere.run(&["--json", "status", &file_id]).expect_code(0).json();
    assert_eq!(page["status"], "completed");
    let day = elsewhere.run(&["--json", "day"]);
    let partners = day.json()["partners"].as_array().unwrap().clone();
    assert_eq!((partners.len(), &partners[0]["partner"]), (1, &stack["partner"]));
    // An operator sees all partners, and the files of one partner.
    let operator = user(&stack).with("TXN_KEY", stack["operator_key"].as_str().unwrap());
    let all = operator.run(&["--json", "day"]).json();
    assert!(all["partners"].as_array().unwrap().iter().any(|one| one["partner"] == stack["partner"]));
    let one = operator.run(&["--json", "day", "--partner", stack["partner"].as_str().unwrap()]).json();
    assert!(one["files"].as_array().unwrap().iter().any(|file| file["file_id"] == file_id.as_str()));
    // An operator finds a file of any partner by its id, on another machine.
    let operator = user(&stack).with("TXN_KEY", stack["operator_key"].as_str().unwrap());
    assert_eq!(operator.run(&["--json", "status", &file_id]).expect_code(0).json()["status"], "completed");
    operator.run(&["upload", path.to_str().unwrap()]).expect_code(4);
}
