//! Takes payment webhooks. A webhook is checked against its signature, read strictly, stored once and published once,
//! however often and at however many places at once it is delivered.

mod delivery;
mod request;

use adapters::{Configuration, EventBus, Failure, FailureKind, PaymentTable, SigningSecrets, Tracer};
use api::gateway::{Answer, Api, ApiError};
use api::reference;
use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use domain::Timestamp;
use domain::payments::webhook::Payment;
use serde_json::{Value, json};

const API: Api = Api {
    subject: "transaction_id",
    unavailable: "The service could not finish the request. Send the same webhook again: the payment is stored once, however often it is sent.",
};

/// What the function reaches outside itself.
#[derive(Debug)]
pub struct Ports {
    /// The providers' secrets.
    pub secrets: SigningSecrets,
    /// The table of payments.
    pub payments: PaymentTable,
    /// The bus that payments are published on.
    pub bus: EventBus,
}

impl Ports {
    /// The ports of this environment.
    ///
    /// # Errors
    /// A variable of the environment is missing.
    pub fn new(configuration: &Configuration) -> Result<Self, Failure> {
        Ok(Self {
            secrets: SigningSecrets::new(configuration)?,
            payments: PaymentTable::new(configuration)?,
            bus: EventBus::new(configuration)?,
        })
    }
}

/// Handles one request of the API. It always gets an answer.
///
/// # Errors
/// None that a request can cause.
pub async fn handle(event: Value, ports: &Ports, tracer: &Tracer, now_ms: u64) -> Result<Value, Failure> {
    let answer = API.answer(event, |request| take(request, ports, tracer, now_ms)).await;
    serde_json::to_value(answer).map_err(|error| Failure::new(FailureKind::InvalidInput, format!("output: {error}")))
}

async fn take(
    request: ApiGatewayProxyRequest,
    ports: &Ports,
    tracer: &Tracer,
    now_ms: u64,
) -> Result<Answer, ApiError> {
    if (request.http_method.as_str(), request.resource.as_deref()) == ("GET", Some("/errors")) {
        // The types of our refusals lead there.
        return Ok(reference::errors());
    }
    request::must_be_json(&request)?;
    let body = request::body(&request)?;
    let signer = tracer.step("verify", request::signer(&request, &body, &ports.secrets, now_ms)).await?;
    let payment = match request::payment(&body, &signer)? {
        Ok(payment) => payment,
        Err(errors) => return Ok(request::invalid(&request, &errors)),
    };
    let outcome = delivery::deliver(&payment, ports, tracer, now_ms).await?;
    Ok(accepted(&payment, outcome == delivery::Outcome::Repeated, now_ms))
}

fn accepted(payment: &Payment, duplicate: bool, now_ms: u64) -> Answer {
    let message = match (duplicate, payment.event_type.is_routed()) {
        (true, _) => "This payment is known already; nothing was done again.",
        (false, true) => "The payment is stored and published.",
        (false, false) => "The payment is stored; events of this type go no further.",
    };
    let body = json!({
        "message": message,
        "transaction_id": payment.transaction_id,
        "timestamp": Timestamp::from_unix_milliseconds(now_ms).to_milliseconds_text(),
        "duplicate": duplicate,
    });
    Answer::json(200, &body)
}
