//! From an operation of the API to its handler.

use super::{correction, days, page, presigned, status_page, upload};
use crate::Ports;
use adapters::Tracer;
use api::routes::{FileOperation, files};
use api::{ApiError, Response, reference};
use aws_lambda_events::apigw::ApiGatewayProxyResponse;
use lambda_http::Request;
use serde_json::Value;

/// Responds to a request of API Gateway's proxy integration, whatever it holds.
pub async fn respond(event: Value, ports: &Ports, tracer: &Tracer, now_ms: u64) -> ApiGatewayProxyResponse {
    files::API.respond(event, |operation, request| handle(operation, request, ports, tracer, now_ms)).await
}

async fn handle(
    operation: FileOperation,
    request: Request,
    ports: &Ports,
    tracer: &Tracer,
    now_ms: u64,
) -> Result<Response, ApiError> {
    match operation {
        FileOperation::Upload => upload::upload(request, ports, tracer, now_ms).await,
        FileOperation::CreateUpload => presigned::create(&request, ports, tracer, now_ms).await,
        FileOperation::ShowFile => status_page::show(&request, ports, tracer, now_ms).await,
        FileOperation::CorrectFile => correction::correctable(&request, ports, tracer).await,
        FileOperation::ShowDay => days::show(&request, ports, tracer, now_ms).await,
        FileOperation::ShowPage => page::show(ports).await,
        FileOperation::ShowErrors => Ok(reference::errors()),
        FileOperation::ShowOpenApi => Ok(reference::openapi()),
    }
}
