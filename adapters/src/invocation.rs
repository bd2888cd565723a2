//! One invocation after another: what every function does around its own work.

use crate::failure::Failure;
use crate::{Tracer, clock, logging};
use lambda_runtime::{Diagnostic, Error, LambdaEvent, run, service_fn};
use serde::{Serialize, de::DeserializeOwned};
use std::future::Future;
use tracing::Instrument;

/// Serves invocations until the environment ends: hands each event, with its tracer and the time, to `handle`, and
/// names a failure so that the state machine can match it.
///
/// # Errors
/// The Lambda runtime cannot be reached.
pub async fn serve<Event, Output, Work>(handle: impl Fn(Event, Tracer, u64) -> Work) -> Result<(), Error>
where
    Event: DeserializeOwned,
    Output: Serialize,
    Work: Future<Output = Result<Output, Failure>>,
{
    let handle = &handle;
    run(service_fn(move |event: LambdaEvent<Event>| {
        let span = logging::invocation(&event.context);
        let tracer = Tracer::of(&event.context);
        let invocation = async move {
            // Boxed, because the compiler would otherwise lay out the runtime and the work as one deeply nested future.
            Box::pin(handle(event.payload, tracer, clock::now_ms())).await.map_err(|failure| {
                tracing::error!(error = failure.kind.name(), detail = failure.detail, "the step failed");
                Diagnostic::from(failure)
            })
        };
        invocation.instrument(span)
    }))
    .await
}
