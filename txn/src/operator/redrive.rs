//! `txn redrive`: processes the messages of the dead-letter queues again.
//!
//! A message is deleted only after its work has succeeded, or after the workflow has failed again and left a new message. If
//! the command is killed before that, the message is visible again, and the next run finds the work done and deletes it. All
//! work is idempotent: a file has attempts, a payment has one analysis, a message has an id.

use super::Aws;
use super::dead_letter::{DeadLetter, Object, Payment, execution_of};
use super::file_status::{CurrentStatus, FileStatuses};
use super::interruption::Interruption;
use super::publisher::Publisher;
use super::queue::Queue;
use super::work::{Action, Done, Kind, Report, Work, description};
use super::workflow::{ExecutionResult, Workflow};
use crate::cli::RedriveArguments;
use crate::problem::{Exit, Problem};
use crate::settings::Settings;
use domain::limits::ATTEMPTS_MAX;
use domain::{FileId, FileStatus};
use futures::StreamExt;
use std::time::Duration;

/// The outcome of a payment that has its analysis.
const ASSESSED: &str = "assessed";

/// The outcome of a file that the validation rejects.
const REJECTED: &str = "rejected";

const FILE_REJECTED: &str = "the file was rejected";
const PARTNER_UNKNOWN: &str = "its partner is not known";

/// The maximum number of concurrent workflows, so that a system that was just fixed does not get the whole queue at once.
const CONCURRENT_WORK: usize = 4;

pub(crate) fn run(arguments: &RedriveArguments, settings: &Settings, as_json: bool) -> Result<Exit, Problem> {
    let environment = settings.environment(&arguments.operate)?;
    let aws = Aws::new(settings)?;
    let interruption = Interruption::listen()?;
    aws.runtime.block_on(async {
        let redrive = Redrive::open(&aws, &environment, arguments).await?;
        // Both are opened before any work is done.
        let queues = [
            (Kind::Files, Queue::open(&aws, Kind::Files.queue(&environment)).await?),
            (Kind::Payments, Queue::open(&aws, Kind::Payments.queue(&environment)).await?),
        ];
        let mut report = Report::new(as_json);
        let mut result = Ok(());
        for (kind, queue) in &queues {
            let drained = tokio::select! {
                biased;
                () = interruption.requested() => None,
                never = queue.keep_hidden() => match never {},
                drained = redrive.drain(*kind, queue, &mut report) => Some(drained),
            };
            // Messages that stay are visible at once, however this run ended.
            queue.release_all().await;
            let Some(drained) = drained else {
                break;
            };
            result = result.and(drained);
        }
        let exit = report.end(&environment, arguments.dry_run, interruption.is_requested())?;
        result.map(|()| exit)
    })
}

struct Redrive<'a> {
    statuses: FileStatuses<'a>,
    files: Workflow,
    payments: Workflow,
    publisher: Publisher,
    arguments: &'a RedriveArguments,
}

impl<'a> Redrive<'a> {
    async fn open(aws: &'a Aws, environment: &str, arguments: &'a RedriveArguments) -> Result<Self, Problem> {
        Ok(Self {
            statuses: FileStatuses::new(aws, environment),
            files: Workflow::open(aws, &format!("transaction-workflow-{environment}")).await?,
            payments: Workflow::open(aws, &format!("webhook-workflow-{environment}")).await?,
            publisher: Publisher::new(aws, environment),
            arguments,
        })
    }

    /// Receives the messages of a queue and does their work. No message blocks another.
    async fn drain(&self, kind: Kind, queue: &Queue, report: &mut Report) -> Result<(), Problem> {
        let messages = queue.receive_up_to(self.arguments.max.get()).await?;
        report.received(kind, messages.len());
        let mut done = futures::stream::iter(Work::group(kind, messages))
            .map(async |work| {
                let processor = Processor { redrive: self, queue, work: &work };
                let done = processor.run().await.unwrap_or_else(Done::not_done);
                (work, done)
            })
            .buffer_unordered(CONCURRENT_WORK);
        while let Some((work, done)) = done.next().await {
            report.add(&work, &done)?;
        }
        Ok(())
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(self.arguments.timeout)
    }
}

/// Does one piece of work.
struct Processor<'a> {
    redrive: &'a Redrive<'a>,
    queue: &'a Queue,
    work: &'a Work,
}

