//! The API for files, as its users see it.

use crate::check::now_ms;
use crate::cli::Access;
use crate::http::{Answer, Http, Request};
use crate::problem::{Exit, Problem};
use crate::settings::{Key, Settings};
use domain::Timestamp;
use serde_json::Value;
use std::io::Read;
use std::time::{Duration, Instant};

/// How long it is until a file is looked at again: the first time, and at most.
const FIRST_LOOK_AFTER: Duration = Duration::from_millis(250);
const LOOK_AGAIN_AFTER_MAX: Duration = Duration::from_secs(5);

/// The API of an environment.
pub(crate) struct Api {
    http: Http,
    pub(crate) base: String,
    key: Option<Key>,
}

/// What is sent with a request.
pub(crate) struct Content<'a> {
    pub(crate) content_type: String,
    pub(crate) bytes: u64,
    pub(crate) body: &'a dyn Fn() -> Result<Box<dyn Read + Send + Sync>, Problem>,
}

impl Api {
    /// The API for requests with a key.
    pub(crate) fn with_key(settings: &Settings, access: &Access) -> Result<Self, Problem> {
        let api = Self::without_key(settings, access)?;
        Ok(Self { key: Some(settings.key(access)?), ..api })
    }

    /// The API for who has a status_path.
    pub(crate) fn without_key(settings: &Settings, access: &Access) -> Result<Self, Problem> {
        Ok(Self { http: Http::new()?, base: settings.endpoint(access)?, key: None })
    }

    /// Reads an address of the API.
    pub(crate) fn get(&self, path: &str) -> Result<Answer, Problem> {
        let url = format!("{}{path}", self.base);
        self.heard(self.http.ask(&Request::get(&url, self.headers()))?)
    }

    /// Sends something to an address of the API. All that is sent may be sent again.
    pub(crate) fn post(&self, path: &str, content: &Content<'_>) -> Result<Answer, Problem> {
        let url = format!("{}{path}", self.base);
        let mut headers = self.headers();
        headers.push(("content-type", content.content_type.clone()));
        let request = Request { method: "POST", url: &url, headers, bytes: content.bytes, body: content.body };
        self.heard(self.http.ask(&request)?)
    }

    /// Says of a wrong key where it came from. The API's own words are for whoever sends headers by hand.
    fn heard(&self, answer: Answer) -> Result<Answer, Problem> {
        const CODE: &str = "api_key_invalid";
        match &self.key {
            Some(key) if answer.status == 403 && answer.json()["error"] == CODE => {
                let message = format!(
                    "This API key is not valid here (it came from {}); ask the operator for a new one. ({CODE})",
                    key.origin
                );
                Err(Problem::new(Exit::Denied, CODE, message))
            }
            _ => Ok(answer),
        }
    }

    /// Puts a file where an answer of the API said. The key stays here: that is another service.
    pub(crate) fn put(
        &self,
        url: &str,
        headers: Vec<(&str, String)>,
        content: &Content<'_>,
    ) -> Result<Answer, Problem> {
        self.http.ask(&Request { method: "PUT", url, headers, bytes: content.bytes, body: content.body })
    }

    fn headers(&self) -> Vec<(&'static str, String)> {
        let key = self.key.iter().map(|key| ("x-api-key", key.secret.reveal().to_owned()));
        key.chain([("accept", "application/json".to_owned())]).collect()
    }

