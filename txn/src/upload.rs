//! `txn upload`: sends files by the road that fits their size, and follows them.

use crate::api::{Api, Content, Until, exit_of, expect_ok, refusal, words};
use crate::check::{How, check, digest_of, now_ms};
use crate::cli::UploadArguments;
use crate::excerpt::Shower;
use crate::expected::Expected;
use crate::history::{self, Upload};
use crate::http::Answer;
use crate::print;
use crate::problem::{Exit, Problem};
use crate::progress::Progress;
use crate::settings::{Settings, safe_url};
use crate::source::Source;
use crate::timeline::{Timeline, summary};
use crate::verdict::Verdict;
use domain::csv::correctable::is_correctable;
use domain::csv::{ErrorCode, ValidationReport};
use domain::limits::API_FILE_BYTES_MAX;
use domain::{ContentDigest, Timestamp};
use serde_json::{Value, json};
use std::io::{Cursor, Read};
use std::time::Duration;

/// How often an upload is created whose URL has expired before it began.
const CREATIONS_MAX: u32 = 2;

pub(crate) fn run(arguments: &UploadArguments, settings: &Settings, as_json: bool) -> Result<Exit, Problem> {
    let api = Api::with_key(settings, &arguments.access)?;
    let expected = Expected::read(&arguments.expected)?;
    let mut documents = Vec::new();
    let mut exit = Exit::Well;
    for path in &arguments.files {
        let outcome = Source::open(path).and_then(|source| {
            let sender = Sender { api: &api, arguments, expected: &expected, source: &source, as_json };
            sender.send()
        });
        match outcome {
            Ok(Outcome { exit: ended, document }) => {
                exit = exit.max(ended);
                documents.push(document);
            }
            Err(problem) => {
                exit = exit.max(problem.exit);
                problem.tell(as_json);
                // What is wrong with the service or the key is wrong for every file.
                if problem.exit >= Exit::Unavailable {
                    break;
                }
            }
        }
    }
    if as_json {
        print::json(&json!({"files": documents}))?;
    }
    Ok(exit)
}

/// What became of a file.
struct Outcome {
    exit: Exit,
    document: Value,
}

/// One file on its way.
struct Sender<'a> {
    api: &'a Api,
    arguments: &'a UploadArguments,
    expected: &'a Expected,
    source: &'a Source,
    as_json: bool,
}

