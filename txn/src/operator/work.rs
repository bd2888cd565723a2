//! The work that the messages of a dead-letter queue ask for, and the report of its outcome, as text and as JSON.

use super::dead_letter::{DeadLetter, Failure};
use super::file_status::CurrentStatus;
use super::queue::Message;
use crate::print;
use crate::problem::{Exit, Problem};
use domain::FileId;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The maximum length of the cause of a failure, in characters.
const CAUSE_CHARACTERS_MAX: usize = 200;

/// The two queues.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Kind {
    Files,
    Payments,
}

impl Kind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Payments => "payments",
        }
    }

    pub(crate) fn queue(self, environment: &str) -> String {
        match self {
            Self::Files => format!("transaction-processing-dlq-{environment}"),
            Self::Payments => format!("eventbridge-dlq-{environment}"),
        }
    }

    fn parse(self, body: &str) -> DeadLetter {
        match self {
            Self::Files => DeadLetter::of_files(body),
            Self::Payments => DeadLetter::of_payments(body),
        }
    }
}

/// Messages about the same object, payment or schedule.
pub(crate) struct Work {
    pub(crate) kind: Kind,
    pub(crate) dead_letter: DeadLetter,
    pub(crate) messages: Vec<Message>,
}

impl Work {
    /// Groups messages by their subject, in the order in which they were received.
    pub(crate) fn group(kind: Kind, messages: Vec<Message>) -> Vec<Self> {
        let mut works: Vec<Self> = Vec::new();
        for message in messages {
            let dead_letter = kind.parse(&message.body);
            match works.iter_mut().find(|work| work.dead_letter.has_same_subject(&dead_letter)) {
                Some(work) => {
                    // If one of the messages can be retried, the work is retried.
                    if matches!(dead_letter, DeadLetter::Object(_)) {
                        work.dead_letter = dead_letter;
                    }
                    work.messages.push(message);
                }
                None => works.push(Self { kind, dead_letter, messages: vec![message] }),
            }
        }
        works
    }

    /// What it is about, as text.
    fn subject(&self, file_id: Option<&FileId>) -> String {
        match (self.dead_letter.object(), self.dead_letter.payment(), file_id) {
            (Some(object), _, Some(file_id)) => format!("{} (file {file_id})", print::sanitized(&object.key)),
            (Some(object), ..) => print::sanitized(&object.key),
            (_, Some(payment), _) => {
                format!(
                    "payment {} of {}",
                    print::sanitized(&payment.transaction_id),
                    print::sanitized(&payment.provider)
                )
            }
            _ => format!("message {}", print::sanitized(&self.messages[0].id)),
        }
    }
}

/// What was done, or would be done.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Action {
    /// The workflow succeeded.
    Processed,
    /// It was completed before.
    CompletedBefore,
    /// An event was published again.
    Published,
    /// The next run of the schedule does it.
    Superseded,
    /// The file was rejected, and its message is deleted.
    Rejected,
    /// The workflow failed again, and its new message replaces the old ones.
    FailedAgain,
    /// The workflow would be started.
    WouldStart,
    /// The event would be published.
    WouldPublish,
    /// Nothing could be done; the messages stay.
    Stays,
}

impl Action {
    /// The stable name in JSON.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Processed => "processed",
            Self::CompletedBefore => "completed_before",
            Self::Published => "published",
            Self::Superseded => "superseded",
            Self::Rejected => "rejected",
            Self::FailedAgain => "failed_again",
            Self::WouldStart => "would_start",
            Self::WouldPublish => "would_publish",
            Self::Stays => "stays",
        }
    }
}

/// The outcome of a piece of work.
#[derive(Clone, Debug)]
pub(crate) struct Done {
    pub(crate) action: Action,
    /// Whether its messages were deleted.
    pub(crate) deleted: bool,
    pub(crate) file_id: Option<FileId>,
    pub(crate) current: Option<CurrentStatus>,
    pub(crate) why: String,
    /// The error that prevented it.
    pub(crate) problem: Option<Problem>,
}

impl Done {
    pub(crate) fn new(action: Action, why: impl Into<String>) -> Self {
        Self { action, deleted: false, file_id: None, current: None, why: why.into(), problem: None }
    }

    /// An error of a call. The messages stay as they are.
    pub(crate) fn not_done(problem: Problem) -> Self {
        Self { problem: Some(problem), ..Self::new(Action::Stays, "") }
    }

    pub(crate) fn about(self, file_id: &FileId, current: Option<CurrentStatus>) -> Self {
        Self { file_id: Some(file_id.clone()), current, ..self }
    }

