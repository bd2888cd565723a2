//! Wires `fraud-detector` to its environment and to the Lambda runtime.

use adapters::{Configuration, invocation, logging};
use fraud_detector::Ports;
use lambda_runtime::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logging::start();
    let ports = &Ports::new(&Configuration::from_environment().await)?;
    invocation::serve(async |event, tracer, now_ms| fraud_detector::handle(event, ports, &tracer, now_ms).await).await
}
