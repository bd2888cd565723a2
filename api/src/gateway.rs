//! API Gateway's proxy integration: requests come in, and whatever they hold, a response goes out.

use crate::problem::{self, Code};
use crate::rejection::{ApiError, Rejection};
use crate::request;
use crate::response::{self, Response};
use crate::routes::Api;
use adapters::Failure;
use aws_lambda_events::apigw::{ApiGatewayProxyRequest, ApiGatewayProxyResponse};
use lambda_http::Request;
use serde_json::{Map, Value};
use std::future::Future;
use std::time::{Duration, Instant};

/// API Gateway gives up after 29 seconds; the sender gets a response of the function before that.
pub const RESPONSE_SECONDS_MAX: u64 = 25;

impl<Operation: Copy> Api<Operation> {
    /// Responds to an event of the proxy integration by `handle`, in time and whatever it holds.
    pub async fn respond<Work>(
        &self,
        event: Value,
        handle: impl FnOnce(Operation, Request) -> Work,
    ) -> ApiGatewayProxyResponse
    where
        Work: Future<Output = Result<Response, ApiError>>,
    {
        let began = Instant::now();
        let Ok(event) = serde_json::from_value::<ApiGatewayProxyRequest>(event) else {
            // The error's own text would quote the header that it stumbled over, which may be a key.
            tracing::warn!("a request that is not in API Gateway's form");
            let message = "The request could not be read; check its headers.";
            let rejection = Rejection::new(Code::RequestMalformed, message);
            return response::to_gateway(RequestContext::default().reject(rejection, self.subject));
        };
        let context = RequestContext::of(&event);
        let resource = event.resource.clone().unwrap_or_default();
        // The route, not the address: that may hold a token.
        let route_name = format!("{} {resource}", event.http_method);
        let handled = async {
            let found = self.find(&event.http_method, &resource);
            let (operation, route) = found.ok_or_else(|| self.route_not_found())?;
            handle(operation, request::of_event(event, route.request.is_some())?).await
        };
        let response = match tokio::time::timeout(Duration::from_secs(RESPONSE_SECONDS_MAX), handled).await {
            Ok(Ok(response)) => response,
            Ok(Err(ApiError::Rejected(rejection))) => {
                tracing::info!(event = "request_rejected", code = rejection.code.as_str(), "the request is rejected");
                context.reject(rejection, self.subject)
            }
            Ok(Err(ApiError::Failed(failure))) => {
                log_failure(&failure);
                context.reject(self.unavailable(), self.subject)
            }
            Err(_) => {
                tracing::error!(event = "request_timed_out", seconds = RESPONSE_SECONDS_MAX, "request took too long");
                context.reject(self.unavailable(), self.subject)
            }
        };
        let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(
            event = "request_completed",
            http_status = response.status().as_u16(),
            route = route_name,
            duration_ms,
            "the request is completed"
        );
        response::to_gateway(response)
    }

    fn route_not_found(&self) -> Rejection {
        Rejection::new(
            Code::RouteNotFound,
            format!("There is no such route. The routes of this API are {}.", self.routes_text()),
        )
    }

    fn unavailable(&self) -> Rejection {
        Rejection::new(Code::ServiceUnavailable, self.unavailable)
    }
}

fn log_failure(failure: &Failure) {
    tracing::error!(
        event = "request_failed",
        error = failure.kind.name(),
        detail = failure.detail,
        "the request failed"
    );
}

/// What a rejection needs to know of its request.
#[derive(Default)]
struct RequestContext {
    /// What the request's path has before the route: the stage, or the base path of a custom domain.
    base_path: String,
    request_id: String,
}

impl RequestContext {
    fn of(event: &ApiGatewayProxyRequest) -> Self {
        let context = &event.request_context;
        let segments = |path: &str| path.split('/').filter(|segment| !segment.is_empty()).count();
        let path = context.path.as_deref().unwrap_or_default();
        let route = segments(event.resource.as_deref().unwrap_or_default());
        let before_route = segments(path).saturating_sub(route);
        let base_path = path.split('/').filter(|segment| !segment.is_empty()).take(before_route);
        let base_path = base_path.map(|segment| format!("/{segment}")).collect();
        Self { base_path, request_id: context.request_id.clone().unwrap_or_default() }
    }

