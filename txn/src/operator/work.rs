//! What is to be done about messages of a dead-letter queue, and what was done, for people and for programs.

use super::dead_letter::{Failure, Letter};
use super::outcome::Standing;
use super::queue::Message;
use crate::print;
use crate::problem::{Exit, Problem};
use domain::FileId;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Most characters that are shown of what a workflow said when it failed.
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

    fn read(self, body: &str) -> Letter {
        match self {
            Self::Files => Letter::of_files(body),
            Self::Payments => Letter::of_payments(body),
        }
    }
}

/// Messages that ask for the same to be done.
pub(crate) struct Work {
    pub(crate) kind: Kind,
    pub(crate) letter: Letter,
    pub(crate) messages: Vec<Message>,
}

impl Work {
    /// Puts together what is about the same, in the order in which it came.
    pub(crate) fn group(kind: Kind, messages: Vec<Message>) -> Vec<Self> {
        let mut works: Vec<Self> = Vec::new();
        for message in messages {
            let letter = kind.read(&message.body);
            match works.iter_mut().find(|work| work.letter.is_about_the_same(&letter)) {
                Some(work) => {
                    // Where any of them says that another try may help, it is made.
                    if matches!(letter, Letter::Object(_)) {
                        work.letter = letter;
                    }
                    work.messages.push(message);
                }
                None => works.push(Self { kind, letter, messages: vec![message] }),
            }
        }
        works
    }

    /// What it is about, for people.
    fn subject(&self, file_id: Option<&FileId>) -> String {
        match (self.letter.object(), self.letter.payment(), file_id) {
            (Some(object), _, Some(file_id)) => format!("{} (file {file_id})", print::shown(&object.key)),
            (Some(object), ..) => print::shown(&object.key),
            (_, Some(payment), _) => {
                format!("payment {} of {}", print::shown(&payment.transaction_id), print::shown(&payment.provider))
            }
            _ => format!("message {}", print::shown(&self.messages[0].id)),
        }
    }
}

/// What was done, or would be.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Action {
    /// The workflow ran, and all is well.
    Processed,
    /// All was well before.
    CompletedBefore,
    /// An event was published again.
    Published,
    /// What a schedule had started goes on with the next run.
    Superseded,
    /// The file is wrong in itself, and its message is no longer wanted.
    Refused,
    /// The workflow failed again, and left a new message in place of the old ones.
    FailedAgain,
    /// The workflow would be started.
    WouldStart,
    /// The event would be published.
    WouldPublish,
    /// Nothing could be done.
    Stays,
}

impl Action {
    /// The stable name, for programs.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Processed => "processed",
            Self::CompletedBefore => "completed_before",
            Self::Published => "published",
            Self::Superseded => "superseded",
            Self::Refused => "refused",
            Self::FailedAgain => "failed_again",
            Self::WouldStart => "would_start",
            Self::WouldPublish => "would_publish",
            Self::Stays => "stays",
        }
    }
}

/// What was done about a piece of work.
#[derive(Clone, Debug)]
pub(crate) struct Done {
    pub(crate) action: Action,
    /// Whether its messages are gone from the queue.
    pub(crate) deleted: bool,
    pub(crate) file_id: Option<FileId>,
    pub(crate) standing: Option<Standing>,
    pub(crate) why: String,
    /// Why this could not be done at all.
    pub(crate) problem: Option<Problem>,
}

impl Done {
    pub(crate) fn new(action: Action, why: impl Into<String>) -> Self {
        Self { action, deleted: false, file_id: None, standing: None, why: why.into(), problem: None }
    }

    /// What could not be asked or told changes nothing of the messages.
    pub(crate) fn not_at_all(problem: Problem) -> Self {
        Self { problem: Some(problem), ..Self::new(Action::Stays, "") }
    }

    pub(crate) fn about(self, file_id: &FileId, standing: Option<Standing>) -> Self {
        Self { file_id: Some(file_id.clone()), standing, ..self }
    }

