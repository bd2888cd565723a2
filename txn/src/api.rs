//! The API for files, as its users see it.

use crate::cli::Access;
use crate::http::{Answer, Http, Request};
use crate::problem::{Exit, Problem};
use crate::settings::{Hidden, Settings};
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
    key: Option<Hidden>,
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
        self.http.ask(&Request::get(&url, self.headers()))
    }

    /// Sends something to an address of the API. All that is sent may be sent again.
    pub(crate) fn post(&self, path: &str, content: &Content<'_>) -> Result<Answer, Problem> {
        let url = format!("{}{path}", self.base);
        let mut headers = self.headers();
        headers.push(("content-type", content.content_type.clone()));
        self.http.ask(&Request { method: "POST", url: &url, headers, bytes: content.bytes, body: content.body })
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
        let key = self.key.iter().map(|key| ("x-api-key", key.reveal().to_owned()));
        key.chain([("accept", "application/json".to_owned())]).collect()
    }

    /// A file's status page, again and again until its attempt has ended. `seen` is told each page.
    pub(crate) fn follow(
        &self,
        status_path: &str,
        timeout: Duration,
        mut seen: impl FnMut(&Value) -> Result<(), Problem>,
    ) -> Result<Value, Problem> {
        let deadline = Instant::now() + timeout;
        let mut wait = FIRST_LOOK_AFTER;
        loop {
            let page = expect_ok(&self.get(status_path)?)?;
            seen(&page)?;
            let status = page["status"].as_str().unwrap_or_default();
            if is_final(status) {
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
