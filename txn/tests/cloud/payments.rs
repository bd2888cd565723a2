//! Payments by webhook.

use crate::{stack, unique, user};

#[test]
fn a_payment_is_accepted_once_with_one_content() {
    let user = user(&stack());
    let id = format!("txn-{}", unique());
    let send = |amount: &str| user.run(&["--json", "webhook", "send", "--transaction-id", &id, "--amount", amount]);
    assert_eq!(send("129.90").expect_code(0).json()["response"]["duplicate"], false);
    assert_eq!(send("129.9").expect_code(0).json()["response"]["duplicate"], true);
    assert_eq!(send("130").expect_code(1).json()["http_status"], 409);
    let wrong = user.with("TXN_WEBHOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    wrong.run(&["webhook", "send"]).expect_code(4);
}
