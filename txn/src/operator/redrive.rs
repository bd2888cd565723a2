//! `txn redrive`: processes again what is in the dead-letter queue of files.
//!
//! A message is deleted only when its file has ended well. Whatever happens before that, a kill included, it comes back, and
//! the next run finds the file completed and has only to delete it. A file that fails again leaves one more message; all
//! messages of an object are one piece of work.

use super::dead_letter::{Letter, Object};
use super::outcome::{Outcomes, Standing};
use super::queue::{Message, Queue};
use super::{Aws, aws_problem};
use crate::cli::RedriveArguments;
use crate::print;
use crate::problem::{Exit, Problem};
use crate::settings::Settings;
use domain::limits::ATTEMPTS_MAX;
use domain::{FileId, FileStatus};
use serde_json::{Value, json};
use std::time::Duration;

/// How long messages are hidden beyond the time that their file has, in seconds.
const HIDDEN_LONGER_SECONDS: u64 = 60;
/// Most characters that are shown of what the workflow said when it failed.
const CAUSE_CHARACTERS_MAX: usize = 200;
/// The longest that SQS hides a message, in seconds.
const HIDDEN_SECONDS_MAX: u64 = 12 * 60 * 60;

pub(crate) fn run(arguments: &RedriveArguments, settings: &Settings, as_json: bool) -> Result<Exit, Problem> {
    let environment = settings.environment(&arguments.operate)?;
    let aws = Aws::new(settings)?;
    let queue = Queue::open(&aws, &environment)?;
    let redrive = Redrive {
        state_machine: state_machine(&aws, &environment)?,
        outcomes: Outcomes::new(&aws, &environment),
        aws: &aws,
        queue: &queue,
        arguments,
    };
    let messages = queue.take(arguments.max.get(), redrive.hidden_seconds())?;
    let mut works = group(messages);
    let mut documents = Vec::new();
    let mut stays = false;
    for work in &mut works {
        let done = redrive.work_on(work);
        // What stays is there for the next one at once, however this one ended.
        if !matches!(&done, Ok(done) if done.deleted) {
            for message in &work.messages {
                queue.hide(message, 0)?;
            }
        }
        let done = done?;
        stays |= !done.deleted && !arguments.dry_run;
        if !as_json {
            print::line(done.to_text(work))?;
        }
        documents.push(done.to_json(work));
    }
    if as_json {
        print::json(&json!({"environment": environment, "dry_run": arguments.dry_run, "works": documents}))?;
    } else if works.is_empty() {
        print::line(format!("The dead-letter queue of {environment} is empty."))?;
    }
    Ok(if stays { Exit::NotWell } else { Exit::Well })
}

/// The messages of one object, or one message that is about none.
struct Work {
    letter: Letter,
    messages: Vec<Message>,
}

fn group(messages: Vec<Message>) -> Vec<Work> {
    let mut works: Vec<Work> = Vec::new();
    for message in messages {
        let letter = Letter::read(&message.body);
        let known = letter.object().and_then(|object| {
            works.iter().position(|work| work.letter.object().is_some_and(|other| other.is_same(object)))
        });
        match known {
            Some(at) => {
                let work = &mut works[at];
                // Where any of them says that another try may help, it is made.
                if matches!(letter, Letter::Object(_)) {
                    work.letter = letter;
                }
                work.messages.push(message);
            }
            None => works.push(Work { letter, messages: vec![message] }),
        }
    }
    works
}

/// What was done about an object.
struct Done {
    action: &'static str,
    deleted: bool,
    file_id: Option<FileId>,
    standing: Option<Standing>,
    why: String,
}

struct Redrive<'a> {
    aws: &'a Aws,
    queue: &'a Queue<'a>,
    outcomes: Outcomes<'a>,
    state_machine: String,
    arguments: &'a RedriveArguments,
}

