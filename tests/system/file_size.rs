//! The exact size limit of a file that is uploaded through the API.

use crate::support::cloud::Cloud;
use crate::support::files;

#[tokio::test]
async fn enforces_the_exact_size_limit() {
    const LIMIT: usize = 4_500_000;
    let cloud = Cloud::open().await;
    let bank = cloud.partner().await;
    let largest = files::file_of_bytes(LIMIT);
    let response = bank.upload(&largest).await.accepted();
    let row = cloud.ended(response.text("file_id"), 1).await;
    assert_eq!(row["status"], "completed", "{row}");

    let too_large = [&largest[..], b"\n"].concat();
    let response = bank.upload(&too_large).await;
    response.assert_rejected(413, "file_too_large");
    assert!(response.text("message").contains("POST /uploads"), "no hint about large files: {}", response.body);
    let response = bank.upload(&files::file_of_bytes(11_000_000)).await;
    assert_eq!(response.status, 413, "{}", response.body);
    assert!(["file_too_large", "request_too_large"].contains(&response.error()), "{}", response.body);
    response.assert_rejected(413, response.error());
}
