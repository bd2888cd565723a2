//! Moves payments older than 24 hours from their table into the archive, each exactly once, although it may be killed
//! at any point: `domain/src/payments/archive/model.rs` checks the protocol. Every hour, it also reports the unfinished
//! payments.
//!
//! The archival relies on two invariants. A row is replaced by its tombstone only if it equals a line that was read
//! back from the bucket, so nothing is lost. Rows are read for an object only after the previous object is settled, so
//! nothing is archived twice.

mod due;
pub mod reconciliation;
mod run;

use adapters::{ArchiveControl, ArchiveStore, Configuration, Failure, FailureKind, PaymentTable, Tracer, clock};
use reconciliation::Reconciled;
use run::{Run, Stopped};
use serde::Serialize;
use serde_json::Value;

/// How long a run has the lease, and after how long it renews it, in milliseconds. After a killed run, another can
/// start when the lease expires. If a run outlasts its lease, another one only repeats some of its work.
const LEASE_MILLISECONDS: u64 = 30_000;
const LEASE_RENEWED_AFTER_MILLISECONDS: u64 = 10_000;

/// How long before the deadline of Lambda a run stops, in milliseconds: longer than the calls that it makes between two
/// checks of the clock.
const END_BEFORE_DEADLINE_MILLISECONDS: u64 = 45_000;

/// The resources of the function.
#[derive(Debug)]
pub struct Ports {
    /// The table of payments.
    pub payments: PaymentTable,
    /// The shared state of runs.
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
    /// It archived everything that is due, or as much as it had time for.
    Done,
    /// Another run has the lease: since before this one began, or because this one was too slow.
    Busy,
}

/// The output of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Archived {
    /// How it ended.
    pub outcome: Outcome,
    /// Its counts.
    #[serde(flatten)]
    pub tally: Tally,
    /// Whether due payments were not reached.
    pub more: bool,
}

/// The counts of a run.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize)]
pub struct Tally {
    /// Rows that were archived and replaced by tombstones.
    pub archived: u64,
    /// Objects that were stored.
    pub objects: u64,
    /// Rows that remain because their event is not published.
    pub left_unpublished: u64,
    /// Rows that changed while they were archived. A later run archives them again.
    pub left_changed: u64,
    /// Rows that remain because they are malformed.
    pub left_unreadable: u64,
}

impl Tally {
    /// Due rows that remain.
    fn left(&self) -> u64 {
        self.left_unpublished + self.left_changed + self.left_unreadable
    }
}

/// The task of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Task {
    /// Archive what is due. The event of the nightly schedule has no task.
    Archive,
    /// Report the payments that are unfinished after 1 hour.
    Reconcile,
}

impl Task {
    /// The task of an event.
    ///
    /// # Errors
    /// The task is unknown.
    pub fn of(event: &Value) -> Result<Self, Failure> {
        match event.get("task").map(Value::as_str) {
            None => Ok(Self::Archive),
            Some(Some("reconcile")) => Ok(Self::Reconcile),
            Some(_) => Err(Failure::new(FailureKind::InvalidInput, "the task is unknown")),
        }
    }
}

/// The output of a task.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(untagged)]
pub enum Done {
    /// The output of an archival.
    Archived(Archived),
    /// The output of a check for unfinished payments.
    Reconciled(Reconciled),
}

/// Does the task of the event.
///
/// # Errors
/// As [`archive`] and [`reconciliation::reconcile`], or the task is unknown.
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

/// Archives what is due, until that is done or time runs out.
///
/// # Errors
/// The table or the bucket rejected a call or did not respond, or an object differs from what was stored. The next run
/// continues where this one stopped.
pub async fn archive(ports: &Ports, tracer: &Tracer, now_ms: u64, deadline_ms: u64) -> Result<Archived, Failure> {
    let token = clock::random_hex::<16>()
        .map_err(|error| Failure::new(FailureKind::StoreUnavailable, format!("random bits: {error}")))?;
    let lease_until_ms = now_ms + LEASE_MILLISECONDS;
    let Some(state) = ports.control.claim(&token, now_ms, lease_until_ms).await? else {
        tracing::warn!("another run has the lease");
        return Ok(Archived { outcome: Outcome::Busy, tally: Tally::default(), more: true });
    };
    let stop_at_ms = deadline_ms.saturating_sub(END_BEFORE_DEADLINE_MILLISECONDS);
    let mut run = Run::new(ports, tracer, token, lease_until_ms, stop_at_ms);
    let ended = run.work(state, now_ms).await;
    run.release(&ended).await;
    let tally = run.tally();
    report(&tally);
    let (outcome, more) = match ended {
        Ok(()) => (Outcome::Done, false),
        Err(Stopped::TimeUp) => (Outcome::Done, true),
        Err(Stopped::LeaseLost) => (Outcome::Busy, true),
        Err(Stopped::Failed(failure)) => return Err(failure),
    };
    tracing::info!(event = "archival_completed", ?outcome, more, "archival completed");
    Ok(Archived { outcome, tally, more })
}

/// Logs the counts. A metric filter of the template matches `payments_unpublished`.
fn report(tally: &Tally) {
    let Tally { archived, objects, left_unpublished, left_changed, left_unreadable } = *tally;
    tracing::info!(
        event = "payments_archived",
        archived,
        objects,
        left_unpublished,
        left_changed,
        left_unreadable,
        "payments archived"
    );
    if left_unpublished > 0 {
        tracing::warn!(
            event = "payments_unpublished",
            left_unpublished,
            "payments older than 24 hours are not published"
        );
    }
    if left_unreadable > 0 {
        tracing::error!(event = "payments_unreadable", left_unreadable, "rows older than 24 hours are malformed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_without_a_task_is_an_archival() {
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
    fn the_output_has_the_counts() {
        let tally = Tally { archived: 3, objects: 1, left_unpublished: 2, left_changed: 0, left_unreadable: 1 };
        let archived = Archived { outcome: Outcome::Done, tally, more: true };
        assert_eq!(
            serde_json::to_string(&archived).unwrap(),
            r#"{"outcome":"done","archived":3,"objects":1,"left_unpublished":2,"left_changed":0,"left_unreadable":1,"more":true}"#
        );
        assert_eq!(tally.left(), 3);
    }
}
