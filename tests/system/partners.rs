//! Partners are independent of each other.

use crate::support::cloud::{Cloud, unique};
use crate::support::files::{self, decimal, file_id, record_of};

#[tokio::test]
async fn two_partners_may_use_one_transaction_id() {
    let cloud = Cloud::open().await;
    let (one, other) = (cloud.partner().await, cloud.partner().await);
    one.upload_and_complete(&files::file(&[record_of("T1", "1.00")])).await;
    other.upload_and_complete(&files::file(&[record_of("T1", "2.00")])).await;
    // The same bytes from both are two files.
    let same = files::file(&[record_of("T2", "3.00")]);
    let (of_one, _) = one.upload_and_complete(&same).await;
    let (of_other, _) = other.upload_and_complete(&same).await;
    assert_ne!(of_one.text("file_id"), of_other.text("file_id"));
    for (bank, id, amount) in [(&one, "T1", "1"), (&other, "T1", "2"), (&one, "T2", "3"), (&other, "T2", "3")] {
        let row = bank.transaction(id).await.unwrap();
        assert_eq!(
            (decimal(row["amount"].as_str().unwrap()).as_str(), &row["partner"]),
            (amount, &bank.partner.clone().into())
        );
    }
    assert_eq!(one.transaction("T2").await.unwrap()["file_id"], file_id(&one.partner, &same));
}

#[tokio::test]
async fn a_partner_may_have_several_keys() {
    let cloud = Cloud::open().await;
    let first = cloud.partner().await;
    let second = cloud.partner_named(&first.partner, &cloud.stack.usage_plan_id).await;
    assert_ne!(first.key, second.key);
    let file = files::file(&[record_of("T1", "1.00")]);
    let (response, _) = first.upload_and_complete(&file).await;
    let repeat = second.upload(&file).await.accepted();
    assert_eq!((repeat.text("file_id"), &repeat.body["duplicate"]), (response.text("file_id"), &true.into()));
}

#[tokio::test]
async fn an_unnamed_key_is_identified_by_its_digest() {
    let cloud = Cloud::open().await;
    let key = format!("{}{}", unique(), unique());
    let partner = domain::Partner::of_api_key(&key).as_str().to_owned();
    assert!(partner.starts_with("key-") && !partner.contains(&key));
    let somebody = cloud.uploader(&partner, &key, &cloud.stack.usage_plan_id).await;
    let (_, row) = somebody.upload_and_complete(&files::file(&[record_of("T1", "1.00")])).await;
    assert_eq!(row["partner"], partner);
    assert!(!row.to_string().contains(&key), "a key is never stored: {row}");
    assert_eq!(somebody.transaction("T1").await.unwrap()["partner"], partner);
}
