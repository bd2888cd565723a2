//! The status of a file: who may read it.

use crate::support::cloud::Cloud;
use crate::support::files::{self, record};

#[tokio::test]
async fn a_partner_cannot_read_another_partners_status() {
    let cloud = Cloud::open().await;
    let (bank, other) = (cloud.partner().await, cloud.partner().await);
    let file = files::file(&[record("T1")]);
    let (mine, _) = bank.upload_and_complete(&file).await;
    let (theirs, _) = other.upload_and_complete(&file).await;
    let (id, token) = mine.text("status_path").strip_prefix("/files/").unwrap().split_once("?token=").unwrap();
    let (their_id, their_token) =
        theirs.text("status_path").strip_prefix("/files/").unwrap().split_once("?token=").unwrap();
    assert_ne!((id, token), (their_id, their_token));
    assert!(token.len() >= 32, "a token of {} characters can be guessed", token.len());

    for path in [
        format!("/files/{id}"),
        format!("/files/{id}?token="),
        format!("/files/{id}?token={their_token}"),
        format!("/files/{id}?token={}", &token[..token.len() - 1]),
        format!("/files/{id}?token={token}0"),
        format!("/files/{id}?token={}", token.to_uppercase() + "x"),
        format!("/files/{id}?token={their_token}&token={their_token}"),
        format!("/files/{their_id}?token={token}"),
        format!("/files/{}?token={token}", "0".repeat(32)),
        format!("/files/{}?token={token}", id.to_uppercase() + "0"),
        format!("/files/%20{id}?token={token}"),
        format!("/files/%00?token={token}"),
    ] {
        let response = cloud.get(&path).await;
        assert_eq!((response.status, response.error()), (404, "file_not_found"), "{path}: {}", response.body);
        response.assert_rejected(404, "file_not_found");
    }
    assert_eq!(cloud.get(mine.text("status_path")).await.accepted().body["file_id"], id);
}

#[tokio::test]
async fn a_status_link_keeps_working() {
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let file = files::file(&[record("T1")]);
    let (first, _) = bank.upload_and_complete(&file).await;
    let repeat = bank.upload(&file).await.accepted();
    let again = bank.upload_again(&file).await.accepted();
    assert_eq!(first.text("status_path"), repeat.text("status_path"));
    assert_eq!(first.text("status_path"), again.text("status_path"));
    cloud.ended(first.text("file_id"), 2).await;
    let status = cloud.get(first.text("status_path")).await.accepted().body;
    assert_eq!((status["attempt"].as_u64(), status["status"].as_str()), (Some(2), Some("completed")));
}
