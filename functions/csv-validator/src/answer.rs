//! What the API answers: always JSON, always the same members, always what to do next.

use adapters::Failure;
use serde::Serialize;
use serde_json::{Value, json};

/// An answer of the API, in the form that API Gateway's proxy integration takes.
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
    pub fn json(status_code: u16, body: &Value) -> Self {
        let headers = json!({
            "Content-Type": "application/json",
            // An answer may hold a status token or a signed link.
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        });
        Self { status_code, headers, body: body.to_string(), is_base64_encoded: false }
    }
}

/// Why a request gets no file, in the words for its sender.
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
    pub fn new(status_code: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status_code, code, message: message.into() }
    }

    /// The answer to the request `request_id`.
    pub fn answer(&self, request_id: &str) -> Answer {
        let body = json!({ "error": self.code, "message": self.message, "file_id": null, "request_id": request_id });
        Answer::json(self.status_code, &body)
    }
}

/// Why a request gets no answer of its own.
pub(crate) enum NoAnswer {
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