impl Processor<'_> {
    async fn run(&self) -> Result<Done, Problem> {
        match &self.work.dead_letter {
            DeadLetter::Unknown(why) => Ok(Done::new(Action::Stays, format!("{why}; check it manually"))),
            DeadLetter::InvalidFile(object) => self.leave_or_delete(object).await,
            DeadLetter::Object(object) => self.process(object).await,
            DeadLetter::Payment(payment) => self.assess(payment).await,
            DeadLetter::Undelivered(payment) => self.publish(payment).await,
            DeadLetter::ScheduledRun => {
                Ok(self.delete(Done::new(Action::Superseded, "a scheduled run; the next run goes on")).await)
            }
        }
    }

    /// A rejected file is rejected again. Its sender was notified, and sends another one.
    async fn leave_or_delete(&self, object: &Object) -> Result<Done, Problem> {
        let file_id = self.redrive.statuses.file_named(object).await?;
        Ok(Done { file_id, ..self.rejected(FILE_REJECTED).await })
    }

    /// The message of a rejected file stays, unless `--delete-rejected` deletes it.
    async fn rejected(&self, why: &str) -> Done {
        if self.redrive.arguments.delete_rejected {
            return self.delete(Done::new(Action::Rejected, why)).await;
        }
        Done::new(Action::Stays, format!("{why}; --delete-rejected deletes its message"))
    }

    async fn process(&self, object: &Object) -> Result<Done, Problem> {
        // The object may have expired, so that its file is not known.
        let is_tried = object.has_unknown_partner() && self.redrive.arguments.delete_rejected;
        if is_tried && self.is_still_rejected(object).await? {
            return Ok(self.rejected(PARTNER_UNKNOWN).await);
        }
        let statuses = &self.redrive.statuses;
        let Some(file_id) = statuses.file_id(object).await? else {
            return Ok(self.rejected(PARTNER_UNKNOWN).await);
        };
        let before = statuses.read(&file_id).await?;
        if before.is_some_and(|current| current.status == FileStatus::Completed) {
            let done = if is_tried {
                Done::new(Action::Processed, "it was processed: its partner was added since")
            } else {
                Done::new(Action::CompletedBefore, "it was completed meanwhile")
            };
            return Ok(self.delete(done.about(&file_id, before)).await);
        }
        if before.is_some_and(|current| current.status.is_final() && current.attempt >= ATTEMPTS_MAX) {
            let why = format!("it has had {ATTEMPTS_MAX} attempts, the maximum");
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
            ExecutionResult::Failed { execution, failure } => {
                let done = self.failed_again(&execution, description(&failure)).await?;
                Ok(done.about(&file_id, statuses.read(&file_id).await?))
            }
            // It may have no status.
            ExecutionResult::Succeeded { output } if output["validation"]["outcome"] == REJECTED => {
                Ok(self.rejected(FILE_REJECTED).await.about(&file_id, statuses.read(&file_id).await?))
            }
            // Another execution may process the same file. The status of the file counts.
            ExecutionResult::Succeeded { .. } => self.follow(&file_id, before, self.redrive.timeout()).await,
            ExecutionResult::Unknown => self.follow(&file_id, before, Duration::ZERO).await,
        }
    }

    /// Whether the workflow still rejects the object. Its partner may have been added.
    async fn is_still_rejected(&self, object: &Object) -> Result<bool, Problem> {
        if self.redrive.arguments.dry_run || self.is_lost().await {
            return Ok(self.redrive.arguments.dry_run);
        }
        let result = self.redrive.files.run(object.input(), self.redrive.timeout()).await?;
        Ok(matches!(result, ExecutionResult::Succeeded { output } if output["validation"]["outcome"] == REJECTED))
    }

    /// Waits until the file has a final status.
    async fn follow(
        &self,
        file_id: &FileId,
        before: Option<CurrentStatus>,
        longest: Duration,
    ) -> Result<Done, Problem> {
        match self.redrive.statuses.wait(file_id, before, longest).await? {
            Some(current) if current.status == FileStatus::Completed => {
                let done = Done::new(Action::Processed, "it was processed");
                Ok(self.delete(done.about(file_id, Some(current))).await)
            }
            Some(current) => {
                Ok(Done::new(Action::Stays, "another execution of it failed meanwhile").about(file_id, Some(current)))
            }
            None => {
                let seconds = self.redrive.timeout().as_secs();
                let why = format!("it has not ended within {seconds} seconds; the next run checks it again");
                Ok(Done::new(Action::Stays, why).about(file_id, self.redrive.statuses.read(file_id).await?))
            }
        }
    }

    /// Repeating the workflow of a payment is safe: an existing analysis is kept, and its notifications have the same id.
    async fn assess(&self, payment: &Payment) -> Result<Done, Problem> {
        if self.redrive.arguments.dry_run {
            return Ok(Done::new(Action::WouldStart, "the workflow would be started for it"));
        }
        if self.is_lost().await {
            return Ok(lost());
        }
        let timeout = self.redrive.timeout();
        match self.redrive.payments.run(payment.event.to_string(), timeout).await? {
            ExecutionResult::Succeeded { output } if output["assessment"]["outcome"] != ASSESSED => {
                let why = "it was not assessed, because it is already in the archive; check it manually";
                Ok(Done::new(Action::Stays, why))
            }
            ExecutionResult::Succeeded { .. } => {
                Ok(self.delete(Done::new(Action::Processed, "it was assessed and published")).await)
            }
            ExecutionResult::Failed { execution, failure } => {
                self.failed_again(&execution, description(&failure)).await
            }
            ExecutionResult::Unknown => {
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
        let why = "its event was published again; if it is not delivered, it returns within two hours";
        Ok(self.delete(Done::new(Action::Published, why)).await)
    }

    /// Whether its messages are no longer held by this run.
    async fn is_lost(&self) -> bool {
        self.queue.still_held(&self.work.messages).await.is_empty()
    }

    /// The workflow has left a new message with the current reason. Once it is found in the queue, the old messages are
    /// deleted, so that one message is left.
    async fn failed_again(&self, execution: &str, failure: Option<String>) -> Result<Done, Problem> {
        let failure = failure.unwrap_or_else(|| "failed without a reason".to_owned());
        let new = self.queue.find(|message| execution_of(&message.body).as_deref() == Some(execution)).await?;
        let Some(new) = new else {
            let why = format!("it {failure}; its new message was not found, so this one stays too");
            return Ok(Done::new(Action::FailedAgain, why));
        };
        let done =
            self.delete(Done::new(Action::FailedAgain, format!("it {failure}; a new message replaces this one"))).await;
        self.queue.release(vec![new]).await;
        Ok(Done { deleted: false, ..done })
    }

    /// Deletes the messages, except in a dry run. If that fails, the next run finds the work done and deletes them.
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
    Done::new(Action::Stays, "another run has received or deleted its message meanwhile")
}
