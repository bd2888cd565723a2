//! Takes payment webhooks. A webhook is checked against its signature, read strictly, stored once and published once,
//! however often and at however many places at once it is delivered.

mod delivery;
mod request;

use adapters::{Configuration, EventBus, Failure, FailureKind, PaymentTable, SigningSecrets, Tracer};
use api::routes::{WebhookOperation, webhooks};
use api::{ApiError, Response, reference, response};
use domain::Timestamp;
use domain::payments::webhook::Payment;
use lambda_http::Request;
use serde_json::{Value, json};

/// What the function uses outside itself.
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

/// Handles one request of the API. It always gets a response.
///
/// # Errors
/// None that a request can cause.
pub async fn handle(event: Value, ports: &Ports, tracer: &Tracer, now_ms: u64) -> Result<Value, Failure> {
    let handle = |operation, request| respond(operation, request, ports, tracer, now_ms);
    let response = webhooks::API.respond(event, handle).await;
    serde_json::to_value(response).map_err(|error| Failure::new(FailureKind::InvalidInput, format!("output: {error}")))
}

async fn respond(
    operation: WebhookOperation,
    request: Request,
    ports: &Ports,
    tracer: &Tracer,
    now_ms: u64,
) -> Result<Response, ApiError> {
    match operation {
        WebhookOperation::Receive => receive(&request, ports, tracer, now_ms).await,
        // The types of rejections link there.
        WebhookOperation::ShowErrors => Ok(reference::errors()),
    }
}

async fn receive(request: &Request, ports: &Ports, tracer: &Tracer, now_ms: u64) -> Result<Response, ApiError> {
    request::must_be_json(request)?;
    let body = request::body(request)?;
    let signer = tracer.step("verify", request::signer(request, body, &ports.secrets, now_ms)).await?;
    let payment = request::payment(body, &signer)?;
    let outcome = delivery::deliver(&payment, ports, tracer, now_ms).await?;
    Ok(accepted(&payment, outcome == delivery::Outcome::Repeated, now_ms))
}

fn accepted(payment: &Payment, duplicate: bool, now_ms: u64) -> Response {
    let message = match (duplicate, payment.event_type.is_routed()) {
        (true, _) => "This payment is known already; nothing was done again.",
        (false, true) => "The payment is stored and published.",
        (false, false) => "The payment is stored; events of this type are not published.",
    };
    let body = json!({
        "message": message,
        "transaction_id": payment.transaction_id,
        "timestamp": Timestamp::from_unix_milliseconds(now_ms).to_milliseconds_text(),
        "duplicate": duplicate,
    });
    response::json(&body)
}
