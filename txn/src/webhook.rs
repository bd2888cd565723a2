//! `txn webhook send`: signs a test payment as a provider does, and sends it.

use crate::check::now_ms;
use crate::cli::WebhookArguments;
use crate::http::{Http, Request};
use crate::print;
use crate::problem::{Exit, Problem};
use crate::settings::{Hidden, Settings, given, safe_url, secret_of, variable};
use crate::source::Source;
use domain::limits::WEBHOOK_BODY_BYTES_MAX;
use domain::payments::webhook::Secret;
use domain::payments::webhook::signature::{ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, sign};
use serde_json::json;
use std::io::{Cursor, Read};

pub(crate) fn send(arguments: &WebhookArguments, settings: &Settings, as_json: bool) -> Result<Exit, Problem> {
    let profile = &settings.profile;
    let url = given(arguments.url.as_deref()).or(profile.webhook_url.as_deref()).ok_or_else(|| {
        Problem::usage("webhook_url_missing", "Where to? Name the webhook's address by --url or TXN_WEBHOOK_URL.")
    })?;
    let url = safe_url(url)?;
    let secret = secret(arguments, settings)?;
    let body = body(arguments, settings)?;
    let id = format!("msg_{:016x}", chance()?);
    let timestamp = now_ms() / 1000;
    let headers = vec![
        ("content-type", "application/json".to_owned()),
        (ID_HEADER, id.clone()),
        (TIMESTAMP_HEADER, timestamp.to_string()),
        (SIGNATURE_HEADER, sign(&secret, &id, timestamp, &body)),
    ];
    let reader = || -> Result<Box<dyn Read + Send + Sync>, Problem> { Ok(Box::new(Cursor::new(body.clone()))) };
    // The retries end long before the signature does, and a payment that comes twice is one payment.
    let request = Request { method: "POST", url: &url, headers, bytes: body.len() as u64, body: &reader };
    let answer = Http::new()?.ask(&request)?;
    if as_json {
        print::json(&json!({"http_status": answer.status, "answer": answer.json()}))?;
    } else {
        print::line(format!("HTTP {}", answer.status))?;
        print::line(serde_json::to_string_pretty(&answer.json()).unwrap_or_default())?;
    }
    Ok(match answer.status {
        200 => Exit::Well,
        401 | 403 => Exit::Denied,
        429 | 500.. => Exit::Unavailable,
        _ => Exit::NotWell,
    })
}

fn secret(arguments: &WebhookArguments, settings: &Settings) -> Result<Secret, Problem> {
    let found: Option<Hidden> = match &arguments.secret_file {
        Some(path) => Some(secret_of(path)?),
        None => variable("TXN_WEBHOOK_SECRET").or_else(|| settings.profile.webhook_secret.clone()),
    };
    let found = found.ok_or_else(|| {
        Problem::usage(
            "webhook_secret_missing",
            "Which secret? Name a file by --secret-file, set TXN_WEBHOOK_SECRET, or set webhook_secret in the configuration.",
        )
    })?;
    Secret::parse(found.reveal()).map_err(|fault| Problem::usage("webhook_secret_malformed", format!("{fault}.")))
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
    let provider = given(arguments.provider.as_deref()).or(settings.profile.webhook_provider.as_deref());
    let provider = provider.ok_or_else(|| {
        Problem::usage(
            "webhook_provider_missing",
            "Whose payment? Name the provider by --provider or TXN_WEBHOOK_PROVIDER.",
        )
    })?;
    let id = match &arguments.transaction_id {
        Some(id) => id.clone(),
        None => format!("txn-test-{:016x}", chance()?),
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

fn chance() -> Result<u64, Problem> {
    getrandom::u64().map_err(|error| Problem::new(Exit::Unavailable, "randomness_unavailable", error.to_string()))
}
