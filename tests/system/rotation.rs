//! Secrets that change and a bus that fails while webhooks are received. The test stacks read the secrets again every
//! second.

use crate::support::cloud::{Cloud, eventually};
use crate::support::provider::{Provider, sign};
use futures::lock::Mutex;
use serde_json::json;
use std::sync::LazyLock;

/// Each test changes the validator for all tests.
pub(crate) static TURN: LazyLock<Mutex<()>> = LazyLock::new(Mutex::default);

/// A secret of these bytes, as `make provider` makes it.
fn secret(byte: u8) -> String {
    use base64::Engine;
    format!("whsec_{}", base64::engine::general_purpose::STANDARD.encode([byte; 32]))
}

/// Sets the secrets of a provider.
pub(crate) async fn put(cloud: &Cloud, provider: &str, secrets: &[&str]) {
    put_text(cloud, provider, json!({ "secrets": secrets }).to_string()).await;
}

/// Sets the value of a provider's secret to any text.
pub(crate) async fn put_text(cloud: &Cloud, provider: &str, value: String) {
    let id = format!("webhook-signing/{}/{provider}", cloud.stack.suffix);
    cloud.secrets().put_secret_value().secret_id(id).secret_string(value).send().await.unwrap();
}

/// The status of the response to a webhook that is signed with this secret.
async fn status(provider: &Provider<'_>, secret: &str) -> u16 {
    let body = provider.payment("20", "EUR").to_string();
    provider.cloud.post_webhook(&sign(secret, &body, 0).headers(), &body).await.status
}

#[tokio::test]
async fn accepts_the_current_and_previous_secret_but_no_revoked_one() {
    let _turn = TURN.lock().await;
    let cloud = Cloud::of_stack("faults").await;
    let provider = cloud.provider();
    let (old, new) = (provider.secret.as_str(), secret(7));
    assert_eq!(status(&provider, old).await, 200);
    assert_eq!(status(&provider, &new).await, 401);
    put(&cloud, &provider.name, &[&new, old]).await;
    eventually("the new secret to be in effect", async || (status(&provider, &new).await == 200).then_some(())).await;
    assert_eq!(status(&provider, old).await, 200, "the sender has not changed yet");
    put(&cloud, &provider.name, &[&new]).await;
    eventually("the old secret to be rejected", async || (status(&provider, old).await == 401).then_some(())).await;
    assert_eq!(status(&provider, &new).await, 200);

    // A malformed secret is our error and not its provider's, and other providers are not affected.
    put(&cloud, &provider.name, &["whsec_short"]).await;
    eventually("the error to be returned", async || (status(&provider, &new).await == 503).then_some(())).await;
    assert_eq!(status(&cloud.other_provider(), &cloud.other_provider().secret).await, 200);
    put(&cloud, &provider.name, &[old]).await;
    eventually("the first secret to be back", async || (status(&provider, old).await == 200).then_some(())).await;
    assert_eq!(status(&cloud.other_provider(), &cloud.other_provider().secret).await, 200);
}

#[tokio::test]
async fn the_next_delivery_repeats_a_failed_publication() {
    let _turn = TURN.lock().await;
    let cloud = Cloud::of_stack("faults").await;
    let provider = cloud.other_provider();
    let payment = provider.payment("20", "EUR");
    let listener = cloud.listen(payment["transaction_id"].as_str().unwrap()).await;
    {
        // Nothing listens on the port of a test that has ended.
        let broken = Cloud::of_stack("faults").await;
        broken.set_variable("webhook-validator", "AWS_ENDPOINT_URL_EVENTBRIDGE", "http://127.0.0.1:9").await;
        let response = provider.send(&payment).await;
        assert_eq!((response.status, response.error()), (503, "service_unavailable"), "{}", response.body);
        assert!(provider.item(&payment).await.unwrap()["published_at_ms"].is_null());
    }
    let response = eventually("the bus to be back", async || {
        let response = provider.send(&payment).await;
        (response.status == 200).then_some(response)
    })
    .await;
    assert_eq!(response.body["duplicate"], false, "{}", response.body);
    listener.next().await;
    assert!(!provider.item(&payment).await.unwrap()["published_at_ms"].is_null());
    assert_eq!(provider.send(&payment).await.accepted().body["duplicate"], true);
    assert_eq!(listener.receive().await, None, "one payment, one event");
}
