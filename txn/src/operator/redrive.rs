//! `txn redrive`: does again what is in the dead-letter queues.
//!
//! A message is deleted only when what it asks for has ended well, or when the workflow that failed again has left a new one.
//! Whatever happens before that, a kill included, it comes back, and the next run finds what is done and has only to delete it.
//! Everything that is done here may be done twice: a file has its attempts, a payment one analysis, a message its id.

use super::Aws;
use super::dead_letter::{Letter, Object, Payment, execution_of};
use super::interruption::Interruption;
use super::outcome::{Outcomes, Standing};
use super::publisher::Publisher;
use super::queue::Queue;
use super::work::{Action, Done, Kind, Report, Work, told};
use super::workflow::{Ended, Workflow};
use crate::cli::RedriveArguments;
use crate::problem::{Exit, Problem};
use crate::settings::Settings;
use domain::limits::ATTEMPTS_MAX;
use domain::{FileId, FileStatus};
use futures::StreamExt;
use std::time::Duration;

/// What the workflow of payments says of one that has its analysis.
const ASSESSED: &str = "assessed";

/// What the workflow's validation says of a file that it rejects.
const REJECTED: &str = "rejected";

const OF_THE_FILE: &str = "the file itself was refused";
const OF_NOBODY: &str = "no partner of ours put it there";

/// How many workflows run at the same time. What was just mended need not carry the load of a whole queue at once.
const WORKS_AT_ONCE: usize = 4;

pub(crate) fn run(arguments: &RedriveArguments, settings: &Settings, as_json: bool) -> Result<Exit, Problem> {
    let environment = settings.environment(&arguments.operate)?;
    let aws = Aws::new(settings)?;
    let interruption = Interruption::listen()?;
    aws.runtime.block_on(async {
        let redrive = Redrive::open(&aws, &environment, arguments).await?;
        // Both are looked for before anything is done.
        let queues = [
            (Kind::Files, Queue::open(&aws, Kind::Files.queue(&environment)).await?),
            (Kind::Payments, Queue::open(&aws, Kind::Payments.queue(&environment)).await?),
        ];
        let mut report = Report::new(as_json);
        let mut result = Ok(());
        for (kind, queue) in &queues {
            let worked = tokio::select! {
                biased;
                () = interruption.asked() => None,
                never = queue.keep() => match never {},
                worked = redrive.work_off(*kind, queue, &mut report) => Some(worked),
            };
            // What stays is there for the next one at once, however this one ended.
            queue.give_all_back().await;
            let Some(worked) = worked else {
                break;
            };
            result = result.and(worked);
        }
        let exit = report.end(&environment, arguments.dry_run, interruption.is_asked())?;
        result.map(|()| exit)
    })
}

struct Redrive<'a> {
    outcomes: Outcomes<'a>,
    files: Workflow,
    payments: Workflow,
    publisher: Publisher,
    arguments: &'a RedriveArguments,
}

impl<'a> Redrive<'a> {
    async fn open(aws: &'a Aws, environment: &str, arguments: &'a RedriveArguments) -> Result<Self, Problem> {
        Ok(Self {
            outcomes: Outcomes::new(aws, environment),
            files: Workflow::open(aws, &format!("transaction-workflow-{environment}")).await?,
            payments: Workflow::open(aws, &format!("webhook-workflow-{environment}")).await?,
            publisher: Publisher::new(aws, environment),
            arguments,
        })
    }

    /// Takes what a queue has and does it. One message never keeps another from its turn.
    async fn work_off(&self, kind: Kind, queue: &Queue, report: &mut Report) -> Result<(), Problem> {
        let messages = queue.take(self.arguments.max.get()).await?;
        report.took(kind, messages.len());
        let mut done = futures::stream::iter(Work::group(kind, messages))
            .map(async |work| {
                let turn = Turn { redrive: self, queue, work: &work };
                let done = turn.take().await.unwrap_or_else(Done::not_at_all);
                (work, done)
            })
            .buffer_unordered(WORKS_AT_ONCE);
        while let Some((work, done)) = done.next().await {
            report.add(&work, &done)?;
        }
        Ok(())
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(self.arguments.timeout)
    }
}

