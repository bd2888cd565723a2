//! Payments by webhook.

use crate::{person, stack, unique};

#[test]
fn a_payment_is_taken_once_and_has_one_content() {
    let person = person(&stack());
    let id = format!("txn-{}", unique());
    let send = |amount: &str| person.run(&["--json", "webhook", "send", "--transaction-id", &id, "--amount", amount]);
    assert_eq!(send("129.90").ended(0).json()["answer"]["duplicate"], false);
    assert_eq!(send("129.9").ended(0).json()["answer"]["duplicate"], true);
    assert_eq!(send("130").ended(1).json()["http_status"], 409);
    let wrong = person.with("TXN_WEBHOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    wrong.run(&["webhook", "send"]).ended(4);
}
