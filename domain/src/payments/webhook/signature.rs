//! Signatures by Standard Webhooks (standardwebhooks.com, specification 1.0.0): HMAC-SHA256 over
//! `{webhook-id}.{webhook-timestamp}.{body}`.
//!
//! This is a short implementation on `hmac`: the crate `standardwebhooks` reads the clock itself, and its latest
//! release, 1.0.1, compares only as many characters as the sender gives, so that it accepts the empty signature `v1,`.

use super::{Keyring, Provider, Secret};
use crate::limits::{
    SECRET_BYTES_MAX, WEBHOOK_HEADER_BYTES_MAX, WEBHOOK_SIGNATURES_MAX, WEBHOOK_TIMESTAMP_SECONDS_MAX,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The header with the id of a delivery, which is the same for its retries.
pub const ID_HEADER: &str = "webhook-id";
/// The header with the time of sending, in seconds since 1970.
pub const TIMESTAMP_HEADER: &str = "webhook-timestamp";
/// The header with one signature or several, separated by blanks.
pub const SIGNATURE_HEADER: &str = "webhook-signature";

const VERSION: &str = "v1";

/// The three headers of the request: every value of each name, so that a repeated header is detected.
#[derive(Clone, Copy, Debug, Default)]
pub struct SignatureHeaders<'a> {
    /// Values of [`ID_HEADER`].
    pub id: &'a [&'a [u8]],
    /// Values of [`TIMESTAMP_HEADER`].
    pub timestamp: &'a [&'a [u8]],
    /// Values of [`SIGNATURE_HEADER`].
    pub signature: &'a [&'a [u8]],
}

crate::values::codes::error_codes! {
    /// Why a webhook has no valid signature. This is for logs and metrics: the response to the sender, who may be
    /// anybody, only says that the signature is not valid.
    SignatureError;

    IdMissing "id_missing": "the webhook-id is absent or empty" => "send the delivery's id";
    IdRepeated "id_repeated": "there is more than one webhook-id" => "send one";
    IdMalformed "id_malformed": "the webhook-id has a dot, a blank or a character that is not printable ASCII"
        => "use letters, digits, underscores and hyphens";
    TimestampMissing "timestamp_missing": "the webhook-timestamp is absent or empty"
        => "send the time in seconds since 1970";
    TimestampRepeated "timestamp_repeated": "there is more than one webhook-timestamp" => "send one";
    TimestampMalformed "timestamp_malformed": "the webhook-timestamp is not a number of seconds"
        => "send the time in seconds since 1970, digits only";
    TimestampTooOld "timestamp_too_old": "the webhook-timestamp is more than 300 seconds ago"
        => "sign every attempt anew; check the clock";
    TimestampTooNew "timestamp_too_new": "the webhook-timestamp is more than 300 seconds ahead" => "check the clock";
    SignatureMissing "signature_missing": "the webhook-signature is absent or empty" => "send the signature";
    SignatureRepeated "signature_repeated": "there is more than one webhook-signature"
        => "send one header, its signatures separated by blanks";
    SignatureVersionUnknown "signature_version_unknown": "no signature is of version v1"
        => "sign by HMAC-SHA256 and write v1, before the base64";
    SignatureTooMany "signature_too_many": "there are more than 16 signatures" => "send one for each secret in use";
    HeaderTooLong "header_too_long": "one of the three headers is longer than 2048 bytes" => "shorten it";
    NoSecrets "no_secrets": "no provider has a secret" => "configure one";
    SignatureMismatch "signature_mismatch": "no secret gives one of the signatures"
        => "check the secret, and that the bytes that were signed are the bytes that were sent";
}