impl Sender<'_> {
    fn send(&self) -> Result<Outcome, Problem> {
        let by_the_api = self.source.bytes <= API_FILE_BYTES_MAX;
        if self.arguments.dry_run && !by_the_api {
            return Err(Problem::usage(
                "dry_run_unsupported",
                format!(
                    "{}: the service checks files of at most {API_FILE_BYTES_MAX} bytes without taking them. Check this one \
                     here, by the same rules: txn validate",
                    self.source.name
                ),
            ));
        }
        let digest = match self.look()? {
            Looked::Refused(outcome) => return Ok(outcome),
            Looked::Sound(digest) => digest,
        };
        let send = |reprocess_attempt: Option<u64>| {
            if by_the_api {
                self.send_directly(reprocess_attempt)
            } else {
                self.send_to_the_bucket(digest.as_ref(), reprocess_attempt)
            }
        };
        let answer = send(None)?;
        // Only an attempt that is known can be followed by another one; a file that is new has just begun its first.
        match self.attempt_to_follow(&answer) {
            Some(seen) => self.conclude(&send(Some(seen))?),
            None => self.conclude(&answer),
        }
    }

    /// The attempt after which the file is to be processed again, if that is asked for and it was sent before.
    fn attempt_to_follow(&self, answer: &Answer) -> Option<u64> {
        let body = answer.json();
        let was_sent = self.arguments.reprocess && answer.status == 200 && body["duplicate"] == true;
        was_sent.then(|| body["attempt"].as_u64()).flatten()
    }

    /// Checks the file before it is sent, unless the service is asked to do it, or nobody is.
    fn look(&self) -> Result<Looked, Problem> {
        let progress = Progress::of("checking", self.source.bytes);
        if self.arguments.dry_run || self.arguments.no_check {
            let needed = self.source.bytes > API_FILE_BYTES_MAX;
            let digest = needed.then(|| digest_of(self.source, &progress)).transpose()?;
            progress.end();
            return Ok(Looked::Sound(digest));
        }
        let how = How { errors_max: self.arguments.max_errors, digest: true };
        let checked = check(self.source, how, self.expected, &progress)?;
        progress.end();
        let digest = checked.digest.clone();
        let advice = advice(&self.source.name, &checked.report);
        let verdict = Verdict::from(checked);
        if verdict.is_valid() {
            return Ok(Looked::Sound(digest));
        }
        self.tell(&verdict)?;
        self.say(&format!("It was not sent; nothing of it would be stored. {advice}"))?;
        let document = json!({"file": self.source.name, "sent": false, "check": verdict.to_json(&self.source.name)});
        Ok(Looked::Refused(Outcome { exit: Exit::NotWell, document }))
    }

    /// By `POST /upload`, as one part of a form.
    fn send_directly(&self, reprocess_attempt: Option<u64>) -> Result<Answer, Problem> {
        let boundary = format!("txn-{:016x}{:016x}", chance()?, chance()?);
        let mut head = String::new();
        if let Some(rows) = self.expected.control_totals.rows {
            head.push_str(&field(&boundary, "expected_rows", &rows.to_string()));
        }
        if let Some(totals) = &self.expected.totals {
            head.push_str(&field(&boundary, "expected_totals", &totals.to_string()));
        }
        head.push_str(&format!(
            "--{boundary}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"file.csv\"\r\n\
             content-type: text/csv\r\n\r\n"
        ));
        let tail = format!("\r\n--{boundary}--\r\n");
        let bytes = (head.len() + tail.len()) as u64 + self.source.bytes;
        let progress = Progress::of("sending", bytes);
        let body = || -> Result<Box<dyn Read + Send + Sync>, Problem> {
            progress.restart();
            let (head, tail) = (Cursor::new(head.clone()), Cursor::new(tail.clone()));
            Ok(Box::new(Counted { inner: head.chain(self.source.reader()?).chain(tail), progress: progress.clone() }))
        };
        let path =
            if self.arguments.dry_run { "/upload?dry_run=true".to_owned() } else { path("/upload", reprocess_attempt) };
        let content_type = format!("multipart/form-data; boundary={boundary}");
        let answer = self.api.post(&path, &Content { content_type, bytes, body: &body });
        progress.end();
        answer
    }

    /// By `POST /uploads` and the URL that it gives.
    fn send_to_the_bucket(
        &self,
        digest: Option<&ContentDigest>,
        reprocess_attempt: Option<u64>,
    ) -> Result<Answer, Problem> {
        let digest = digest.ok_or_else(|| Problem::usage("digest_missing", "The file has no digest."))?;
        for _ in 0..CREATIONS_MAX {
            let answer = self.create_upload(digest, reprocess_attempt)?;
            if answer.status == 400 && answer.json()["error"] == "invalid_csv" {
                // It is known already that the file is not what was expected of it.
                return Ok(answer);
            }
            let granted = expect_ok(&answer)?;
            let Some(url) = granted["upload"]["url"].as_str() else {
                // It is here already.
                return Ok(answer);
            };
            // Remembered before the bytes are sent: a command that is killed has begun something that can be followed.
            self.remember(&granted);
            let put = self.put(&safe_url(url)?, &granted["upload"]["headers"])?;
            match put.status {
                200 => return Ok(answer),
                // The URL expired before the upload began.
                403 => {}
                status => return Err(refused_by_the_bucket(status)),
            }
        }
        Err(refused_by_the_bucket(403))
    }

    fn create_upload(&self, digest: &ContentDigest, reprocess_attempt: Option<u64>) -> Result<Answer, Problem> {
        let mut request = json!({"size": self.source.bytes, "sha256": digest.as_str()});
        if let Some(rows) = self.expected.control_totals.rows {
            request["expected_rows"] = rows.into();
        }
        if let Some(totals) = &self.expected.totals {
            request["expected_totals"] = totals.clone();
        }
        let text = request.to_string();
        let bytes = text.len() as u64;
        let path = path("/uploads", reprocess_attempt);
        let body = || -> Result<Box<dyn Read + Send + Sync>, Problem> { Ok(Box::new(Cursor::new(text.clone()))) };
        self.api.post(&path, &Content { content_type: "application/json".to_owned(), bytes, body: &body })
    }

    fn put(&self, url: &str, headers: &Value) -> Result<Answer, Problem> {
        // The length is the body's own, which is what the upload was created for.
        let members = headers.as_object().into_iter().flatten().filter(|(name, _)| *name != "content-length");
        let headers = members.map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default().to_owned()));
        let progress = Progress::of("sending", self.source.bytes);
        let body = || -> Result<Box<dyn Read + Send + Sync>, Problem> {
            progress.restart();
            Ok(Box::new(Counted { inner: self.source.reader()?, progress: progress.clone() }))
        };
        let content = Content { content_type: String::new(), bytes: self.source.bytes, body: &body };
        let answer = self.api.put(url, headers.collect(), &content);
        progress.end();
        answer
    }

    /// Says what was answered, and what becomes of the file if that is asked for.
    fn conclude(&self, answer: &Answer) -> Result<Outcome, Problem> {
        let body = answer.json();
        let mut document = json!({"file": self.source.name, "sent": !self.arguments.dry_run, "answer": body});
        if answer.status == 400 && body["error"] == "invalid_csv" {
            self.tell(&Verdict::of_refusal(&body, self.arguments.max_errors))?;
            self.remember(&body);
            return Ok(Outcome { exit: Exit::NotWell, document });
        }
        if answer.status != 200 {
            let Problem { exit, code, message } = refusal(answer);
            return Err(Problem { exit, code, message: format!("{}: {message}", self.source.name) });
        }
        self.remember(&body);
        self.introduce(&body)?;
        if self.arguments.dry_run {
            return Ok(Outcome { exit: Exit::Well, document });
        }
        let Some(status_path) = body["status_path"].as_str().filter(|_| self.arguments.wait) else {
            // The status is of the time before the bytes came.
            let is_well = body["upload"].is_object();
            let exit = if is_well { Exit::Well } else { exit_of(body["status"].as_str().unwrap_or_default()) };
            return Ok(Outcome { exit, document });
        };
        let until = if body["upload"].is_object() { Until::UploadReceived } else { Until::Final };
        let page = self.follow(status_path, until)?;
        let exit = exit_of(page["status"].as_str().unwrap_or_default());
        document["status"] = page;
        Ok(Outcome { exit, document })
    }

    fn follow(&self, status_path: &str, until: Until) -> Result<Value, Problem> {
        let mut timeline = Timeline::default();
        let page = self.api.follow(status_path, until, Duration::from_secs(self.arguments.timeout), |page| {
            if self.as_json { Ok(()) } else { timeline.show(page) }
        })?;
        self.say(&summary(&page))?;
        if page["status"] == "validation_failed" {
            // Its page has no list of errors, but here is the file, and the rules are the same.
            let how = How { errors_max: self.arguments.max_errors, digest: false };
            let checked = check(self.source, how, self.expected, &Progress::of("checking", self.source.bytes))?;
            self.tell(&checked.into())?;
        }
        Ok(page)
    }

    fn introduce(&self, body: &Value) -> Result<(), Problem> {
        let text = |name: &str| print::shown(body[name].as_str().unwrap_or_default());
        // Its message tells how to send the file, which has been done.
        let is_in_the_bucket = body["upload"].is_object();
        let sent = format!("The file is sent, {} bytes, and will be checked and processed.", self.source.bytes);
        self.say(&format!("{}: {}", self.source.name, if is_in_the_bucket { sent } else { words(body) }))?;
        if body["row_count"].is_u64() {
            self.say(&format!("  records  {}", body["row_count"]))?;
            self.say(&format!("  totals   {}", print::totals_of(&body["totals"])))?;
        }
        self.say(&format!("  file_id  {}", text("file_id")))?;
        if self.arguments.dry_run || self.arguments.wait {
            return Ok(());
        }
        self.say(&format!("  follow   txn status {}", text("file_id")))
    }

    fn remember(&self, body: &Value) {
        if let (Some(file_id), Some(status_path)) = (body["file_id"].as_str(), body["status_path"].as_str()) {
            history::remember(&Upload {
                file_id: file_id.to_owned(),
                status_path: status_path.to_owned(),
                endpoint: self.api.base.clone(),
                sent_at: Timestamp::from_unix_milliseconds(now_ms()).to_milliseconds_text(),
            });
        }
    }

    fn tell(&self, verdict: &Verdict) -> Result<(), Problem> {
        if self.as_json { Ok(()) } else { print::line(verdict.to_text(self.source, &Shower::for_stdout())?) }
    }

    fn say(&self, text: &str) -> Result<(), Problem> {
        if self.as_json { Ok(()) } else { print::line(text) }
    }
}

