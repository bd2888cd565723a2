//! The loop of invocations that all functions share.

use crate::failure::{Failure, FailureKind};
use crate::{Tracer, clock, logging};
use lambda_runtime::{Diagnostic, Error, LambdaEvent, run, service_fn};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::future::Future;
use tracing::Instrument;

/// Serves invocations until the environment is shut down: passes each event, with its tracer and the time, to `handle`,
/// and returns failures with names that the state machine can match.
///
/// # Errors
/// The Lambda runtime cannot be reached.
pub async fn serve<Event, Output, Work>(handle: impl Fn(Event, Tracer, u64) -> Work) -> Result<(), Error>
where
    Event: DeserializeOwned,
    Output: Serialize,
    Work: Future<Output = Result<Output, Failure>>,
{
    serve_until_deadline(|event, tracer, now_ms, _deadline_ms| handle(event, tracer, now_ms)).await
}

/// Like [`serve`], for work that must know its deadline: `handle` also gets it, in milliseconds since 1970.
///
/// # Errors
/// The Lambda runtime cannot be reached.
pub async fn serve_until_deadline<Event, Output, Work>(
    handle: impl Fn(Event, Tracer, u64, u64) -> Work,
) -> Result<(), Error>
where
    Event: DeserializeOwned,
    Output: Serialize,
    Work: Future<Output = Result<Output, Failure>>,
{
    let handle = &handle;
    run(service_fn(move |event: LambdaEvent<Value>| {
        let span = logging::invocation(&event.context);
        let tracer = Tracer::of(&event.context);
        let deadline_ms = event.context.deadline;
        let invocation = async move {
            // Boxed, because the compiler would otherwise lay out the runtime and the work as one deeply nested future.
            let work = async { handle(read(event.payload)?, tracer, clock::now_ms(), deadline_ms).await };
            Box::pin(work).await.map_err(|failure: Failure| {
                tracing::error!(
                    event = "step_failed",
                    error = failure.kind.name(),
                    detail = failure.detail,
                    "the step failed"
                );
                Diagnostic::from(failure)
            })
        };
        invocation.instrument(span)
    }))
    .await
}

/// Reads an event. The failure never has its text, which may contain what must not be logged.
///
/// # Errors
/// It is not an event of the function: [`FailureKind::InvalidInput`].
pub fn read<Event: DeserializeOwned>(payload: Value) -> Result<Event, Failure> {
    serde_json::from_value(payload).map_err(|error| {
        let detail = format!("not an event of this function ({:?})", error.classify());
        Failure::new(FailureKind::InvalidInput, detail)
    })
}
