//! Interruption by Ctrl-C or SIGTERM, as a future.

use crate::problem::{Exit, Problem};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The exit code of a process that Ctrl-C has ended.
const EXIT_CODE: i32 = 130;
/// A signal handler can only set a flag, which is polled.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Whether the command was interrupted.
pub(crate) struct Interruption(Arc<AtomicBool>);

impl Interruption {
    /// Starts to listen. A second signal ends the process at once, without cleanup.
    pub(crate) fn listen() -> Result<Self, Problem> {
        let requested = Arc::<AtomicBool>::default();
        for signal in [SIGINT, SIGTERM] {
            // In this order: the first signal finds the flag not set, and then sets it.
            flag::register_conditional_shutdown(signal, EXIT_CODE, Arc::clone(&requested))
                .and_then(|_| flag::register(signal, Arc::clone(&requested)))
                .map_err(|error| {
                    let message = format!("cannot listen to Ctrl-C: {error}");
                    Problem::new(Exit::Unavailable, "signals_unavailable", message)
                })?;
        }
        Ok(Self(requested))
    }

    /// Waits for an interruption.
    pub(crate) async fn requested(&self) {
        while !self.is_requested() {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    pub(crate) fn is_requested(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