/// What a look at a file found before it was sent.
enum Looked {
    Refused(Outcome),
    /// It may be sent. The digest is there where it is needed.
    Sound(Option<ContentDigest>),
}

/// What to do about a file that was not sent.
fn advice(name: &str, report: &ValidationReport) -> String {
    const STATED: [ErrorCode; 2] = [ErrorCode::RowCountMismatch, ErrorCode::TotalMismatch];
    if is_correctable(report) {
        // A command to be typed has no name that a shell would read otherwise.
        let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte));
        let file = if is_plain { name } else { "FILE" };
        return format!("txn validate {file} --correctable mend.csv --rows all writes it with its faults marked.");
    }
    let only_stated = report.errors_by_code.iter().all(|(code, _)| STATED.contains(code));
    if only_stated { "Send the right file, or state what it has." } else { "Mend it, and send it then." }.to_owned()
}

fn refused_by_the_bucket(status: u16) -> Problem {
    let exit = if status >= 500 { Exit::Unavailable } else { Exit::Denied };
    let message =
        format!("The bucket refused the file with HTTP {status}. If it has not changed meanwhile, send it again.");
    Problem::new(exit, "bucket_refused", message)
}

/// The path of a request to process a file, or to process it again after an attempt.
fn path(base: &str, reprocess_attempt: Option<u64>) -> String {
    reprocess_attempt.map_or_else(|| base.to_owned(), |attempt| format!("{base}?reprocess_attempt={attempt}"))
}

fn field(boundary: &str, name: &str, value: &str) -> String {
    format!("--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
}

fn chance() -> Result<u64, Problem> {
    getrandom::u64().map_err(|error| Problem::new(Exit::Unavailable, "randomness_unavailable", error.to_string()))
}

/// Tells how far the reading of a body is.
struct Counted<R> {
    inner: R,
    progress: Progress,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.progress.add(length);
        Ok(length)
    }
}
