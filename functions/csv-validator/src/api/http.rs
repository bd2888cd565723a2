//! The API: `POST /upload`, `POST /uploads`, `GET /files/{file_id}`, `GET /files/{file_id}/correctable` and
//! `GET /days/{day}`, the page that uses them, `GET /`, and what the API says of itself.

use super::{correction, days, page, presigned, status_page, upload};
use crate::Ports;
use adapters::Tracer;
use api::gateway::{Answer, Api, ApiError, Refusal};
use api::reference;
use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use serde_json::Value;

const API: Api = Api {
    subject: "file_id",
    unavailable: "The service could not finish the request. Send it again in a moment: the same file is never processed twice.",
};

/// Answers a request of API Gateway's proxy integration, whatever it holds.
pub async fn answer(event: Value, ports: &Ports, tracer: &Tracer, now_ms: u64) -> Answer {
    API.answer(event, |request| route(request, ports, tracer, now_ms)).await
}

async fn route(
    request: ApiGatewayProxyRequest,
    ports: &Ports,
    tracer: &Tracer,
    now_ms: u64,
) -> Result<Answer, ApiError> {
    match (request.http_method.as_str(), request.resource.as_deref().unwrap_or_default()) {
        ("POST", "/upload") => upload::upload(request, ports, tracer, now_ms).await,
        ("POST", "/uploads") => presigned::create(&request, ports, tracer, now_ms).await,
        ("GET", "/") => page::show(ports).await,
        ("GET", "/files/{file_id}") => status_page::show(&request, ports, tracer, now_ms).await,
        ("GET", "/files/{file_id}/correctable") => correction::correctable(&request, ports, tracer).await,
        ("GET", "/days/{day}") => days::show(&request, ports, tracer, now_ms).await,
        ("GET", "/errors") => Ok(reference::errors()),
        ("GET", "/openapi.json") => Ok(reference::description()),
        _ => Err(Refusal::new(404, "route_not_found", "There is no such address; see POST /upload and POST /uploads.")
            .into()),
    }
}
