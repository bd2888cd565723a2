//! Moves payments that are older than a day from their table into the archive, each once, though it may be killed at any
//! point. How that comes about is proven in `domain/src/archive/model.rs`. And every hour it tells of the payments for which
//! something should have been done by then.
//!
//! What the archival relies on: a row is replaced by its tombstone only if it stands exactly as a line says that was read back from
//! the bucket, so nothing is lost whatever else goes wrong; and rows are read for an object only when the object before is
//! decided on and settled, so nothing is archived twice.

mod due;
pub mod reconciliation;
mod run;

use adapters::{ArchiveControl, ArchiveStore, Configuration, Failure, FailureKind, PaymentTable, Tracer, clock};
use reconciliation::Reconciled;
use run::{Run, Stopped};
use serde::Serialize;
use serde_json::Value;

/// How long a run has the lease, and when it asks for more time, in milliseconds. A run that was killed is followed by
/// another after that at the latest. Nothing goes wrong if a run outlasts its lease; the other one repeats some of its work.
const LEASE_MILLISECONDS: u64 = 30_000;
const LEASE_RENEWED_AFTER_MILLISECONDS: u64 = 10_000;

/// How long before Lambda would end it a run ends by itself, in milliseconds: longer than the longest calls that it makes
/// between two looks at the clock.
const END_BEFORE_DEADLINE_MILLISECONDS: u64 = 45_000;

/// What the function reaches outside itself.
#[derive(Debug)]
pub struct Ports {
    /// The table of payments.
    pub payments: PaymentTable,
    /// What runs tell each other.
    pub control: ArchiveControl,
    /// The bucket of the archive.
    pub archive: ArchiveStore,
}

impl Ports {
    /// The ports of this environment.
    ///
    /// # Errors
    /// A variable of the environment is missing.
    pub fn new(configuration: &Configuration) -> Result<Self, Failure> {
        Ok(Self {
            payments: PaymentTable::for_archival(configuration)?,
            control: ArchiveControl::new(configuration)?,
            archive: ArchiveStore::new(configuration)?,
        })
    }
}

/// How a run ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It did what it could, or what it had time for.
    Done,
    /// Another run is at work: it was when this one began, or has taken over because this one was too slow.
    Busy,
}

/// What a run did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Archived {
    /// How it ended.
    pub outcome: Outcome,
    /// What it counted.
    #[serde(flatten)]
    pub tally: Tally,
    /// Whether something that is due was not reached.
    pub more: bool,
}

/// What a run counts.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize)]
pub struct Tally {
    /// Rows that are in the archive, and in the table no more.
    pub archived: u64,
    /// Objects that were stored.
    pub objects: u64,
    /// Rows that stay because their event is not published.
    pub left_unpublished: u64,
    /// Rows that changed while they were archived. A later run archives them as they are then.
    pub left_changed: u64,
    /// Rows that stay because they are not payments as we write them.
    pub left_unreadable: u64,
}

impl Tally {
    /// Rows that stay although they are due.
    fn left(&self) -> u64 {
        self.left_unpublished + self.left_changed + self.left_unreadable
    }
}

/// What a run is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Task {
    /// To archive what is due. The night's schedule says nothing; what is to be done follows from the time and the table.
    Archive,
    /// To tell of the payments that are unfinished for an hour.
    Reconcile,
}

impl Task {
    /// The task of an event.
    ///
    /// # Errors
    /// The event asks for something else.
    pub fn of(event: &Value) -> Result<Self, Failure> {
        match event.get("task").map(Value::as_str) {
            None => Ok(Self::Archive),
            Some(Some("reconcile")) => Ok(Self::Reconcile),
            Some(_) => Err(Failure::new(FailureKind::InvalidInput, "a task that is none of this function")),
        }
    }
}

/// What came of a task.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(untagged)]
pub enum Done {
    /// Of an archival.
    Archived(Archived),
    /// Of a look at unfinished payments.
    Reconciled(Reconciled),
}

