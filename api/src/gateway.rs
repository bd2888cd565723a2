//! API Gateway's proxy integration: requests come in, and whatever they hold, an answer goes out.

use crate::problem;
use adapters::Failure;
use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};
use std::future::Future;
use std::time::{Duration, Instant};

/// API Gateway gives up after 29 seconds; the sender gets an answer of ours before that.
pub const ANSWER_SECONDS_MAX: u64 = 25;

/// An answer, in the form that API Gateway takes: JSON, but for the few documents that people open in a browser.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// The HTTP status.
    pub status_code: u16,
    headers: Value,
    body: Body,
    is_base64_encoded: bool,
}

/// What an answer says. JSON stays a value until it is sent, so that what every refusal must have can be added to it.
#[derive(Clone, Debug)]
enum Body {
    Json(Value),
    Document(String),
}

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Json(value) => serializer.collect_str(value),
            Self::Document(text) => serializer.serialize_str(text),
        }
    }
}

impl Answer {
    /// An answer with this body. That of a refusal has `error`, its code, and `message`; the rest of what every refusal
    /// has is added before it is sent.
    #[must_use]
    pub fn json(status_code: u16, body: &Value) -> Self {
        let headers = json!({
            "Content-Type": "application/json",
            // An answer may hold a status token or a signed link.
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        });
        Self { status_code, headers, body: Body::Json(body.clone()), is_base64_encoded: false }
    }

    /// A document of another type, such as a page. It says the same to everybody, and is asked for anew each time it is
    /// opened, so that nobody works with the one of an earlier deployment.
    #[must_use]
    pub fn document(content_type: &str, body: impl Into<String>) -> Self {
        let headers =
            json!({ "Content-Type": content_type, "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff" });
        Self { status_code: 200, headers, body: Body::Document(body.into()), is_base64_encoded: false }
    }

    /// The same answer with one more header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers[name] = value.into();
        self
    }

    /// The same answer; a refusal, whoever made it, with the members of RFC 9457 behind its code and message.
    fn completed(mut self, asked: &Asked) -> Self {
        if let Body::Json(Value::Object(members)) = &mut self.body
            && self.status_code >= 400
        {
            asked.complete(self.status_code, members);
            return self.with_header("Content-Type", problem::CONTENT_TYPE);
        }
        self
    }
}

/// What an answer has to know of its request.
#[derive(Default)]
struct Asked {
    /// What stands before the route in the request's path: the stage, or the base path of a domain of one's own.
    base_path: String,
    request_id: String,
}

impl Asked {
    fn of(request: &ApiGatewayProxyRequest) -> Self {
        let context = &request.request_context;
        let segments = |path: &str| path.split('/').filter(|segment| !segment.is_empty()).count();
        let path = context.path.as_deref().unwrap_or_default();
        let route = segments(request.resource.as_deref().unwrap_or_default());
        let before_route = segments(path).saturating_sub(route);
        let base_path = path.split('/').filter(|segment| !segment.is_empty()).take(before_route);
        let base_path = base_path.map(|segment| format!("/{segment}")).collect();
        Self { base_path, request_id: context.request_id.clone().unwrap_or_default() }
    }

    fn complete(&self, status_code: u16, members: &mut Map<String, Value>) {
        let mut others = std::mem::take(members);
        let code = others.shift_remove("error").unwrap_or_default();
        let message = others.shift_remove("message").unwrap_or_default();
        let code_text = code.as_str().unwrap_or_default();
        let entry = problem::find(code_text);
        if entry.is_none_or(|problem| problem.status != status_code) {
            tracing::error!(code = code_text, http_status = status_code, "a refusal that the table of problems lacks");
        }
        for (name, value) in [
            ("error", code.clone()),
            ("message", message.clone()),
            ("type", problem::type_of(&self.base_path, code_text).into()),
            ("title", entry.map_or("The request was refused", |problem| problem.title).into()),
            ("status", status_code.into()),
            ("detail", message),
        ] {
            members.insert(name.to_owned(), value);
        }
        if !self.request_id.is_empty() {
            members.insert("instance".to_owned(), format!("urn:uuid:{}", self.request_id).into());
        }
        members.insert("request_id".to_owned(), self.request_id.clone().into());
        others.shift_remove("request_id");
        members.append(&mut others);
    }
}

/// Why a request gets nothing else, in the words for its sender.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// The HTTP status.
    pub status_code: u16,
    /// The stable code.
    pub code: &'static str,
    /// What is wrong and what to do instead.
    pub message: String,
}

impl Refusal {
    /// A refusal with this status, code and message.
    #[must_use]
    pub fn new(status_code: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status_code, code, message: message.into() }
    }
}

