//! Wires `notification-sender` to its environment and to the Lambda runtime.

use adapters::{Configuration, Tracer, clock, logging};
use lambda_runtime::{Diagnostic, Error, LambdaEvent, run, service_fn};
use notification_sender::{NotifyTask, Ports};
use tracing::Instrument;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logging::start();
    let ports = &Ports::new(&Configuration::from_environment().await?);
    run(service_fn(move |event: LambdaEvent<NotifyTask>| async move {
        let span = logging::invocation(&event.context);
        let tracer = Tracer::of(&event.context);
        let work = notification_sender::handle(event.payload, ports, &tracer, clock::now_ms());
        work.instrument(span).await.map_err(Diagnostic::from)
    }))
    .await
}
