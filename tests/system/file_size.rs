//! The bound on a file that comes through the API, to the byte.

use crate::support::cloud::Cloud;
use crate::support::files;

#[tokio::test]
async fn size_is_limited_exactly() {
    const LIMIT: usize = 4_500_000;
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let largest = files::file_of_bytes(LIMIT);
    let answer = bank.upload(&largest).await.accepted();
    let row = cloud.ended(answer.text("file_id"), 1).await;
    assert_eq!(row["status"], "completed", "{row}");

    let too_large = [&largest[..], b"\n"].concat();
    let answer = bank.upload(&too_large).await;
    answer.refused(413, "file_too_large");
    assert!(answer.text("message").contains("POST /uploads"), "the way for large files: {}", answer.body);
    let answer = bank.upload(&files::file_of_bytes(11_000_000)).await;
    assert_eq!(answer.status, 413, "{}", answer.body);
    assert!(["file_too_large", "request_too_large"].contains(&answer.error()), "{}", answer.body);
    answer.refused(413, answer.error());
}
