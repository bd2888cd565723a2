//! `txn webhook send`: signs and sends a test payment, as a provider does.

use crate::calendar::now_ms;
use crate::cli::WebhookArguments;
use crate::http::{Http, Request};
use crate::print;
use crate::problem::{Exit, Problem};
use crate::settings::{Settings, non_empty, read_secret, safe_url, variable};
use crate::source::Source;
use domain::Redacted;
use domain::limits::WEBHOOK_BODY_BYTES_MAX;
use domain::payments::webhook::Secret;
use domain::payments::webhook::signature::{ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, sign};
use serde_json::json;
use std::io::{Cursor, Read};

pub(crate) fn send(arguments: &WebhookArguments, settings: &Settings, as_json: bool) -> Result<Exit, Problem> {
    let profile = &settings.profile;
    let url = non_empty(arguments.url.as_deref()).or(profile.webhook_url.as_deref()).ok_or_else(|| {
        Problem::usage("webhook_url_missing", "The URL of the webhook is missing. Set --url or TXN_WEBHOOK_URL.")
    })?;
    let url = safe_url(url)?;
    let secret = secret(arguments, settings)?;
    let body = body(arguments, settings)?;
    let id = format!("msg_{:016x}", random_u64()?);
    let timestamp = now_ms() / 1000;
    let headers = vec![
        ("content-type", "application/json".to_owned()),
        (ID_HEADER, id.clone()),
        (TIMESTAMP_HEADER, timestamp.to_string()),
        (SIGNATURE_HEADER, sign(&secret, &id, timestamp, &body)),
    ];
    let reader = || -> Result<Box<dyn Read + Send + Sync>, Problem> { Ok(Box::new(Cursor::new(body.clone()))) };
    // The retries end long before the signature expires, and a repeated payment is a duplicate.
    let request = Request { method: "POST", url: &url, headers, bytes: body.len() as u64, body: &reader };
    let response = Http::new()?.send(&request)?;
    if as_json {
        print::json(&json!({"http_status": response.status, "response": response.json()}))?;
    } else {
        print::line(format!("HTTP {}", response.status))?;
        print::line(serde_json::to_string_pretty(&response.json()).unwrap_or_default())?;
    }
    Ok(match response.status {
        200 => Exit::Success,
        401 | 403 => Exit::Denied,
        429 | 500.. => Exit::Unavailable,
        _ => Exit::Failure,
    })
}

fn secret(arguments: &WebhookArguments, settings: &Settings) -> Result<Secret, Problem> {
    let found: Option<Redacted<String>> = match &arguments.secret_file {
        Some(path) => Some(read_secret(path)?),
        None => variable("TXN_WEBHOOK_SECRET").or_else(|| settings.profile.webhook_secret.clone()),
    };
    let found = found.ok_or_else(|| {
        Problem::usage(
            "webhook_secret_missing",
            "The webhook secret is missing. Set --secret-file, TXN_WEBHOOK_SECRET, or webhook_secret in the profile.",
        )
    })?;
    Secret::parse(found.reveal()).map_err(|error| Problem::usage("webhook_secret_malformed", format!("{error}.")))
}

/// What is sent: a payment of the options, or a body as it is.
fn body(arguments: &WebhookArguments, settings: &Settings) -> Result<Vec<u8>, Problem> {
    if let Some(path) = &arguments.body {
        let source = Source::open(path)?;
        let body = source.bytes_at(0, WEBHOOK_BODY_BYTES_MAX + 1).map_err(|error| source.unreadable(&error))?;
        return if body.len() <= WEBHOOK_BODY_BYTES_MAX {
            Ok(body)
        } else {
            Err(Problem::usage("body_too_large", format!("A body has at most {WEBHOOK_BODY_BYTES_MAX} bytes.")))
        };
    }
    let provider = non_empty(arguments.provider.as_deref()).or(settings.profile.webhook_provider.as_deref());
    let provider = provider.ok_or_else(|| {
        Problem::usage("webhook_provider_missing", "The provider is missing. Set --provider or TXN_WEBHOOK_PROVIDER.")
    })?;
    let id = match &arguments.transaction_id {
        Some(id) => id.clone(),
        None => format!("txn-test-{:016x}", random_u64()?),
    };
    let payment = json!({
        "transaction_id": id,
        "amount": arguments.amount,
        "currency": arguments.currency,
        "provider": provider,
        "customer_id": arguments.customer,
    });
    Ok(payment.to_string().into_bytes())
}

fn random_u64() -> Result<u64, Problem> {
    getrandom::u64().map_err(|error| Problem::new(Exit::Unavailable, "randomness_unavailable", error.to_string()))
}