    /// Follows a file's status page until its attempt has ended. `seen` gets each page.
    pub(crate) fn follow(
        &self,
        status_path: &str,
        until: Until,
        timeout: Duration,
        mut seen: impl FnMut(&Value) -> Result<(), Problem>,
    ) -> Result<Value, Problem> {
        let deadline = Instant::now() + timeout;
        let mut wait = FIRST_LOOK_AFTER;
        loop {
            let page = expect_ok(&self.get(status_path)?)?;
            seen(&page)?;
            let status = page["status"].as_str().unwrap_or_default();
            if is_final(status) && !until.has_to_wait_for(&page["upload"]) {
                return Ok(page);
            }
            if Instant::now() + wait > deadline {
                let message =
                    format!("The file is still {status} after {} seconds; look again later.", timeout.as_secs());
                return Err(Problem::new(Exit::Unavailable, "not_finished", message));
            }
            std::thread::sleep(wait);
            wait = (wait * 2).min(LOOK_AGAIN_AFTER_MAX);
        }
    }
}

/// How long a file is followed. A presigned upload changes its status only when its bytes have come.
#[derive(Clone, Copy)]
pub(crate) enum Until {
    /// Until the status is final. The file was sent in a request, whatever another upload of it may bring.
    Final,
    /// Until the status is final, and no upload is under way whose URL works.
    UploadOver,
    /// The bytes are sent: until they are received, and then until the status is final.
    UploadReceived,
}

impl Until {
    /// Whether a final status may still be that of the time before this upload.
    fn has_to_wait_for(self, upload: &Value) -> bool {
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

/// Now by this machine's clock, in a form whose order as text is that of time.
fn now_text() -> String {
    Timestamp::from_unix_milliseconds(now_ms()).to_milliseconds_text()
}

/// Whether a file's attempt has ended with this status.
pub(crate) fn is_final(status: &str) -> bool {
    domain::FileStatus::ALL.iter().any(|known| known.as_str() == status && known.is_final())
}

/// How a file with this status ends a command.
pub(crate) fn exit_of(status: &str) -> Exit {
    let failed = domain::FileStatus::ALL.iter().any(|known| known.as_str() == status && known.is_failed());
    if failed { Exit::NotWell } else { Exit::Well }
}

/// The body of an answer that is well, or the refusal as a problem.
pub(crate) fn expect_ok(answer: &Answer) -> Result<Value, Problem> {
    if answer.status == 200 { Ok(answer.json()) } else { Err(refusal(answer)) }
}

/// What the API says of a file that it took. Where its own words are for whoever sends requests by hand, those of `txn`.
pub(crate) fn words(answer: &Value) -> String {
    let status = answer["status"].as_str().unwrap_or_default();
    let has_later = answer["superseded_by"].as_array().is_some_and(|files| !files.is_empty());
    let is_failed = exit_of(status) != Exit::Well;
    let said = match (answer["duplicate"] == true, status) {
        _ if answer["dry_run"] == true => {
            "The file is valid. This was a dry run: nothing was stored. To have it processed, send it without --dry-run."
        }
        (true, "completed") if has_later => {
            "This file was processed before, and a later file has replaced rows of it; nothing was done again. To process \
             it again, so that its rows replace the later ones: txn upload FILE --reprocess"
        }
        (true, "completed") => {
            "This file was processed before; nothing was done again. To process it again: txn upload FILE --reprocess"
        }
        _ if is_failed => answer["message"].as_str().unwrap_or_default(),
        (true, _) => "This file is here already and is being processed; nothing was done again.",
        (false, _) => "The file is valid and is being processed.",
    };
    crate::print::shown(said)
}

/// A refusal of the API, in its own words.
pub(crate) fn refusal(answer: &Answer) -> Problem {
    let body = answer.json();
    let exit = match answer.status {
        401 | 403 => Exit::Denied,
        429 | 500.. => Exit::Unavailable,
        409 => Exit::NotWell,
        _ => Exit::Usage,
    };
    match (body["error"].as_str(), body["message"].as_str()) {
        (Some(code), Some(message)) => Problem::new(exit, code, format!("{} ({code})", crate::print::shown(message))),
        // Not one of ours: a proxy, or an address of something else.
        _ => Problem::new(
            exit,
            "answer_unknown",
            format!("The address answered with HTTP {}, and not as the API does. Check the endpoint.", answer.status),
        ),
    }
}
