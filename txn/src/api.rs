//! The client of the API for files.

use crate::calendar::now_ms;
use crate::cli::Access;
use crate::http::{Http, Request, Response};
use crate::problem::{Exit, Problem};
use crate::settings::{Key, Settings};
use domain::Timestamp;
use serde_json::Value;
use std::io::Read;
use std::time::{Duration, Instant};

/// The first and the longest delay between two requests for a status.
const POLL_DELAY_MIN: Duration = Duration::from_millis(250);
const POLL_DELAY_MAX: Duration = Duration::from_secs(5);

/// The API of an environment.
pub(crate) struct Api {
    http: Http,
    pub(crate) base: String,
    key: Option<Key>,
}

/// The body of a request.
pub(crate) struct Content<'a> {
    pub(crate) content_type: String,
    pub(crate) bytes: u64,
    pub(crate) body: &'a dyn Fn() -> Result<Box<dyn Read + Send + Sync>, Problem>,
}

impl Api {
    /// A client with an API key.
    pub(crate) fn with_key(settings: &Settings, access: &Access) -> Result<Self, Problem> {
        let api = Self::without_key(settings, access)?;
        Ok(Self { key: Some(settings.key(access)?), ..api })
    }

    /// A client without a key, for a status_path.
    pub(crate) fn without_key(settings: &Settings, access: &Access) -> Result<Self, Problem> {
        Ok(Self { http: Http::new()?, base: settings.endpoint(access)?, key: None })
    }

    /// Sends a GET request.
    pub(crate) fn get(&self, path: &str) -> Result<Response, Problem> {
        let url = format!("{}{path}", self.base);
        self.check_key(self.http.send(&Request::get(&url, self.headers()))?)
    }

    /// Sends a POST request. It must be safe to repeat, because it is retried.
    pub(crate) fn post(&self, path: &str, content: &Content<'_>) -> Result<Response, Problem> {
        let url = format!("{}{path}", self.base);
        let mut headers = self.headers();
        headers.push(("content-type", content.content_type.clone()));
        let request = Request { method: "POST", url: &url, headers, bytes: content.bytes, body: content.body };
        self.check_key(self.http.send(&request)?)
    }

    /// Turns the rejection of a key into an error that names the source of the key.
    fn check_key(&self, response: Response) -> Result<Response, Problem> {
        const CODE: &str = "api_key_invalid";
        match &self.key {
            Some(key) if response.status == 403 && response.json()["error"] == CODE => {
                let message = format!(
                    "The API key from {} is not valid here. Ask the operator for a new one. ({CODE})",
                    key.origin
                );
                Err(Problem::new(Exit::Denied, CODE, message))
            }
            _ => Ok(response),
        }
    }

    /// Puts a file to a presigned URL. The key is not sent, because that is another service.
    pub(crate) fn put(
        &self,
        url: &str,
        headers: Vec<(&str, String)>,
        content: &Content<'_>,
    ) -> Result<Response, Problem> {
        self.http.send(&Request { method: "PUT", url, headers, bytes: content.bytes, body: content.body })
    }

    fn headers(&self) -> Vec<(&'static str, String)> {
        let key = self.key.iter().map(|key| ("x-api-key", key.secret.reveal().to_owned()));
        key.chain([("accept", "application/json".to_owned())]).collect()
    }

    /// Polls a file's status page until its attempt has ended. `seen` gets each page.
    pub(crate) fn follow(
        &self,
        status_path: &str,
        until: Until,
        timeout: Duration,
        mut seen: impl FnMut(&Value) -> Result<(), Problem>,
    ) -> Result<Value, Problem> {
        let deadline = Instant::now() + timeout;
        let mut wait = POLL_DELAY_MIN;
        loop {
            let page = expect_ok(&self.get(status_path)?)?;
            seen(&page)?;
            let status = page["status"].as_str().unwrap_or_default();
            if is_final(status) && !until.must_wait_for(&page["upload"]) {
                return Ok(page);
            }
            if Instant::now() + wait > deadline {
                let message =
                    format!("The file is still {status} after {} seconds; check it again later.", timeout.as_secs());
                return Err(Problem::new(Exit::Unavailable, "not_finished", message));
            }
            std::thread::sleep(wait);
            wait = (wait * 2).min(POLL_DELAY_MAX);
        }
    }
}

