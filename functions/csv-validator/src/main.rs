//! Wires `csv-validator` to its environment and to the Lambda runtime.

use adapters::{Configuration, invocation, logging};
use csv_validator::Ports;
use lambda_runtime::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logging::start();
    let ports = &Ports::new(&Configuration::from_environment().await)?;
    invocation::serve(async |event, tracer, now_ms| csv_validator::handle(event, ports, &tracer, now_ms).await).await
}
