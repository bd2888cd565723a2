//! Wires `data-transformer` to its environment and to the Lambda runtime.

use adapters::{Configuration, invocation, logging};
use data_transformer::Ports;
use lambda_runtime::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logging::start();
    let ports = &Ports::new(&Configuration::from_environment().await)?;
    invocation::serve(async |event, tracer, _now_ms| data_transformer::handle(event, ports, &tracer).await).await
}
