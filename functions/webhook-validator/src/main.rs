//! Wires `webhook-validator` to its environment and to the Lambda runtime.

use adapters::{Configuration, clock, invocation, logging};
use lambda_runtime::Error;
use webhook_validator::Ports;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logging::start();
    let ports = &Ports::new(&Configuration::from_environment().await)?;
    let serve =
        invocation::serve(async |event, tracer, now_ms| webhook_validator::handle(event, ports, &tracer, now_ms).await);
    // Beside the request for the first webhook, so that neither waits for the other. If it fails, the webhook tries again.
    let read_secrets = async {
        if let Err(failure) = ports.secrets.current(clock::now_ms()).await {
            tracing::warn!(error = failure.kind.name(), detail = failure.detail, "the secrets could not be read yet");
        }
    };
    let (served, ()) = tokio::join!(serve, read_secrets);
    served
}
