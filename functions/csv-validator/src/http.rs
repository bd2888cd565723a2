//! The API: `POST /upload` and `GET /files/{file_id}`.

use crate::answer::{Answer, NoAnswer, Refusal};
use crate::{Ports, status_page, upload};
use adapters::Tracer;
use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use serde_json::Value;
use std::time::Duration;

/// API Gateway gives up after 29 seconds; the sender gets an answer of ours before that.
const ANSWER_SECONDS_MAX: u64 = 25;

/// Answers a request of API Gateway's proxy integration, whatever it holds.
pub async fn answer(event: Value, ports: &Ports, tracer: &Tracer, now_ms: u64) -> Answer {
    let request: ApiGatewayProxyRequest = match serde_json::from_value(event) {
        Ok(request) => request,
        Err(_) => {
            // The error's own text would quote the header that it stumbled over, which may be a key.
            tracing::warn!("a request that is not of API Gateway's form");
            return Refusal::new(400, "request_malformed", "The request could not be read; check its headers.")
                .answer("");
        }
    };
    let request_id = request.request_context.request_id.clone().unwrap_or_default();
    let deadline = Duration::from_secs(ANSWER_SECONDS_MAX);
    let answer = match tokio::time::timeout(deadline, route(request, ports, tracer, now_ms)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(NoAnswer::Refused(refusal))) => {
            tracing::info!(code = refusal.code, "request refused");
            refusal.answer(&request_id)
        }
        Ok(Err(NoAnswer::Failed(failure))) => {
            tracing::error!(error = failure.kind.name(), detail = failure.detail, "request failed");
            unavailable().answer(&request_id)
        }
        Err(_) => {
            tracing::error!(seconds = ANSWER_SECONDS_MAX, "request took too long");
            unavailable().answer(&request_id)
        }
    };
    tracing::info!(http_status = answer.status_code, "answered");
    answer
}

fn unavailable() -> Refusal {
    Refusal::new(
        503,
        "service_unavailable",
        "The service could not finish the request. Send it again in a moment: the same file is never processed twice.",
    )
}

async fn route(
    request: ApiGatewayProxyRequest,
    ports: &Ports,
    tracer: &Tracer,
    now_ms: u64,
) -> Result<Answer, NoAnswer> {
    match (request.http_method.as_str(), request.resource.as_deref().unwrap_or_default()) {
        ("POST", "/upload") => upload::upload(request, ports, tracer, now_ms).await,
        ("GET", "/files/{file_id}") => status_page::show(&request, ports, tracer).await,
        _ => Err(Refusal::new(404, "route_not_found", "There is no such address; see POST /upload.").into()),
    }
}
