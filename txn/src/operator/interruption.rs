//! Ctrl-C, and the signal by which a system ends a process, as something to wait for.

use crate::problem::{Exit, Problem};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What a shell makes of a process that Ctrl-C has ended.
const EXIT_CODE: i32 = 130;
/// A signal may do no more than set a flag, which has to be looked at.
const LOOK_AFTER: Duration = Duration::from_millis(50);

/// Whether somebody wants the command to end.
pub(crate) struct Interruption(Arc<AtomicBool>);

impl Interruption {
    /// Listens from now on. Who asks a second time does not wait for what the command would still put in order.
    pub(crate) fn listen() -> Result<Self, Problem> {
        let asked = Arc::<AtomicBool>::default();
        for signal in [SIGINT, SIGTERM] {
            // In this order: the first signal finds nothing asked yet, and then sets it.
            flag::register_conditional_shutdown(signal, EXIT_CODE, Arc::clone(&asked))
                .and_then(|_| flag::register(signal, Arc::clone(&asked)))
                .map_err(|error| {
                    let message = format!("Ctrl-C cannot be listened to: {error}");
                    Problem::new(Exit::Unavailable, "signals_unavailable", message)
                })?;
        }
        Ok(Self(asked))
    }

    /// Waits until somebody asks for the end.
    pub(crate) async fn asked(&self) {
        while !self.is_asked() {
            tokio::time::sleep(LOOK_AFTER).await;
        }
    }

    pub(crate) fn is_asked(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
