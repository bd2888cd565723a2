//! Wires `data-transformer` to its environment and to the Lambda runtime.

use adapters::{Configuration, Tracer, clock, logging};
use data_transformer::{Ports, TransformTask};
use lambda_runtime::{Diagnostic, Error, LambdaEvent, run, service_fn};
use tracing::Instrument;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logging::start();
    let ports = &Ports::new(&Configuration::from_environment().await?);
    run(service_fn(move |event: LambdaEvent<TransformTask>| async move {
        let span = logging::invocation(&event.context);
        let tracer = Tracer::of(&event.context);
        let work = data_transformer::handle(event.payload, ports, &tracer, clock::now_ms());
        work.instrument(span).await.map_err(Diagnostic::from)
    }))
    .await
}
