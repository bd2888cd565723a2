//! Wires `transaction-archival` to its environment and to the Lambda runtime.

use adapters::{Configuration, Tracer, invocation, logging};
use lambda_runtime::Error;
use serde_json::Value;
use transaction_archival::Ports;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logging::start();
    let ports = &Ports::new(&Configuration::from_environment().await)?;
    invocation::serve_until_deadline(async |event: Value, tracer: Tracer, now_ms, deadline_ms| {
        transaction_archival::handle(&event, ports, &tracer, now_ms, deadline_ms).await
    })
    .await
}
