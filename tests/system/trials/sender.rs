//! A client that retries until it gets a response other than a failure, as the README asks it to.

use super::chance::Chance;
use reqwest::RequestBuilder;
use serde_json::Value;
use std::time::Duration;

/// How often a client tries. Faults end sooner.
const TRIES_MAX: u32 = 60;
const PATIENCE: Duration = Duration::from_secs(40);

/// A response that is not the failure of a service.
#[derive(Debug)]
pub(super) struct LastResponse {
    pub(super) status: u16,
    /// The body as JSON, or as text where it is none.
    pub(super) body: Value,
}

/// Sends a request until the response is not a failure. Sometimes the client gives up waiting or loses its connection,
/// and sends the request again although the first one may be in progress.
pub(super) async fn send(mut chance: Chance, request: impl Fn() -> RequestBuilder) -> LastResponse {
    for _ in 0..TRIES_MAX {
        let patience = if chance.percent(10) { Duration::from_millis(chance.between(5, 500)) } else { PATIENCE };
        match tokio::time::timeout(patience, once(request())).await {
            Ok(Ok(last)) if last.status < 500 && last.status != 429 => return last,
            _ => tokio::time::sleep(Duration::from_millis(chance.between(20, 400))).await,
        }
    }
    panic!("only failures in {TRIES_MAX} tries");
}

async fn once(request: RequestBuilder) -> Result<LastResponse, reqwest::Error> {
    let response = request.send().await?;
    let status = response.status().as_u16();
    let text = response.text().await?;
    Ok(LastResponse { status, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) })
}
