//! Wires `csv-validator` to its environment and to the Lambda runtime.

use adapters::{Configuration, Tracer, clock, logging};
use csv_validator::Ports;
use lambda_runtime::{Diagnostic, Error, LambdaEvent, run, service_fn};
use serde_json::Value;
use tracing::Instrument;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logging::start();
    let ports = &Ports::new(&Configuration::from_environment().await?);
    run(service_fn(move |event: LambdaEvent<Value>| async move {
        let span = logging::invocation(&event.context);
        let tracer = Tracer::of(&event.context);
        let work = csv_validator::handle(event.payload, ports, &tracer, clock::now_ms());
        work.instrument(span).await.map_err(Diagnostic::from)
    }))
    .await
}
