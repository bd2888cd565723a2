//! A request before anything of it is believed: its bytes, its signer, and only then its content.

use adapters::gateway::{Answer, NoAnswer, Refusal, is_json};
use adapters::{SigningSecrets, logging};
use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::limits::WEBHOOK_BODY_BYTES_MAX;
use domain::webhook::signature::{
    self, ID_HEADER, SIGNATURE_HEADER, SignatureFault, SignatureHeaders, TIMESTAMP_HEADER,
};
use domain::webhook::{Payment, PaymentFault, Provider};
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
) -> Result<Provider, NoAnswer> {
    let [id, timestamp, signature] = [ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER].map(|name| values(request, name));
    let headers = SignatureHeaders { id: &id, timestamp: &timestamp, signature: &signature };
    let verify = |keyring: &_| signature::verify(&headers, body, keyring, now_ms).cloned();
    let fits_none = |fault| matches!(fault, SignatureFault::SignatureMismatch | SignatureFault::NoSecrets);
    let mut known = secrets.current(now_ms).await?;
    let mut result = verify(&known.keyring);
    if result.as_ref().is_err_and(|fault| fits_none(*fault)) {
        known = secrets.newest(now_ms).await?;
        result = verify(&known.keyring);
    }
    result.map_err(|fault| match &known.unreadable {
        // It may be signed by the secret that we could not read.
        Some(failure) if fits_none(fault) => failure.clone().into(),
        _ => {
            tracing::warn!(code = fault.as_str(), "the signature is not valid");
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

/// The payment that the signer announces, or every fault of it.
pub(crate) fn payment(body: &[u8], signer: &Provider) -> Result<Result<Payment, Vec<PaymentFault>>, Refusal> {
    let payment = match Payment::read(body) {
        Ok(payment) => payment,
        Err(faults) => return Ok(Err(faults)),
    };
    if payment.provider != *signer {
        tracing::warn!(signer = signer.as_str(), code = "provider_not_signer", "the signature is not valid");
        return Err(unsigned());
    }
    logging::set_transaction_id(&payment.transaction_id);
    tracing::info!(provider = signer.as_str(), "signed and valid");
    Ok(Ok(payment))
}

/// The answer to a body with faults. It repeats nothing of the body.
pub(crate) fn faulty(request: &ApiGatewayProxyRequest, faults: &[PaymentFault]) -> Answer {
    let codes: Vec<&str> = faults.iter().map(|fault| fault.code.as_str()).collect();
    tracing::info!(?codes, "the payment has faults");
    let errors: Vec<Value> = faults.iter().map(error).collect();
    let body = json!({
        "error": "invalid_payment",
        "message": format!("The payment was refused; nothing of it was stored. Errors: {}.", faults.len()),
        "transaction_id": null,
        "request_id": request.request_context.request_id,
        "errors": errors,
    });
    Answer::json(400, &body)
}

fn error(fault: &PaymentFault) -> Value {
    json!({
        "field": fault.field.map(|field| field.as_str()),
        "byte": fault.byte,
        "code": fault.code.as_str(),
        "reason": fault.reason,
        "fix": fault.code.fix(),
    })
}