/// Why a request gets no answer of its own.
#[derive(Debug)]
pub enum ApiError {
    /// Its sender did something wrong.
    Refused(Refusal),
    /// We could not do it.
    Failed(Failure),
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// One API, as far as its answers differ from those of another.
#[derive(Clone, Copy, Debug)]
pub struct Api {
    /// The member that names what a request is about. It is null in a refusal.
    pub subject: &'static str,
    /// What a sender hears when we could not finish: why it is safe to send the request again.
    pub unavailable: &'static str,
}

impl Api {
    /// Answers an event of the proxy integration by `route`, in time and whatever it holds.
    pub async fn answer<Work>(self, event: Value, route: impl FnOnce(ApiGatewayProxyRequest) -> Work) -> Answer
    where
        Work: Future<Output = Result<Answer, ApiError>>,
    {
        let began = Instant::now();
        let request: ApiGatewayProxyRequest = match serde_json::from_value(event) {
            Ok(request) => request,
            Err(_) => {
                // The error's own text would quote the header that it stumbled over, which may be a key.
                tracing::warn!("a request that is not of API Gateway's form");
                let refusal =
                    Refusal::new(400, "request_malformed", "The request could not be read; check its headers.");
                return self.refuse(&refusal).completed(&Asked::default());
            }
        };
        let asked = Asked::of(&request);
        // The route, not the address: that may hold a token.
        let route_name = format!("{} {}", request.http_method, request.resource.as_deref().unwrap_or_default());
        let answer = match tokio::time::timeout(Duration::from_secs(ANSWER_SECONDS_MAX), route(request)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(ApiError::Refused(refusal))) => {
                tracing::info!(event = "request_rejected", code = refusal.code, "request refused");
                self.refuse(&refusal)
            }
            Ok(Err(ApiError::Failed(failure))) => {
                tracing::error!(
                    event = "request_failed",
                    error = failure.kind.name(),
                    detail = failure.detail,
                    "request failed"
                );
                self.refuse(&self.unavailable())
            }
            Err(_) => {
                tracing::error!(event = "request_timed_out", seconds = ANSWER_SECONDS_MAX, "request took too long");
                self.refuse(&self.unavailable())
            }
        };
        let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(
            event = "request_completed",
            http_status = answer.status_code,
            route = route_name,
            duration_ms,
            "the request is completed"
        );
        answer.completed(&asked)
    }

    fn refuse(self, refusal: &Refusal) -> Answer {
        let body = json!({ "error": refusal.code, "message": refusal.message, self.subject: null });
        Answer::json(refusal.status_code, &body)
    }

    fn unavailable(self) -> Refusal {
        Refusal::new(503, "service_unavailable", self.unavailable)
    }
}

/// Whether a `Content-Type` is that of JSON, in any case and with any parameters (RFC 9110, section 8.3.1).
#[must_use]
pub fn is_json(content_type: &[u8]) -> bool {
    let essence = content_type.split(|byte| *byte == b';').next().unwrap_or_default();
    essence.trim_ascii().eq_ignore_ascii_case(b"application/json")
}

#[cfg(test)]
mod tests {
    use super::*;

    const API: Api = Api { subject: "file_id", unavailable: "Send it again." };

    async fn answered(event: Value, route: Result<Answer, ApiError>) -> (u16, Value, Value) {
        let answer = serde_json::to_value(API.answer(event, |_| async { route }).await).unwrap_or_default();
        let body = serde_json::from_str(answer["body"].as_str().unwrap_or_default()).unwrap_or_default();
        (
            answer["statusCode"].as_u64().unwrap_or_default().try_into().unwrap_or_default(),
            answer["headers"].clone(),
            body,
        )
    }

    fn event(resource: &str, path: &str) -> Value {
        let mut event: Value = serde_json::from_str(include_str!("../../events/webhook.json")).unwrap_or_default();
        event["resource"] = resource.into();
        event["requestContext"]["path"] = path.into();
        event["requestContext"]["requestId"] = "51690a3e-0000-4000-8000-000000000000".into();
        event
    }

    #[tokio::test]
    async fn a_refusal_has_its_own_members_and_those_of_rfc_9457() {
        let refusal = Refusal::new(413, "file_too_large", "Split it.");
        let (status, headers, body) = answered(event("/upload", "/prod/upload"), Err(refusal.into())).await;
        assert_eq!((status, &headers["Content-Type"]), (413, &json!("application/problem+json")));
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
    async fn an_answer_with_errors_of_its_own_is_completed_too() {
        let own = json!({ "error": "invalid_csv", "message": "Errors: 1.", "file_id": "a1", "errors": [] });
        let (_, headers, body) = answered(event("/upload", "/prod/upload"), Ok(Answer::json(400, &own))).await;
        assert_eq!(headers["Content-Type"], "application/problem+json");
        assert_eq!((&body["title"], &body["file_id"]), (&json!("The file has errors"), &json!("a1")));
        let members: Vec<&str> = body.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        let expected = "error message type title status detail instance request_id file_id errors";
        assert_eq!(members.join(" "), expected);
    }

    #[tokio::test]
    async fn what_is_no_refusal_stays_as_it_is() {
        let (status, headers, body) =
            answered(event("/upload", "/prod/upload"), Ok(Answer::json(200, &json!({"a": 1})))).await;
        assert_eq!((status, &headers["Content-Type"], body), (200, &json!("application/json"), json!({"a": 1})));
    }

    #[tokio::test]
    async fn a_type_begins_with_what_stands_before_the_route() {
        for (resource, path, expected) in [
            ("/upload", "/prod/upload", "/prod/errors#service_unavailable"),
            ("/files/{file_id}", "/prod/files/a1", "/prod/errors#service_unavailable"),
            ("/", "/prod/", "/prod/errors#service_unavailable"),
            ("/upload", "/upload", "/errors#service_unavailable"),
            ("/upload", "/bank/files/upload", "/bank/files/errors#service_unavailable"),
        ] {
            let failure = Failure::new(adapters::FailureKind::StoreUnavailable, "no answer");
            let (status, _, body) = answered(event(resource, path), Err(failure.into())).await;
            assert_eq!((status, &body["type"]), (503, &json!(expected)), "{path}");
        }
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_refused_without_an_instance() {
        let refusal = Err(Refusal::new(404, "route_not_found", "").into());
        let (status, _, body) = answered(json!({"httpMethod": 1}), refusal).await;
        assert_eq!((status, &body["error"], body.get("instance")), (400, &json!("request_malformed"), None));
        assert_eq!((&body["type"], &body["request_id"]), (&json!("/errors#request_malformed"), &json!("")));
    }
}
