//! Wires `webhook-validator` to its environment and to the Lambda runtime.

use adapters::{Configuration, clock, invocation, logging};
use lambda_runtime::Error;
use webhook_validator::Ports;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logging::start();
    let ports = &Ports::new(&Configuration::from_environment().await)?;
    // Before the first webhook comes, so that it need not wait for them. If they cannot be read now, it tries again.
    if let Err(failure) = ports.secrets.current(clock::now_ms()).await {
        tracing::warn!(error = failure.kind.name(), detail = failure.detail, "the secrets could not be read yet");
    }
    invocation::serve(async |event, tracer, now_ms| webhook_validator::handle(event, ports, &tracer, now_ms).await)
        .await
}