    /// The first words of its line of text.
    fn what(&self) -> &'static str {
        match (self.deleted, self.action) {
            (true, _) => "deleted",
            (false, Action::WouldStart) => "would start",
            (false, Action::WouldPublish) => "would publish",
            (false, Action::FailedAgain) => "failed again",
            (false, Action::Stays) => "stays",
            // A dry run, or the message could not be deleted.
            (false, _) => "would delete",
        }
    }

    pub(crate) fn to_text(&self, work: &Work) -> String {
        let why = self.problem.as_ref().map_or(self.why.as_str(), |problem| &problem.message);
        let failure = work.dead_letter.failure().and_then(description);
        let why = match (self.action, failure) {
            (Action::WouldStart | Action::WouldPublish, failure) => {
                failure.unwrap_or_else(|| "its message does not say why".to_owned())
            }
            (Action::FailedAgain, _) | (_, None) => why.to_owned(),
            (_, Some(failure)) => format!("{failure}; {why}"),
        };
        let current = self.current.map(|current| format!("; {}, attempt {}", current.status.as_str(), current.attempt));
        let count =
            if work.messages.len() == 1 { String::new() } else { format!(" ({} messages)", work.messages.len()) };
        let subject = work.subject(self.file_id.as_ref());
        format!("{}{count}  {subject}: {why}{}", self.what(), current.unwrap_or_default())
    }

    fn to_json(&self, work: &Work) -> Value {
        let (object, payment, failure) =
            (work.dead_letter.object(), work.dead_letter.payment(), work.dead_letter.failure());
        json!({
            "queue": work.kind.as_str(),
            "messages": work.messages.iter().map(|message| message.id.as_str()).collect::<Vec<_>>(),
            "key": object.map(|object| object.key.as_str()),
            "version_id": object.map(|object| object.version_id.as_str()),
            "transaction_id": payment.map(|payment| payment.transaction_id.as_str()),
            "provider": payment.map(|payment| payment.provider.as_str()),
            "error": failure.and_then(|failure| failure.error.as_deref()),
            "cause": failure.and_then(|failure| failure.cause.as_deref()).map(shortened),
            "file_id": self.file_id.as_ref().map(FileId::as_str),
            "status": self.current.map(|current| current.status.as_str()),
            "attempt": self.current.map(|current| current.attempt),
            "action": self.action.as_str(),
            "deleted": self.deleted,
            "why": self.problem.as_ref().map_or(self.why.as_str(), |problem| &problem.message),
        })
    }
}

/// The failure as text.
pub(crate) fn description(failure: &Failure) -> Option<String> {
    let error = print::sanitized(failure.error.as_deref()?);
    let cause = failure.cause.as_deref().map(|cause| format!(": {}", shortened(cause)));
    Some(format!("failed with {error}{}", cause.unwrap_or_default()))
}

/// The beginning of a cause, which may be long and have any characters.
fn shortened(cause: &str) -> String {
    let shown = print::sanitized(cause);
    match shown.char_indices().nth(CAUSE_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown,
    }
}

/// The report of a run: text during the run, or JSON at its end.
pub(crate) struct Report {
    as_json: bool,
    documents: Vec<Value>,
    /// The number of messages of each queue, and of pieces of work by action.
    counts: BTreeMap<Kind, Counts>,
    /// Whether a message stays in a queue.
    stays: bool,
    /// The greatest exit code of the errors.
    exit: Exit,
}

type Counts = (usize, BTreeMap<Action, usize>);

impl Report {
    pub(crate) fn new(as_json: bool) -> Self {
        Self { as_json, documents: Vec::new(), counts: BTreeMap::new(), stays: false, exit: Exit::Success }
    }

    pub(crate) fn received(&mut self, kind: Kind, messages: usize) {
        self.counts.entry(kind).or_default().0 += messages;
    }

    pub(crate) fn add(&mut self, work: &Work, done: &Done) -> Result<(), Problem> {
        *self.counts.entry(work.kind).or_default().1.entry(done.action).or_default() += 1;
        self.stays |= !done.deleted;
        self.exit = self.exit.max(done.problem.as_ref().map_or(Exit::Success, |problem| problem.exit));
        self.documents.push(done.to_json(work));
        if self.as_json { Ok(()) } else { print::line(done.to_text(work)) }
    }

    /// Prints the summary and returns the exit code: a failure if a message stays.
    pub(crate) fn end(self, environment: &str, dry_run: bool, interrupted: bool) -> Result<Exit, Problem> {
        if self.as_json {
            let counts = self.counts.iter().map(|(kind, counts)| (kind.as_str().to_owned(), summary_json(counts)));
            let summary = counts.collect::<serde_json::Map<_, _>>();
            print::json(&json!({"environment": environment, "dry_run": dry_run, "interrupted": interrupted,
                "works": self.documents, "summary": summary}))?;
        } else {
            self.counts.iter().try_for_each(|(kind, counts)| print::line(summary(*kind, environment, counts)))?;
            if interrupted {
                print::line("Interrupted. All unfinished messages are visible again; run the command again.")?;
            }
        }
        let is_success = !interrupted && (dry_run || !self.stays);
        Ok(self.exit.max(if is_success { Exit::Success } else { Exit::Failure }))
    }
}

fn summary_json((messages, actions): &Counts) -> Value {
    let mut counts = json!({"messages": messages});
    for (action, works) in actions {
        counts[action.as_str()] = (*works).into();
    }
    counts
}

fn summary(kind: Kind, environment: &str, (messages, actions): &Counts) -> String {
    let kind = kind.as_str();
    if *messages == 0 {
        return format!("The dead-letter queue of {kind} of {environment} is empty.");
    }
    let actions = actions.iter().map(|(action, works)| format!("{} {works}", action.as_str().replace('_', " ")));
    format!("Of {kind}: messages {messages}; {}", actions.collect::<Vec<_>>().join(", "))
}
