//! A request before anything of it is believed: its bytes, its signer, and only then its content.

use adapters::{SigningSecrets, logging};
use api::gateway::{Answer, ApiError, Refusal, is_json};
use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::limits::WEBHOOK_BODY_BYTES_MAX;
use domain::payments::webhook::signature::{
    self, ID_HEADER, SIGNATURE_HEADER, SignatureError, SignatureHeaders, TIMESTAMP_HEADER,
};
use domain::payments::webhook::{Payment, PaymentError, Provider};
use serde_json::{Value, json};

/// Refuses a body that is not said to be JSON. A header that is repeated says so each time.
pub(crate) fn must_be_json(request: &ApiGatewayProxyRequest) -> Result<(), Refusal> {
    let said = values(request, "content-type");
    if !said.is_empty() && said.iter().all(|value| is_json(value)) {
        return Ok(());
    }
    tracing::info!(code = "content_type_unsupported", "the body is not said to be JSON");
    Err(Refusal::new(415, "content_type_unsupported", "Send the payment as application/json."))
}

/// The bytes of the body, as they were signed.
pub(crate) fn body(request: &ApiGatewayProxyRequest) -> Result<Vec<u8>, Refusal> {
    let text = request.body.as_deref().unwrap_or_default();
    let body = if request.is_base64_encoded {
        STANDARD.decode(text).map_err(|_| Refusal::new(400, "body_not_base64", "The body could not be read."))?
    } else {
        text.as_bytes().to_vec()
    };
    if body.len() > WEBHOOK_BODY_BYTES_MAX {
        let message = format!("The body is larger than {WEBHOOK_BODY_BYTES_MAX} bytes. Send less metadata.");
        return Err(Refusal::new(413, "body_too_large", message));
    }
    Ok(body)
}

/// The provider whose secret signed the request. The sender, who may be anybody, only hears that nothing was proven.
pub(crate) async fn signer(
    request: &ApiGatewayProxyRequest,
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
fn values<'r>(request: &'r ApiGatewayProxyRequest, name: &str) -> Vec<&'r [u8]> {
    let mut values: Vec<&[u8]> =
        request.multi_value_headers.get_all(name).iter().map(|value| value.as_bytes()).collect();
    if values.is_empty() {
        values.extend(request.headers.get(name).map(|value| value.as_bytes()));
    }
    values
}

fn unsigned() -> Refusal {
    Refusal::new(
        401,
        "signature_invalid",
        "The webhook's signature is not valid. Sign webhook-id, webhook-timestamp and the bytes of the body by Standard \
         Webhooks with your present secret, with a clock that is right.",
    )
}

/// The payment that the signer announces, or every error of it.
pub(crate) fn payment(body: &[u8], signer: &Provider) -> Result<Result<Payment, Vec<PaymentError>>, Refusal> {
    let payment = match Payment::read(body) {
        Ok(payment) => payment,
        Err(errors) => return Ok(Err(errors)),
    };
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
    Ok(Ok(payment))
}

/// The answer to a body with errors. It repeats nothing of the body.
pub(crate) fn invalid(request: &ApiGatewayProxyRequest, errors: &[PaymentError]) -> Answer {
    let codes: Vec<&str> = errors.iter().map(|error| error.code.as_str()).collect();
    tracing::info!(event = "payment_rejected", ?codes, "the payment has errors");
    let errors: Vec<Value> = errors.iter().map(error).collect();
    let body = json!({
        "error": "invalid_payment",
        "message": format!("The payment was refused; nothing of it was stored. Errors: {}.", errors.len()),
        "transaction_id": null,
        "request_id": request.request_context.request_id,
        "errors": errors,
    });
    Answer::json(400, &body)
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