/// One piece of work, when it is its turn.
struct Turn<'a> {
    redrive: &'a Redrive<'a>,
    queue: &'a Queue,
    work: &'a Work,
}

impl Turn<'_> {
    async fn take(&self) -> Result<Done, Problem> {
        match &self.work.letter {
            Letter::Other(why) => Ok(Done::new(Action::Stays, format!("{why}; look at it by hand"))),
            Letter::OfTheFile(object) => self.leave_or_delete(object).await,
            Letter::Object(object) => self.process(object).await,
            Letter::Payment(payment) => self.assess(payment).await,
            Letter::Undelivered(payment) => self.publish(payment).await,
            Letter::BySchedule => {
                Ok(self.delete(Done::new(Action::Superseded, "a run by a schedule; the next one goes on")).await)
            }
        }
    }

    /// A file that is wrong in itself stays wrong. Its sender knows, and sends another one.
    async fn leave_or_delete(&self, object: &Object) -> Result<Done, Problem> {
        let file_id = self.redrive.outcomes.file_named(object).await?;
        Ok(Done { file_id, ..self.rejected(OF_THE_FILE).await })
    }

    /// What another try does not help stays, until its message is asked to be deleted.
    async fn rejected(&self, why: &str) -> Done {
        if self.redrive.arguments.delete_refused {
            return self.delete(Done::new(Action::Refused, why)).await;
        }
        Done::new(Action::Stays, format!("{why}; --delete-refused deletes its message"))
    }

    async fn process(&self, object: &Object) -> Result<Done, Problem> {
        // The object itself may have expired by now, so that its file cannot be named.
        let is_tried = object.is_of_nobody() && self.redrive.arguments.delete_refused;
        if is_tried && self.is_still_rejected(object).await? {
            return Ok(self.rejected(OF_NOBODY).await);
        }
        let outcomes = &self.redrive.outcomes;
        let Some(file_id) = outcomes.file_id(object).await? else {
            return Ok(self.rejected(OF_NOBODY).await);
        };
        let before = outcomes.read(&file_id).await?;
        if before.is_some_and(|standing| standing.status == FileStatus::Completed) {
            let done = if is_tried {
                Done::new(Action::Processed, "it was processed: its partner was added since")
            } else {
                Done::new(Action::CompletedBefore, "it was completed meanwhile")
            };
            return Ok(self.delete(done.about(&file_id, before)).await);
        }
        if before.is_some_and(|standing| standing.status.is_final() && standing.attempt >= ATTEMPTS_MAX) {
            let why = format!("it was tried {ATTEMPTS_MAX} times, which is the most");
            return Ok(Done::new(Action::Stays, why).about(&file_id, before));
        }
        if self.redrive.arguments.dry_run {
            let why = "the workflow would be started for it";
            return Ok(Done::new(Action::WouldStart, why).about(&file_id, before));
        }
        if self.is_lost().await {
            return Ok(lost().about(&file_id, before));
        }
        match self.redrive.files.run(object.input(), self.redrive.timeout()).await? {
            Ended::Badly { execution, failure } => {
                let done = self.failed_again(&execution, told(&failure)).await?;
                Ok(done.about(&file_id, outcomes.read(&file_id).await?))
            }
            // It may have no status to follow.
            Ended::Well { output } if output["validation"]["outcome"] == REJECTED => {
                Ok(self.rejected(OF_THE_FILE).await.about(&file_id, outcomes.read(&file_id).await?))
            }
            // Another execution may be at work on the same file. What counts is how the file ends.
            Ended::Well { .. } => self.follow(&file_id, before, self.redrive.timeout()).await,
            Ended::Unknown => self.follow(&file_id, before, Duration::ZERO).await,
        }
    }

    /// Whether the workflow rejects the object now as it did before: its partner may have been added since.
    async fn is_still_rejected(&self, object: &Object) -> Result<bool, Problem> {
        if self.redrive.arguments.dry_run || self.is_lost().await {
            return Ok(self.redrive.arguments.dry_run);
        }
        let ended = self.redrive.files.run(object.input(), self.redrive.timeout()).await?;
        Ok(matches!(ended, Ended::Well { output } if output["validation"]["outcome"] == REJECTED))
    }

    /// Waits until the file has ended as well.
    async fn follow(&self, file_id: &FileId, before: Option<Standing>, longest: Duration) -> Result<Done, Problem> {
        match self.redrive.outcomes.wait(file_id, before, longest).await? {
            Some(ended) if ended.status == FileStatus::Completed => {
                let done = Done::new(Action::Processed, "it was processed");
                Ok(self.delete(done.about(file_id, Some(ended))).await)
            }
            Some(ended) => {
                Ok(Done::new(Action::Stays, "another execution failed on it meanwhile").about(file_id, Some(ended)))
            }
            None => {
                let seconds = self.redrive.timeout().as_secs();
                let why = format!("it has not ended within {seconds} seconds; the next run looks again");
                Ok(Done::new(Action::Stays, why).about(file_id, self.redrive.outcomes.read(file_id).await?))
            }
        }
    }

    /// What a payment's workflow had done before is not done again: the analysis that stands is kept, and what is announced has
    /// the same id.
    async fn assess(&self, payment: &Payment) -> Result<Done, Problem> {
        if self.redrive.arguments.dry_run {
            return Ok(Done::new(Action::WouldStart, "the workflow would be started for it"));
        }
        if self.is_lost().await {
            return Ok(lost());
        }
        let timeout = self.redrive.timeout();
        match self.redrive.payments.run(payment.event.to_string(), timeout).await? {
            Ended::Well { output } if output["assessment"]["outcome"] != ASSESSED => {
                let why =
                    "it was not assessed: it is not in the table any more, but in the archive; look at it by hand";
                Ok(Done::new(Action::Stays, why))
            }
            Ended::Well { .. } => Ok(self.delete(Done::new(Action::Processed, "it was assessed and announced")).await),
            Ended::Badly { execution, failure } => self.failed_again(&execution, told(&failure)).await,
            Ended::Unknown => {
                let why =
                    format!("it has not ended within {} seconds; the next run starts it again", timeout.as_secs());
                Ok(Done::new(Action::Stays, why))
            }
        }
    }

    async fn publish(&self, payment: &Payment) -> Result<Done, Problem> {
        if self.redrive.arguments.dry_run {
            return Ok(Done::new(Action::WouldPublish, "its event would be published again"));
        }
        if self.is_lost().await {
            return Ok(lost());
        }
        self.redrive.publisher.publish(&payment.event).await?;
        let why = "its event was published again; what cannot be delivered returns within two hours";
        Ok(self.delete(Done::new(Action::Published, why)).await)
    }

    /// Whether its messages were not ours any more when their turn came, for whatever reason.
    async fn is_lost(&self) -> bool {
        self.queue.still_held(&self.work.messages).await.is_empty()
    }

    /// The workflow has left a message of its own, with what is wrong now. When it is seen to be there, and not before, the old
    /// ones may go, so that one message is left.
    async fn failed_again(&self, execution: &str, failure: Option<String>) -> Result<Done, Problem> {
        let failure = failure.unwrap_or_else(|| "failed without a reason".to_owned());
        let new = self.queue.find(|message| execution_of(&message.body).as_deref() == Some(execution)).await?;
        let Some(new) = new else {
            let why = format!("it {failure}; its new message was not seen, so that this one stays too");
            return Ok(Done::new(Action::FailedAgain, why));
        };
        let done = self.delete(Done::new(Action::FailedAgain, format!("it {failure}; a new message says so"))).await;
        self.queue.give_back(vec![new]).await;
        Ok(Done { deleted: false, ..done })
    }

    /// Deletes what is done with; in a dry run it only says so. What cannot be deleted is found done by the next run.
    async fn delete(&self, done: Done) -> Done {
        if self.redrive.arguments.dry_run {
            return done;
        }
        for message in &self.work.messages {
            if let Err(problem) = self.queue.delete(message).await {
                let why =
                    format!("{}; its message could not be deleted, and the next run does so: {problem}", done.why);
                return Done { action: Action::Stays, why, ..done };
            }
        }
        Done { deleted: true, ..done }
    }
}

fn lost() -> Done {
    Done::new(Action::Stays, "somebody else has taken its message meanwhile, or deleted it")
}