/// Finds the provider whose secret signed `body`. `now_ms` is our clock in milliseconds since 1970; its fraction of a
/// second is ignored, as in the reference libraries.
///
/// Every secret is tried, and each costs a pass over the body: reject a body larger than
/// [`WEBHOOK_BODY_BYTES_MAX`](crate::limits::WEBHOOK_BODY_BYTES_MAX) before. The comparison takes constant time.
///
/// # Errors
/// A [`SignatureError`]; everything that is not verified is rejected.
pub fn verify<'k>(
    headers: &SignatureHeaders<'_>,
    body: &[u8],
    keyring: &'k Keyring,
    now_ms: u64,
) -> Result<&'k Provider, SignatureError> {
    use SignatureError::*;
    let id = only_value(headers.id, IdMissing, IdRepeated)?;
    let timestamp = only_value(headers.timestamp, TimestampMissing, TimestampRepeated)?;
    let signature = only_value(headers.signature, SignatureMissing, SignatureRepeated)?;
    if !id.iter().all(|&byte| byte.is_ascii_graphic() && byte != b'.') {
        return Err(IdMalformed);
    }
    let sent_at = seconds(timestamp).ok_or(TimestampMalformed)?;
    let now = now_ms / 1000;
    if now.saturating_sub(sent_at) > WEBHOOK_TIMESTAMP_SECONDS_MAX {
        return Err(TimestampTooOld);
    }
    if sent_at.saturating_sub(now) > WEBHOOK_TIMESTAMP_SECONDS_MAX {
        return Err(TimestampTooNew);
    }
    let given = signatures(signature)?;
    if keyring.secrets().next().is_none() {
        return Err(NoSecrets);
    }
    keyring
        .secrets()
        .find(|(_, secret)| {
            let mac = mac(secret, id, timestamp, body);
            given.iter().any(|signature| mac.clone().verify_slice(signature).is_ok())
        })
        .map(|(provider, _)| provider)
        .ok_or(SignatureMismatch)
}

/// Signs `body` as a provider does. The result is the value of [`SIGNATURE_HEADER`]; `id` has no dot.
#[must_use]
pub fn sign(secret: &Secret, id: &str, timestamp_seconds: u64, body: &[u8]) -> String {
    let mac = mac(secret, id.as_bytes(), timestamp_seconds.to_string().as_bytes(), body);
    format!("{VERSION},{}", STANDARD.encode(mac.finalize().into_bytes()))
}

fn mac(secret: &Secret, id: &[u8], timestamp: &[u8], body: &[u8]) -> Hmac<Sha256> {
    // HMAC takes keys of any length; a secret has 64 bytes at most, which is one block of SHA-256.
    let mut block = [0; SECRET_BYTES_MAX];
    block[..secret.key().len()].copy_from_slice(secret.key());
    let mut mac = Hmac::<Sha256>::new(&block.into());
    for part in [id, b".", timestamp, b".", body] {
        mac.update(part);
    }
    mac
}

fn only_value<'a>(
    values: &[&'a [u8]],
    missing: SignatureError,
    repeated: SignatureError,
) -> Result<&'a [u8], SignatureError> {
    match values {
        [] | [[]] => Err(missing),
        [value] if value.len() > WEBHOOK_HEADER_BYTES_MAX => Err(SignatureError::HeaderTooLong),
        [value] => Ok(value),
        _ => Err(repeated),
    }
}

/// Reads digits only, without leading zeros, so that the signed text is canonical.
fn seconds(text: &[u8]) -> Option<u64> {
    let canonical = text.iter().all(u8::is_ascii_digit) && (text.len() == 1 || text.first() != Some(&b'0'));
    std::str::from_utf8(text).ok().filter(|_| canonical)?.parse().ok()
}

/// The decoded signatures of the supported version. One that is not base64 is ignored, since others may be right.
fn signatures(header: &[u8]) -> Result<Vec<Vec<u8>>, SignatureError> {
    let of_version: Vec<&[u8]> = header
        .split(|&byte| byte == b' ')
        .filter_map(|signature| signature.strip_prefix(VERSION.as_bytes())?.strip_prefix(b","))
        .take(WEBHOOK_SIGNATURES_MAX + 1)
        .collect();
    match of_version.len() {
        0 if header.iter().all(|&byte| byte == b' ') => Err(SignatureError::SignatureMissing),
        0 => Err(SignatureError::SignatureVersionUnknown),
        count if count > WEBHOOK_SIGNATURES_MAX => Err(SignatureError::SignatureTooMany),
        _ => Ok(of_version.into_iter().filter_map(|signature| STANDARD.decode(signature).ok()).collect()),
    }
}

#[cfg(test)]
mod tests;
