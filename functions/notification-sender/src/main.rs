//! Wires `notification-sender` to its environment and to the Lambda runtime.

use adapters::{Configuration, invocation, logging};
use lambda_runtime::Error;
use notification_sender::Ports;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logging::start();
    let ports = &Ports::new(&Configuration::from_environment().await)?;
    invocation::serve(async |event, tracer, now_ms| notification_sender::handle(event, ports, &tracer, now_ms).await)
        .await
}
