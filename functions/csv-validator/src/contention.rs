//! What the API and the workflow share where several requests change the status of one file at once.

use adapters::{Failure, FailureKind, clock};
use domain::StatusToken;

/// How often a request decides anew because others change the status of the same file at the same time.
pub(crate) const ATTEMPTS_MAX: usize = 8;

/// The failure of a request that has decided [`ATTEMPTS_MAX`] times.
pub(crate) fn contended() -> Failure {
    Failure::new(FailureKind::StoreUnavailable, "many requests change the status of the file at once")
}

/// A new secret that opens a file's status page.
pub(crate) fn new_token() -> Result<StatusToken, Failure> {
    clock::random_hex::<16>()
        .map(StatusToken::new)
        .map_err(|error| Failure::new(FailureKind::StoreUnavailable, format!("randomness: {error}")))
}