/// Does what the event asks for.
///
/// # Errors
/// As [`archive`] and [`reconciliation::reconcile`], or the event asks for nothing that is known.
pub async fn handle(
    event: &Value,
    ports: &Ports,
    tracer: &Tracer,
    now_ms: u64,
    deadline_ms: u64,
) -> Result<Done, Failure> {
    match Task::of(event)? {
        Task::Archive => archive(ports, tracer, now_ms, deadline_ms).await.map(Done::Archived),
        Task::Reconcile => {
            let stop_at_ms = deadline_ms.saturating_sub(END_BEFORE_DEADLINE_MILLISECONDS);
            reconciliation::reconcile(ports, tracer, now_ms, stop_at_ms).await.map(Done::Reconciled)
        }
    }
}

/// Archives what is due, until that is done or the time is up.
///
/// # Errors
/// The table or the bucket refused a call or did not answer, or an object is not what was stored. The next run goes on from
/// wherever this one was.
pub async fn archive(ports: &Ports, tracer: &Tracer, now_ms: u64, deadline_ms: u64) -> Result<Archived, Failure> {
    let token = clock::random_hex::<16>()
        .map_err(|error| Failure::new(FailureKind::StoreUnavailable, format!("random bits: {error}")))?;
    let lease_until_ms = now_ms + LEASE_MILLISECONDS;
    let Some(standing) = ports.control.claim(&token, now_ms, lease_until_ms).await? else {
        tracing::warn!("another run is at work");
        return Ok(Archived { outcome: Outcome::Busy, tally: Tally::default(), more: true });
    };
    let stop_at_ms = deadline_ms.saturating_sub(END_BEFORE_DEADLINE_MILLISECONDS);
    let mut run = Run::new(ports, tracer, token, lease_until_ms, stop_at_ms);
    let ended = run.work(standing, now_ms).await;
    run.release(&ended).await;
    let tally = run.tally();
    report(&tally);
    let (outcome, more) = match ended {
        Ok(()) => (Outcome::Done, false),
        Err(Stopped::TimeUp) => (Outcome::Done, true),
        Err(Stopped::LeaseLost) => (Outcome::Busy, true),
        Err(Stopped::Failed(failure)) => return Err(failure),
    };
    tracing::info!(event = "archival_completed", ?outcome, more, "the run has ended");
    Ok(Archived { outcome, tally, more })
}

/// Logs what was counted. The template's metric counts what is left by the first line's code.
fn report(tally: &Tally) {
    let Tally { archived, objects, left_unpublished, left_changed, left_unreadable } = *tally;
    tracing::info!(
        event = "payments_archived",
        archived,
        objects,
        left_unpublished,
        left_changed,
        left_unreadable,
        "archived"
    );
    if left_unpublished > 0 {
        tracing::warn!(event = "payments_unpublished", left_unpublished, "payments older than a day are not published");
    }
    if left_unreadable > 0 {
        tracing::error!(event = "payments_unreadable", left_unreadable, "rows older than a day are not payments");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_asks_for_nothing_else_is_archived() {
        let task = |event: &str| Task::of(&serde_json::from_str(event).unwrap());
        for event in ["{}", "null", r#"{"detail-type":"Scheduled Event","detail":{}}"#] {
            assert_eq!(task(event).unwrap(), Task::Archive, "{event}");
        }
        assert_eq!(task(r#"{"task":"reconcile"}"#).unwrap(), Task::Reconcile);
        for event in [r#"{"task":"reconcil"}"#, r#"{"task":null}"#, r#"{"task":["reconcile"]}"#] {
            assert_eq!(task(event).unwrap_err().kind, FailureKind::InvalidInput, "{event}");
        }
    }

    #[test]
    fn a_run_answers_with_counts() {
        let tally = Tally { archived: 3, objects: 1, left_unpublished: 2, left_changed: 0, left_unreadable: 1 };
        let archived = Archived { outcome: Outcome::Done, tally, more: true };
        assert_eq!(
            serde_json::to_string(&archived).unwrap(),
            r#"{"outcome":"done","archived":3,"objects":1,"left_unpublished":2,"left_changed":0,"left_unreadable":1,"more":true}"#
        );
        assert_eq!(tally.left(), 3);
    }
}
