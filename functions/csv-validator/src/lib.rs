//! Validates transaction files: those that are sent to the API, and those that the workflow finds in the bucket. It also shows
//! the status of a file, and a partner's day.
//!
//! One event in, one output out; what the event is decides the module: [`api`] for the API, [`workflow`] for the state
//! machine.

pub mod api;
mod contention;
mod inspection;
pub mod workflow;

use adapters::{Configuration, Failure, FailureKind, ObjectStore, StatusTable, Tracer};
use domain::{Partner, Schedules};
use serde_json::Value;

/// What the function uses outside itself.
#[derive(Debug)]
pub struct Ports {
    /// The table of files.
    pub status: StatusTable,
    /// The bucket of files.
    pub objects: ObjectStore,
    /// Who may put files straight into the bucket.
    pub bucket_partners: Vec<Partner>,
    /// The files that are expected of partners.
    pub schedules: Schedules,
}

impl Ports {
    /// The ports of this environment.
    ///
    /// # Errors
    /// A variable of the environment is missing.
    pub fn new(configuration: &Configuration) -> Result<Self, Failure> {
        Ok(Self {
            status: StatusTable::new(configuration)?,
            objects: ObjectStore::new(configuration)?,
            bucket_partners: configuration.names("BUCKET_PARTNERS"),
            schedules: configuration.schedules(),
        })
    }
}

/// Handles one event of the API or of the workflow.
///
/// # Errors
/// A step of the workflow could not be done. A request of the API always gets a response.
pub async fn handle(event: Value, ports: &Ports, tracer: &Tracer, now_ms: u64) -> Result<Value, Failure> {
    let output = if event.get("httpMethod").is_some() {
        serde_json::to_value(api::http::respond(event, ports, tracer, now_ms).await)
    } else {
        let task = serde_json::from_value(event).map_err(|_| {
            Failure::new(FailureKind::InvalidInput, "not an event of the API or a step of the workflow")
        })?;
        serde_json::to_value(workflow::validate(task, ports, tracer, now_ms).await?)
    };
    output.map_err(|error| Failure::new(FailureKind::InvalidInput, format!("output: {error}")))
}
