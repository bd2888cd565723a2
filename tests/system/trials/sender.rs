//! A client that sends until it is answered, as the README asks it to.

use super::chance::Chance;
use reqwest::RequestBuilder;
use serde_json::Value;
use std::time::Duration;

/// How often a client tries. Faults end sooner.
const TRIES_MAX: u32 = 60;
const PATIENCE: Duration = Duration::from_secs(40);

/// An answer that is none of a service that fails.
#[derive(Debug)]
pub(super) struct LastResponse {
    pub(super) status: u16,
    /// The body as JSON, or as text where it is none.
    pub(super) body: Value,
}

/// Sends a request until it is answered by something else than a failure. Now and then the client loses its patience, or its
/// connection, and sends it again although the first one may be at work.
pub(super) async fn send(mut chance: Chance, request: impl Fn() -> RequestBuilder) -> LastResponse {
    for _ in 0..TRIES_MAX {
        let patience = if chance.percent(10) { Duration::from_millis(chance.between(5, 500)) } else { PATIENCE };
        match tokio::time::timeout(patience, once(request())).await {
            Ok(Ok(last)) if last.status < 500 && last.status != 429 => return last,
            _ => tokio::time::sleep(Duration::from_millis(chance.between(20, 400))).await,
        }
    }
    panic!("no answer but failures in {TRIES_MAX} tries");
}

async fn once(request: RequestBuilder) -> Result<LastResponse, reqwest::Error> {
    let response = request.send().await?;
    let status = response.status().as_u16();
    let text = response.text().await?;
    Ok(LastResponse { status, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) })
}