    /// The first words of its line.
    fn what(&self) -> &'static str {
        match (self.deleted, self.action) {
            (true, _) => "deleted",
            (false, Action::WouldStart) => "would start",
            (false, Action::WouldPublish) => "would publish",
            (false, Action::FailedAgain) => "failed again",
            (false, Action::Stays) => "stays",
            // What is done with stays where it was only asked for, or could not be deleted.
            (false, _) => "would delete",
        }
    }

    pub(crate) fn to_text(&self, work: &Work) -> String {
        let why = self.problem.as_ref().map_or(self.why.as_str(), |problem| &problem.message);
        let failure = work.letter.failure().and_then(told);
        let why = match (self.action, failure) {
            (Action::WouldStart | Action::WouldPublish, failure) => {
                failure.unwrap_or_else(|| "its message does not say why it failed".to_owned())
            }
            (Action::FailedAgain, _) | (_, None) => why.to_owned(),
            (_, Some(failure)) => format!("{failure}; {why}"),
        };
        let standing =
            self.standing.map(|standing| format!("; {}, attempt {}", standing.status.as_str(), standing.attempt));
        let count =
            if work.messages.len() == 1 { String::new() } else { format!(" ({} messages)", work.messages.len()) };
        let subject = work.subject(self.file_id.as_ref());
        format!("{}{count}  {subject}: {why}{}", self.what(), standing.unwrap_or_default())
    }

    fn to_json(&self, work: &Work) -> Value {
        let (object, payment, failure) = (work.letter.object(), work.letter.payment(), work.letter.failure());
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
            "status": self.standing.map(|standing| standing.status.as_str()),
            "attempt": self.standing.map(|standing| standing.attempt),
            "action": self.action.as_str(),
            "deleted": self.deleted,
            "why": self.problem.as_ref().map_or(self.why.as_str(), |problem| &problem.message),
        })
    }
}

/// Why something is in the queue, as the workflow told it.
pub(crate) fn told(failure: &Failure) -> Option<String> {
    let error = print::shown(failure.error.as_deref()?);
    let cause = failure.cause.as_deref().map(|cause| format!(": {}", shortened(cause)));
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

/// All that was done, told while it is done, or at the end for programs.
pub(crate) struct Report {
    as_json: bool,
    documents: Vec<Value>,
    /// How many messages were taken of each queue, and how many pieces of work ended in which way.
    counts: BTreeMap<Kind, Counts>,
    /// Whether any message stays.
    stays: bool,
    /// The worst of what could not be asked or told.
    exit: Exit,
}

type Counts = (usize, BTreeMap<Action, usize>);

impl Report {
    pub(crate) fn new(as_json: bool) -> Self {
        Self { as_json, documents: Vec::new(), counts: BTreeMap::new(), stays: false, exit: Exit::Well }
    }

    pub(crate) fn took(&mut self, kind: Kind, messages: usize) {
        self.counts.entry(kind).or_default().0 += messages;
    }

    pub(crate) fn add(&mut self, work: &Work, done: &Done) -> Result<(), Problem> {
        *self.counts.entry(work.kind).or_default().1.entry(done.action).or_default() += 1;
        self.stays |= !done.deleted;
        self.exit = self.exit.max(done.problem.as_ref().map_or(Exit::Well, |problem| problem.exit));
        self.documents.push(done.to_json(work));
        if self.as_json { Ok(()) } else { print::line(done.to_text(work)) }
    }

    /// The last words, and how the command ends: not well if anything stays that was to be done.
    pub(crate) fn end(self, environment: &str, dry_run: bool, interrupted: bool) -> Result<Exit, Problem> {
        if self.as_json {
            let counts = self.counts.iter().map(|(kind, counts)| (kind.as_str().to_owned(), summary_json(counts)));
            let summary = counts.collect::<serde_json::Map<_, _>>();
            print::json(&json!({"environment": environment, "dry_run": dry_run, "interrupted": interrupted,
                "works": self.documents, "summary": summary}))?;
        } else {
            self.counts.iter().try_for_each(|(kind, counts)| print::line(summary(*kind, environment, counts)))?;
            if interrupted {
                print::line("Interrupted. Every message that is not done with is back; type it again.")?;
            }
        }
        let is_well = !interrupted && (dry_run || !self.stays);
        Ok(self.exit.max(if is_well { Exit::Well } else { Exit::NotWell }))
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
