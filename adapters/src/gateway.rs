//! API Gateway's proxy integration: requests come in, and whatever they hold, an answer goes out.

use crate::Failure;
use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use serde::Serialize;
use serde_json::{Value, json};
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
    body: String,
    is_base64_encoded: bool,
}

impl Answer {
    /// An answer with this body.
    #[must_use]
    pub fn json(status_code: u16, body: &Value) -> Self {
        let headers = json!({
            "Content-Type": "application/json",
            // An answer may hold a status token or a signed link.
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        });
        Self { status_code, headers, body: body.to_string(), is_base64_encoded: false }
    }

    /// A document of another type, such as a page. It says the same to everybody, and is asked for anew each time it is
    /// opened, so that nobody works with the one of an earlier deployment.
    #[must_use]
    pub fn document(content_type: &str, body: impl Into<String>) -> Self {
        let headers =
            json!({ "Content-Type": content_type, "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff" });
        Self { status_code: 200, headers, body: body.into(), is_base64_encoded: false }
    }

    /// The same answer with one more header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers[name] = value.into();
        self
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
pub enum NoAnswer {
    /// Its sender did something wrong.
    Refused(Refusal),
    /// We could not do it.
    Failed(Failure),
}

impl From<Refusal> for NoAnswer {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Failure> for NoAnswer {
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
        Work: Future<Output = Result<Answer, NoAnswer>>,
    {
        let began = Instant::now();
        let request: ApiGatewayProxyRequest = match serde_json::from_value(event) {
            Ok(request) => request,
            Err(_) => {
                // The error's own text would quote the header that it stumbled over, which may be a key.
                tracing::warn!("a request that is not of API Gateway's form");
                let refusal =
                    Refusal::new(400, "request_malformed", "The request could not be read; check its headers.");
                return self.refuse(&refusal, "");
            }
        };
        let request_id = request.request_context.request_id.clone().unwrap_or_default();
        // The route, not the address: that may hold a token.
        let route_name = format!("{} {}", request.http_method, request.resource.as_deref().unwrap_or_default());
        let answer = match tokio::time::timeout(Duration::from_secs(ANSWER_SECONDS_MAX), route(request)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(NoAnswer::Refused(refusal))) => {
                tracing::info!(code = refusal.code, "request refused");
                self.refuse(&refusal, &request_id)
            }
            Ok(Err(NoAnswer::Failed(failure))) => {
                tracing::error!(error = failure.kind.name(), detail = failure.detail, "request failed");
                self.refuse(&self.unavailable(), &request_id)
            }
            Err(_) => {
                tracing::error!(seconds = ANSWER_SECONDS_MAX, "request took too long");
                self.refuse(&self.unavailable(), &request_id)
            }
        };
        let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(http_status = answer.status_code, route = route_name, duration_ms, "answered");
        answer
    }

    fn refuse(self, refusal: &Refusal, request_id: &str) -> Answer {
        let subject = self.subject;
        let body =
            json!({ "error": refusal.code, "message": refusal.message, subject: null, "request_id": request_id });
        Answer::json(refusal.status_code, &body)
    }

    fn unavailable(self) -> Refusal {
        Refusal::new(503, "service_unavailable", self.unavailable)
    }
}