    /// The response of a rejected request: the members of RFC 9457 behind code and message, and those of this code.
    fn reject(&self, rejection: Rejection, subject: &str) -> Response {
        let Rejection { code, message, mut members } = rejection;
        let mut body = Map::new();
        let mut add = |name: &str, value: Value| body.insert(name.to_owned(), value);
        add("error", code.as_str().into());
        add("message", message.clone().into());
        add("type", code.type_uri(&self.base_path).into());
        add("title", code.title().into());
        add("status", code.status().as_u16().into());
        add("detail", message.into());
        if !self.request_id.is_empty() {
            add("instance", format!("urn:uuid:{}", self.request_id).into());
        }
        add("request_id", self.request_id.clone().into());
        if !members.contains_key(subject) {
            add(subject, Value::Null);
        }
        body.append(&mut members);
        response::of_json(code.status(), problem::CONTENT_TYPE, &Value::Object(body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::{FileOperation, files};
    use adapters::FailureKind;
    use serde_json::json;

    async fn responded(event: Value, result: Result<Response, ApiError>) -> (u16, Value, Value) {
        let response = files::API.respond(event, |_, _| async { result }).await;
        let response = serde_json::to_value(response).unwrap_or_default();
        let body = serde_json::from_str(response["body"].as_str().unwrap_or_default()).unwrap_or_default();
        (
            response["statusCode"].as_u64().unwrap_or_default().try_into().unwrap_or_default(),
            response["headers"].clone(),
            body,
        )
    }

    fn event(method: &str, resource: &str, path: &str) -> Value {
        let mut event: Value = serde_json::from_str(include_str!("../../events/webhook.json")).unwrap_or_default();
        event["httpMethod"] = method.into();
        event["resource"] = resource.into();
        event["requestContext"]["path"] = path.into();
        event["requestContext"]["requestId"] = "51690a3e-0000-4000-8000-000000000000".into();
        event
    }

    fn upload() -> Value {
        event("POST", "/upload", "/prod/upload")
    }

    #[tokio::test]
    async fn a_rejection_has_its_own_members_and_those_of_rfc_9457() {
        let rejection = Rejection::new(Code::FileTooLarge, "Split it.");
        let (status, headers, body) = responded(upload(), Err(rejection.into())).await;
        let expected = json!({
            "content-type": "application/problem+json",
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
        });
        assert_eq!((status, headers), (413, expected));
        let expected = json!({
            "error": "file_too_large",
            "message": "Split it.",
            "type": "/prod/errors#file_too_large",
            "title": "The file is too large",
            "status": 413,
            "detail": "Split it.",
            "instance": "urn:uuid:51690a3e-0000-4000-8000-000000000000",
            "request_id": "51690a3e-0000-4000-8000-000000000000",
            "file_id": null,
        });
        assert_eq!(body.to_string(), expected.to_string());
    }

    #[tokio::test]
    async fn members_of_a_code_follow_those_of_every_rejection() {
        let rejection = Rejection::new(Code::InvalidCsv, "Errors: 1.")
            .with_members([("file_id", json!("a1")), ("errors", json!([]))]);
        let (_, headers, body) = responded(upload(), Err(rejection.into())).await;
        assert_eq!(headers["content-type"], "application/problem+json");
        assert_eq!((&body["title"], &body["file_id"]), (&json!("The file has errors"), &json!("a1")));
        let members: Vec<&str> = body.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        let expected = "error message type title status detail instance request_id file_id errors";
        assert_eq!(members.join(" "), expected);
    }

    #[tokio::test]
    async fn a_successful_response_stays_as_it_is() {
        let (status, headers, body) = responded(upload(), Ok(response::json(&json!({"a": 1})))).await;
        assert_eq!((status, &headers["content-type"], body), (200, &json!("application/json"), json!({"a": 1})));
    }

    #[tokio::test]
    async fn a_type_begins_with_what_the_path_has_before_the_route() {
        for (method, resource, path, expected) in [
            ("POST", "/upload", "/prod/upload", "/prod/errors#service_unavailable"),
            ("GET", "/files/{file_id}", "/prod/files/a1", "/prod/errors#service_unavailable"),
            ("GET", "/", "/prod/", "/prod/errors#service_unavailable"),
            ("POST", "/upload", "/upload", "/errors#service_unavailable"),
            ("POST", "/upload", "/bank/files/upload", "/bank/files/errors#service_unavailable"),
        ] {
            let failure = Failure::new(FailureKind::StoreUnavailable, "no response");
            let (status, _, body) = responded(event(method, resource, path), Err(failure.into())).await;
            assert_eq!((status, &body["type"]), (503, &json!(expected)), "{path}");
        }
    }

    #[tokio::test]
    async fn an_event_that_cannot_be_read_is_rejected_without_an_instance() {
        let (status, _, body) = responded(json!({"httpMethod": 1}), Ok(response::json(&json!({})))).await;
        assert_eq!((status, &body["error"], body.get("instance")), (400, &json!("request_malformed"), None));
        assert_eq!((&body["type"], &body["request_id"]), (&json!("/errors#request_malformed"), &json!("")));
    }

    #[tokio::test]
    async fn an_unknown_route_is_rejected_with_those_that_exist() {
        for (method, resource) in [("GET", "/upload"), ("POST", "/none"), ("POST", "/webhook")] {
            let event = event(method, resource, resource);
            let (status, _, body) = responded(event, Ok(response::json(&json!({})))).await;
            assert_eq!((status, &body["error"]), (404, &json!("route_not_found")), "{method} {resource}");
            let message = body["message"].as_str().unwrap_or_default();
            assert!(message.contains("POST /upload, POST /uploads, GET /files/{file_id}"), "{message}");
        }
    }

    #[tokio::test]
    async fn a_body_that_is_not_base64_is_rejected() {
        let mut event = upload();
        event["body"] = "?".into();
        event["isBase64Encoded"] = true.into();
        let (status, _, body) = responded(event, Ok(response::json(&json!({})))).await;
        assert_eq!((status, &body["error"]), (400, &json!("body_not_base64")));
    }

    #[tokio::test]
    async fn the_handler_gets_the_operation_of_the_route() {
        let handle = |operation, request: Request| async move {
            assert_eq!((operation, request.method().as_str()), (FileOperation::ShowFile, "GET"));
            Ok(response::json(&json!({})))
        };
        let response = files::API.respond(event("GET", "/files/{file_id}", "/prod/files/a1"), handle).await;
        assert_eq!(response.status_code, 200);
    }
}