impl Redrive<'_> {
    fn hidden_seconds(&self) -> i32 {
        let seconds = (self.arguments.timeout + HIDDEN_LONGER_SECONDS).min(HIDDEN_SECONDS_MAX);
        i32::try_from(seconds).unwrap_or(i32::MAX)
    }

    fn work_on(&self, work: &Work) -> Result<Done, Problem> {
        match &work.letter {
            Letter::Other(why) => Ok(stays(None, None, format!("{why}; look at it by hand"))),
            Letter::OfTheFile(object) => self.leave_or_delete(object, work),
            Letter::Object(object) => self.process(object, work),
        }
    }

    /// A file that is wrong in itself stays wrong. Its sender knows, and sends another one.
    fn leave_or_delete(&self, object: &Object, work: &Work) -> Result<Done, Problem> {
        let file_id = object.file_id();
        if !self.arguments.delete_refused {
            let why = "the file itself was refused; its sender has to mend it. --delete-refused deletes its message";
            return Ok(stays(file_id, None, why.to_owned()));
        }
        let why = "the file itself was refused".to_owned();
        self.delete(work, Done { action: "refused", deleted: true, file_id, standing: None, why })
    }

    fn process(&self, object: &Object, work: &Work) -> Result<Done, Problem> {
        let Some(file_id) = self.outcomes.file_id(object)? else {
            return Ok(stays(None, None, "its key is of no partner and of no file".to_owned()));
        };
        let before = self.outcomes.read(&file_id)?;
        if let Some(standing) = before.filter(|standing| standing.status == FileStatus::Completed) {
            let why = "it was completed meanwhile".to_owned();
            return self.delete(
                work,
                Done {
                    action: "completed_before",
                    deleted: true,
                    file_id: Some(file_id),
                    standing: Some(standing),
                    why,
                },
            );
        }
        if before.is_some_and(|standing| standing.status.is_final() && standing.attempt >= ATTEMPTS_MAX) {
            return Ok(stays(Some(file_id), before, format!("it was tried {ATTEMPTS_MAX} times, which is the most")));
        }
        if self.arguments.dry_run {
            let why = "the workflow would be started for it".to_owned();
            return Ok(Done { action: "would_start", deleted: false, file_id: Some(file_id), standing: before, why });
        }
        for message in &work.messages {
            self.queue.hide(message, self.hidden_seconds())?;
        }
        self.start(object)?;
        let timeout = Duration::from_secs(self.arguments.timeout);
        match self.outcomes.wait(&file_id, before, timeout)? {
            Some(ended) if ended.status == FileStatus::Completed => {
                let why = "it was processed".to_owned();
                self.delete(
                    work,
                    Done { action: "processed", deleted: true, file_id: Some(file_id), standing: Some(ended), why },
                )
            }
            Some(ended) => Ok(stays(Some(file_id), Some(ended), "it failed again; a new message says why".to_owned())),
            None => {
                let standing = self.outcomes.read(&file_id)?;
                let why = format!("it has not ended within {} seconds; the next run looks again", timeout.as_secs());
                Ok(stays(Some(file_id), standing, why))
            }
        }
    }

    fn start(&self, object: &Object) -> Result<(), Problem> {
        let start = self.aws.step_functions().start_execution().state_machine_arn(&self.state_machine);
        let sent = self.aws.runtime.block_on(start.input(object.input()).send());
        sent.map(drop).map_err(|error| aws_problem("states:StartExecution", &error))
    }

    /// Deletes what is done with; in a dry run it only says so.
    fn delete(&self, work: &Work, done: Done) -> Result<Done, Problem> {
        if self.arguments.dry_run {
            return Ok(Done { deleted: false, ..done });
        }
        work.messages.iter().try_for_each(|message| self.queue.delete(message))?;
        Ok(done)
    }
}

fn stays(file_id: Option<FileId>, standing: Option<Standing>, why: String) -> Done {
    Done { action: "stays", deleted: false, file_id, standing, why }
}

impl Done {
    fn to_text(&self, work: &Work) -> String {
        let subject = match (work.letter.object(), &self.file_id) {
            (Some(object), Some(file_id)) => format!("{} (file {file_id})", print::shown(&object.key)),
            (Some(object), None) => print::shown(&object.key),
            (None, _) => format!("message {}", print::shown(&work.messages[0].id)),
        };
        let standing =
            self.standing.map(|standing| format!("; {}, attempt {}", standing.status.as_str(), standing.attempt));
        let why = match (self.action, work.letter.object().and_then(failure)) {
            ("would_start", failure) => failure.unwrap_or_else(|| "its message does not say why it failed".to_owned()),
            (_, Some(failure)) => format!("{failure}; {}", self.why),
            (_, None) => self.why.clone(),
        };
        let count =
            if work.messages.len() == 1 { String::new() } else { format!(" ({} messages)", work.messages.len()) };
        format!("{}{count}  {subject}: {why}{}", self.what(), standing.unwrap_or_default())
    }

    /// What was done, or would be.
    fn what(&self) -> &'static str {
        match (self.deleted, self.action) {
            (true, _) => "deleted",
            (false, "would_start") => "would start",
            // What is to be deleted stays in a dry run alone.
            (false, "completed_before" | "refused") => "would delete",
            (false, _) => "stays",
        }
    }

    fn to_json(&self, work: &Work) -> Value {
        let object = work.letter.object();
        json!({
            "messages": work.messages.iter().map(|message| message.id.as_str()).collect::<Vec<_>>(),
            "key": object.map(|object| object.key.as_str()),
            "version_id": object.map(|object| object.version_id.as_str()),
            "error": object.and_then(|object| object.error.as_deref()),
            "cause": object.and_then(|object| object.cause.as_deref()).map(shortened),
            "file_id": self.file_id.as_ref().map(FileId::as_str),
            "status": self.standing.map(|standing| standing.status.as_str()),
            "attempt": self.standing.map(|standing| standing.attempt),
            "action": self.action,
            "deleted": self.deleted,
            "why": self.why,
        })
    }
}

/// Why an object is in the queue, as the workflow told it.
fn failure(object: &Object) -> Option<String> {
    let error = print::shown(object.error.as_deref()?);
    let cause = object.cause.as_deref().map(|cause| format!(": {}", shortened(cause)));
    Some(format!("failed with {error}{}", cause.unwrap_or_default()))
}

/// The beginning of a cause, which may be a page long and hold anything.
fn shortened(cause: &str) -> String {
    let shown = print::shown(cause);
    match shown.char_indices().nth(CAUSE_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown,
    }
}

/// The workflow of files of an environment, by its name: its ARN has the account's number, which nobody has to know.
fn state_machine(aws: &Aws, environment: &str) -> Result<String, Problem> {
    let name = format!("transaction-workflow-{environment}");
    let mut token = None;
    loop {
        let list = aws.step_functions().list_state_machines().set_next_token(token);
        let page = aws.runtime.block_on(list.send());
        let page = page.map_err(|error| aws_problem("states:ListStateMachines", &error))?;
        if let Some(found) = page.state_machines.into_iter().find(|machine| machine.name == name) {
            return Ok(found.state_machine_arn);
        }
        token = page.next_token;
        if token.is_none() {
            return Err(Problem::usage(
                "aws_not_found",
                format!("There is no workflow {name}. Check --env and the region."),
            ));
        }
    }
}
