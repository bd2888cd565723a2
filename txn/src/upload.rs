//! `txn upload`: sends files to the API or to the bucket, depending on their size, and follows them.

use crate::api::{Api, Content, Until, accepted_message, exit_of, expect_ok, rejection};
use crate::calendar::now_ms;
use crate::check::{CheckOptions, check, digest_of};
use crate::cli::UploadArguments;
use crate::excerpt::ErrorRenderer;
use crate::expected::Expected;
use crate::history::{self, Upload};
use crate::http::Response;
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

/// How often an upload is created, if its URL expires before it begins.
const CREATIONS_MAX: u32 = 2;

pub(crate) fn run(arguments: &UploadArguments, settings: &Settings, as_json: bool) -> Result<Exit, Problem> {
    let api = Api::with_key(settings, &arguments.access)?;
    let expected = Expected::read(&arguments.expected)?;
    let mut documents = Vec::new();
    let mut exit = Exit::Success;
    for path in &arguments.files {
        let outcome = Source::open(path).and_then(|source| {
            let sender = Sender { api: &api, arguments, expected: &expected, source: &source, as_json };
            sender.send()
        });
        match outcome {
            Ok(Outcome { exit: of_file, document }) => {
                exit = exit.max(of_file);
                documents.push(document);
            }
            Err(problem) => {
                exit = exit.max(problem.exit);
                problem.print(as_json);
                // A problem with the service or the key affects every file.
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

/// The outcome of one file.
struct Outcome {
    exit: Exit,
    document: Value,
}

/// Sends one file.
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
                    "{}: --dry-run takes files of at most {API_FILE_BYTES_MAX} bytes. Check this one locally, by the same \
                     rules: txn validate",
                    self.source.name
                ),
            ));
        }
        let digest = match self.check_locally()? {
            LocalCheck::Rejected(outcome) => return Ok(outcome),
            LocalCheck::Passed(digest) => digest,
        };
        let send = |reprocess_attempt: Option<u64>| {
            if by_the_api {
                self.send_directly(reprocess_attempt)
            } else {
                self.send_to_the_bucket(digest.as_ref(), reprocess_attempt)
            }
        };
        let response = send(None)?;
        // Only a known attempt can be repeated; a new file has just begun its first.
        match self.attempt_to_repeat(&response) {
            Some(seen) => self.conclude(&send(Some(seen))?),
            None => self.conclude(&response),
        }
    }

    /// The attempt after which to process the file again, if requested and if the file was sent before.
    fn attempt_to_repeat(&self, response: &Response) -> Option<u64> {
        let body = response.json();
        let was_sent = self.arguments.reprocess && response.status == 200 && body["duplicate"] == true;
        was_sent.then(|| body["attempt"].as_u64()).flatten()
    }

    /// Checks the file before it is sent, unless with `--dry-run` or `--no-check`.
    fn check_locally(&self) -> Result<LocalCheck, Problem> {
        let progress = Progress::of("checking", self.source.bytes);
        if self.arguments.dry_run || self.arguments.no_check {
            let needed = self.source.bytes > API_FILE_BYTES_MAX;
            let digest = needed.then(|| digest_of(self.source, &progress)).transpose()?;
            progress.end();
            return Ok(LocalCheck::Passed(digest));
        }
        let options = CheckOptions { errors_max: self.arguments.max_errors, digest: true };
        let checked = check(self.source, options, self.expected, &progress)?;
        progress.end();
        let digest = checked.digest.clone();
        let advice = advice(&self.source.name, &checked.report);
        let verdict = Verdict::from(checked);
        if verdict.is_valid() {
            return Ok(LocalCheck::Passed(digest));
        }
        self.print_result(&verdict)?;
        self.print_line(&format!("The file was not sent, because it would be rejected. {advice}"))?;
        let document = json!({"file": self.source.name, "sent": false, "check": verdict.to_json(&self.source.name)});
        Ok(LocalCheck::Rejected(Outcome { exit: Exit::Failure, document }))
    }

    /// Sends the file to `POST /upload`, as a part of a form.
    fn send_directly(&self, reprocess_attempt: Option<u64>) -> Result<Response, Problem> {
        let boundary = format!("txn-{:016x}{:016x}", random_u64()?, random_u64()?);
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
            Ok(Box::new(CountingReader {
                inner: head.chain(self.source.reader()?).chain(tail),
                progress: progress.clone(),
            }))
        };
        let path =
            if self.arguments.dry_run { "/upload?dry_run=true".to_owned() } else { path("/upload", reprocess_attempt) };
        let content_type = format!("multipart/form-data; boundary={boundary}");
        let response = self.api.post(&path, &Content { content_type, bytes, body: &body });
        progress.end();
        response
    }

    /// Creates an upload with `POST /uploads`, and puts the file to its URL.
    fn send_to_the_bucket(
        &self,
        digest: Option<&ContentDigest>,
        reprocess_attempt: Option<u64>,
    ) -> Result<Response, Problem> {
        let digest = digest.ok_or_else(|| Problem::usage("digest_missing", "The file has no digest."))?;
        for _ in 0..CREATIONS_MAX {
            let response = self.create_upload(digest, reprocess_attempt)?;
            if response.status == 400 && response.json()["error"] == "invalid_csv" {
                // An earlier validation does not match the control totals.
                return Ok(response);
            }
            let created = expect_ok(&response)?;
            let Some(url) = created["upload"]["url"].as_str() else {
                // The file was received before.
                return Ok(response);
            };
            // Remembered before the bytes are sent, so that the upload can be followed even if the command is killed.
            self.remember(&created);
            let put = self.put(&safe_url(url)?, &created["upload"]["headers"])?;
            match put.status {
                200 => return Ok(response),
                // The URL expired before the upload began.
                403 => {}
                status => return Err(bucket_rejection(status)),
            }
        }
        Err(bucket_rejection(403))
    }

    fn create_upload(&self, digest: &ContentDigest, reprocess_attempt: Option<u64>) -> Result<Response, Problem> {
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

    fn put(&self, url: &str, headers: &Value) -> Result<Response, Problem> {
        // The client sets the length of the body itself.
        let members = headers.as_object().into_iter().flatten().filter(|(name, _)| *name != "content-length");
        let headers = members.map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default().to_owned()));
        let progress = Progress::of("sending", self.source.bytes);
        let body = || -> Result<Box<dyn Read + Send + Sync>, Problem> {
            progress.restart();
            Ok(Box::new(CountingReader { inner: self.source.reader()?, progress: progress.clone() }))
        };
        let content = Content { content_type: String::new(), bytes: self.source.bytes, body: &body };
        let response = self.api.put(url, headers.collect(), &content);
        progress.end();
        response
    }

    /// Prints the response, and follows the file if requested.
    fn conclude(&self, response: &Response) -> Result<Outcome, Problem> {
        let body = response.json();
        let mut document = json!({"file": self.source.name, "sent": !self.arguments.dry_run, "response": body});
        if response.status == 400 && body["error"] == "invalid_csv" {
            self.print_result(&Verdict::of_rejection(&body, self.arguments.max_errors))?;
            self.remember(&body);
            return Ok(Outcome { exit: Exit::Failure, document });
        }
        if response.status != 200 {
            let Problem { exit, code, message } = rejection(response);
            return Err(Problem { exit, code, message: format!("{}: {message}", self.source.name) });
        }
        self.remember(&body);
        self.print_accepted(&body)?;
        if self.arguments.dry_run {
            return Ok(Outcome { exit: Exit::Success, document });
        }
        let Some(status_path) = body["status_path"].as_str().filter(|_| self.arguments.wait) else {
            // The status is older than the upload.
            let is_uploaded = body["upload"].is_object();
            let exit = if is_uploaded { Exit::Success } else { exit_of(body["status"].as_str().unwrap_or_default()) };
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
        self.print_line(&summary(&page))?;
        if page["status"] == "validation_failed" {
            // The page has no list of errors, but the file is here, and the rules are the same.
            let options = CheckOptions { errors_max: self.arguments.max_errors, digest: false };
            let checked = check(self.source, options, self.expected, &Progress::of("checking", self.source.bytes))?;
            self.print_result(&checked.into())?;
        }
        Ok(page)
    }

    fn print_accepted(&self, body: &Value) -> Result<(), Problem> {
        let text = |name: &str| print::sanitized(body[name].as_str().unwrap_or_default());
        // The message says how to send the file, which has been done.
        let is_in_the_bucket = body["upload"].is_object();
        let sent = format!("The file is sent, {} bytes, and will be checked and processed.", self.source.bytes);
        self.print_line(&format!(
            "{}: {}",
            self.source.name,
            if is_in_the_bucket { sent } else { accepted_message(body) }
        ))?;
        if body["row_count"].is_u64() {
            self.print_line(&format!("  records  {}", body["row_count"]))?;
            self.print_line(&format!("  totals   {}", print::totals_of(&body["totals"])))?;
        }
        self.print_line(&format!("  file_id  {}", text("file_id")))?;
        if self.arguments.dry_run || self.arguments.wait {
            return Ok(());
        }
        self.print_line(&format!("  follow   txn status {}", text("file_id")))
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

    fn print_result(&self, verdict: &Verdict) -> Result<(), Problem> {
        if self.as_json { Ok(()) } else { print::line(verdict.to_text(self.source, &ErrorRenderer::for_stdout())?) }
    }

    fn print_line(&self, text: &str) -> Result<(), Problem> {
        if self.as_json { Ok(()) } else { print::line(text) }
    }
}

/// The result of the check before a file is sent.
enum LocalCheck {
    Rejected(Outcome),
    /// The file can be sent. The digest is present if it is needed.
    Passed(Option<ContentDigest>),
}

/// What to do about a file that was not sent.
fn advice(name: &str, report: &ValidationReport) -> String {
    const CONTROL_TOTALS: [ErrorCode; 2] = [ErrorCode::RowCountMismatch, ErrorCode::TotalMismatch];
    if is_correctable(report) {
        // The command is shown only with a name that needs no quotes in a shell.
        let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte));
        let file = if is_plain { name } else { "FILE" };
        return format!(
            "To write a copy with the errors marked: txn validate {file} --correctable corrected.csv --rows all"
        );
    }
    let only_control_totals = report.errors_by_code.iter().all(|(code, _)| CONTROL_TOTALS.contains(code));
    if only_control_totals {
        "Send the right file, or correct the control totals."
    } else {
        "Correct the file and send it again."
    }
    .to_owned()
}

fn bucket_rejection(status: u16) -> Problem {
    let exit = if status >= 500 { Exit::Unavailable } else { Exit::Denied };
    let message =
        format!("The bucket rejected the file with HTTP {status}. Send it again, unless it was changed meanwhile.");
    Problem::new(exit, "bucket_refused", message)
}

/// The path of a request to process a file, or to process it again after an attempt.
fn path(base: &str, reprocess_attempt: Option<u64>) -> String {
    reprocess_attempt.map_or_else(|| base.to_owned(), |attempt| format!("{base}?reprocess_attempt={attempt}"))
}

fn field(boundary: &str, name: &str, value: &str) -> String {
    format!("--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
}

fn random_u64() -> Result<u64, Problem> {
    getrandom::u64().map_err(|error| Problem::new(Exit::Unavailable, "randomness_unavailable", error.to_string()))
}

/// Reports the progress of reading a body.
struct CountingReader<R> {
    inner: R,
    progress: Progress,
}

impl<R: Read> Read for CountingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.progress.add(length);
        Ok(length)
    }
}
