//! A request before it is trusted: its bytes, its signer, and only then its content.

use adapters::{SigningSecrets, logging};
use api::request::is_json;
use api::{ApiError, Code, Rejection};
use domain::limits::WEBHOOK_BODY_BYTES_MAX;
use domain::payments::webhook::signature::{
    self, ID_HEADER, SIGNATURE_HEADER, SignatureError, SignatureHeaders, TIMESTAMP_HEADER,
};
use domain::payments::webhook::{Payment, PaymentError, Provider};
use lambda_http::Request;
use serde_json::{Value, json};

/// Rejects a body whose content type is not JSON. Each value of a repeated header must be.
pub(crate) fn must_be_json(request: &Request) -> Result<(), Rejection> {
    let types = values(request, "content-type");
    if !types.is_empty() && types.iter().all(|value| is_json(value)) {
        return Ok(());
    }
    Err(Rejection::new(Code::ContentTypeUnsupported, "Send the payment as application/json."))
}

/// The bytes of the body, as they were signed.
pub(crate) fn body(request: &Request) -> Result<&[u8], Rejection> {
    let body: &[u8] = request.body();
    if body.len() > WEBHOOK_BODY_BYTES_MAX {
        let message = format!("The body is larger than {WEBHOOK_BODY_BYTES_MAX} bytes. Send less metadata.");
        return Err(Rejection::new(Code::BodyTooLarge, message));
    }
    Ok(body)
}

/// The provider whose secret signed the request. The response does not say why a signature is not valid, since anybody may
/// send a request.
pub(crate) async fn signer(
    request: &Request,
    body: &[u8],
    secrets: &SigningSecrets,
    now_ms: u64,
) -> Result<Provider, ApiError> {
    let [id, timestamp, signature] = [ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER].map(|name| values(request, name));
    let headers = SignatureHeaders { id: &id, timestamp: &timestamp, signature: &signature };
    let verify = |keyring: &_| signature::verify(&headers, body, keyring, now_ms).cloned();
    let fits_none = |error| matches!(error, SignatureError::SignatureMismatch | SignatureError::NoSecrets);
    let mut known = secrets.current(now_ms).await?;
    let mut result = verify(&known.keyring);
    if result.as_ref().is_err_and(|error| fits_none(*error)) {
        known = secrets.newest(now_ms).await?;
        result = verify(&known.keyring);
    }
    result.map_err(|error| match &known.unreadable {
        // It may be signed by the secret that we could not read.
        Some(failure) if fits_none(error) => failure.clone().into(),
        _ => {
            tracing::warn!(event = "signature_invalid", code = error.as_str(), "the signature is not valid");
            unsigned().into()
        }
    })
}

/// Every value of a header, so that a repeated one is seen.
fn values<'r>(request: &'r Request, name: &str) -> Vec<&'r [u8]> {
    request.headers().get_all(name).iter().map(|value| value.as_bytes()).collect()
}

fn unsigned() -> Rejection {
    Rejection::new(
        Code::SignatureInvalid,
        "The webhook's signature is not valid. Sign webhook-id, webhook-timestamp and the bytes of the body by Standard \
         Webhooks with your current secret, with a clock that is right.",
    )
}

/// The payment that the signer sends.
pub(crate) fn payment(body: &[u8], signer: &Provider) -> Result<Payment, Rejection> {
    let payment = Payment::read(body).map_err(|errors| invalid(&errors))?;
    if payment.provider != *signer {
        tracing::warn!(
            event = "signature_invalid",
            signer = signer.as_str(),
            code = "provider_not_signer",
            "the signature is not valid"
        );
        return Err(unsigned());
    }
    logging::set_transaction_id(&payment.transaction_id);
    tracing::info!(event = "signature_valid", provider = signer.as_str(), "signed and valid");
    Ok(payment)
}

/// The rejection of a body with errors. It repeats nothing of the body.
fn invalid(errors: &[PaymentError]) -> Rejection {
    let codes: Vec<&str> = errors.iter().map(|error| error.code.as_str()).collect();
    tracing::info!(event = "payment_rejected", ?codes, "the payment has errors");
    let message = format!("The payment was rejected; nothing of it was stored. Errors: {}.", errors.len());
    Rejection::new(Code::InvalidPayment, message)
        .with_members([("transaction_id", Value::Null), ("errors", errors.iter().map(error).collect())])
}

fn error(error: &PaymentError) -> Value {
    json!({
        "field": error.field.map(|field| field.as_str()),
        "byte": error.byte,
        "code": error.code.as_str(),
        "reason": error.reason,
        "fix": error.code.fix(),
    })
}
