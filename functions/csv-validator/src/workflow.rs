//! The workflow's validation step. It validates whatever is in the bucket, since that is the trust boundary.
//!
//! A file that the API has just validated is recognized by its version and not parsed again. Every other one is read
//! and checked in full. Nothing here writes where the workflow's rule listens.

mod process;
mod reject;
mod step;

use crate::Ports;
use adapters::object_store::{INCOMING_PREFIX, VALIDATED_PREFIX};
use adapters::{Failure, Tracer};
use domain::files::task::{RejectionReason, Validation};
use domain::limits::BUCKET_FILE_BYTES_MAX;
use domain::{FileId, Partner};
use serde::Deserialize;
use step::Step;

/// The input of the step.
#[derive(Clone, Debug, Deserialize)]
pub struct ValidateTask {
    /// The event that started the workflow.
    pub event: ObjectCreated,
}

/// EventBridge's "Object Created" of S3, as far as it matters here. Keys are plain text in it, not URL-encoded.
#[derive(Clone, Debug, Deserialize)]
pub struct ObjectCreated {
    /// What was created.
    pub detail: Detail,
    /// Set by an operator who starts the workflow again after a failure.
    #[serde(default)]
    pub redrive: bool,
}

/// The event's detail.
#[derive(Clone, Debug, Deserialize)]
pub struct Detail {
    /// The object.
    pub object: Object,
}

/// The object that an event names.
#[derive(Clone, Debug, Deserialize)]
pub struct Object {
    /// Its key.
    pub key: String,
    /// Its size in bytes, where the event says it.
    #[serde(default)]
    pub size: Option<u64>,
    /// Its version.
    #[serde(rename = "version-id")]
    pub version_id: String,
}

/// Finds out what to do about the object of an event.
///
/// # Errors
/// The object cannot be read. That it is rejected is no error but an outcome.
pub async fn validate(task: ValidateTask, ports: &Ports, tracer: &Tracer, now_ms: u64) -> Result<Validation, Failure> {
    let ObjectCreated { detail: Detail { object }, redrive } = task.event;
    if is_no_file(&object) {
        return Ok(done("the object is no file: a folder, or an empty marker"));
    }
    if let Some(bytes) = object.size.filter(|bytes| *bytes > BUCKET_FILE_BYTES_MAX) {
        let cause = format!("the object has {bytes} bytes; at most {BUCKET_FILE_BYTES_MAX} are taken. Split the file.");
        return Ok(rejected(RejectionReason::FileTooLarge, cause));
    }
    let step = Step { ports, tracer, object: &object, redrive, now_ms };
    match owner_of(&object.key, &ports.bucket_partners) {
        Owner::Api(file_id) => step.of_the_api(file_id).await,
        Owner::Bucket(partner) => step.of_the_bucket(partner).await,
        Owner::Presigned(partner, file_id) => step.of_a_presigned_upload(partner, file_id).await,
        Owner::Unknown(cause) => Ok(rejected(RejectionReason::UnknownPartner, cause)),
    }
}

/// Whether an object is none that anybody sends as a file: a folder, or an empty object beside a file that says that it is
/// complete, such as `day.csv.done`.
fn is_no_file(object: &Object) -> bool {
    object.key.ends_with('/') || (object.size == Some(0) && !object.key.to_ascii_lowercase().ends_with(".csv"))
}

/// The file, or the object, is rejected, and the log says why. It is its sender's mistake, and so no warning.
fn rejected(error: RejectionReason, cause: impl Into<String>) -> Validation {
    let cause = cause.into();
    tracing::info!(event = "object_rejected", reason = error.as_str(), cause, "the object is rejected");
    Validation::rejected(error, cause)
}

/// Nothing is left to do, and the log says why.
fn done(reason: &str) -> Validation {
    tracing::info!(event = "nothing_to_do", reason, "nothing to do");
    Validation::done()
}

/// What an object's key says about where it came from.
enum Owner {
    Api(FileId),
    Bucket(Partner),
    /// Its sender created an upload for it by the API, if the status table says so.
    Presigned(Partner, FileId),
    /// Nobody whom we know puts files there. The text says why.
    Unknown(&'static str),
}

fn owner_of(key: &str, bucket_partners: &[Partner]) -> Owner {
    if let Some(name) = key.strip_prefix(VALIDATED_PREFIX) {
        let file_id = name.strip_suffix(".csv").and_then(FileId::parse);
        return file_id.map_or(Owner::Unknown("the key under validated/ is not one that the API makes"), Owner::Api);
    }
    let named = key.strip_prefix(INCOMING_PREFIX).and_then(|rest| rest.split_once('/'));
    let Some((partner, name)) = named.and_then(|(partner, name)| Some((Partner::named(partner)?, name))) else {
        return Owner::Unknown(NOBODYS_KEY);
    };
    if bucket_partners.contains(&partner) {
        return Owner::Bucket(partner);
    }
    let file_id = name.strip_suffix(".csv").and_then(FileId::parse);
    file_id.map_or(Owner::Unknown(NOBODYS_KEY), |file_id| Owner::Presigned(partner, file_id))
}

const NOBODYS_KEY: &str = "the key is of no partner who may put files into the bucket (see the parameter BucketPartners), \
                           and of no upload that was created by the API";