/// How long a file is followed. A presigned upload changes the status only when its bytes are received.
#[derive(Clone, Copy)]
pub(crate) enum Until {
    /// Until the status is final. The file was sent in the request, so other uploads of it do not matter.
    Final,
    /// Until the status is final and no presigned URL of the file can still be used.
    UploadOver,
    /// Until the sent bytes are received and the status is final.
    UploadReceived,
}

impl Until {
    /// Whether a final status may be older than this upload.
    fn must_wait_for(self, upload: &Value) -> bool {
        match self {
            Self::Final => false,
            Self::UploadReceived => upload.is_object(),
            Self::UploadOver => upload["expires_at"].as_str().is_some_and(|expires_at| {
                Timestamp::parse(expires_at.as_bytes())
                    .is_ok_and(|expires_at| expires_at.to_milliseconds_text() > now_text())
            }),
        }
    }
}

/// The time by this machine's clock, as text that sorts by time.
fn now_text() -> String {
    Timestamp::from_unix_milliseconds(now_ms()).to_milliseconds_text()
}

/// Whether a file's attempt has ended with this status.
pub(crate) fn is_final(status: &str) -> bool {
    domain::FileStatus::ALL.iter().any(|known| known.as_str() == status && known.is_final())
}

/// The exit code for a file with this status.
pub(crate) fn exit_of(status: &str) -> Exit {
    let failed = domain::FileStatus::ALL.iter().any(|known| known.as_str() == status && known.is_failed());
    if failed { Exit::Failure } else { Exit::Success }
}

/// The body of a successful response, or the rejection as a problem.
pub(crate) fn expect_ok(response: &Response) -> Result<Value, Problem> {
    if response.status == 200 { Ok(response.json()) } else { Err(rejection(response)) }
}

/// The message for an accepted file. Where the API's message names paths and parameters, it names options of `txn`.
pub(crate) fn accepted_message(response: &Value) -> String {
    let status = response["status"].as_str().unwrap_or_default();
    let has_later = response["superseded_by"].as_array().is_some_and(|files| !files.is_empty());
    let is_failed = exit_of(status) != Exit::Success;
    let message = match (response["duplicate"] == true, status) {
        _ if response["dry_run"] == true => {
            "The file is valid. This was a dry run: nothing was stored. To process it, send it without --dry-run."
        }
        (true, "completed") if has_later => {
            "This file was processed before, and a later file has replaced rows of it; it was not processed again. To process \
             it again, so that its rows replace the later ones: txn upload FILE --reprocess"
        }
        (true, "completed") => {
            "This file was processed before; it was not processed again. To process it again: txn upload FILE --reprocess"
        }
        _ if is_failed => response["message"].as_str().unwrap_or_default(),
        (true, _) => "This file was received before and is being processed.",
        (false, _) => "The file is valid and is being processed.",
    };
    crate::print::sanitized(message)
}

/// A rejection by the API, with the API's message.
pub(crate) fn rejection(response: &Response) -> Problem {
    let body = response.json();
    let exit = match response.status {
        401 | 403 => Exit::Denied,
        429 | 500.. => Exit::Unavailable,
        409 => Exit::Failure,
        _ => Exit::Usage,
    };
    match (body["error"].as_str(), body["message"].as_str()) {
        (Some(code), Some(message)) => {
            Problem::new(exit, code, format!("{} ({code})", crate::print::sanitized(message)))
        }
        // The response is not from the API, but from a proxy or another service.
        _ => Problem::new(
            exit,
            "answer_unknown",
            format!(
                "The endpoint responded with HTTP {}, but not as the API does. Check the endpoint.",
                response.status
            ),
        ),
    }
}
