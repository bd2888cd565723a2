//! A pending upload: a presigned upload that was created and not used. It is stored beside the status of its file.

use crate::ControlTotals;
use crate::files::lifecycle::Intent;
use serde::{Deserialize, Serialize};

/// A presigned upload that its sender has not used.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PendingUpload {
    /// Its sequence in its partner's arrival order, assigned when it was created.
    pub sequence: u64,
    /// When it was created, in milliseconds since 1970.
    pub created_at_ms: u64,
    /// When its URL expires, in milliseconds since 1970. A transfer that began in time may end later.
    pub expires_at_ms: u64,
    /// The size of the file in bytes, which its URL enforces.
    pub bytes: u64,
    /// The control totals of the request. The file is compared with them when it is validated.
    pub expected: ControlTotals,
    /// The attempt to process again, if that was requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reprocess_attempt: Option<u32>,
}

impl PendingUpload {
    /// The intent of the request that created it.
    #[must_use]
    pub fn intent(&self) -> Intent {
        Intent::of(self.reprocess_attempt)
    }

    /// Whether its URL is valid at `now_ms`.
    #[must_use]
    pub fn is_open(&self, now_ms: u64) -> bool {
        now_ms < self.expires_at_ms
    }

    /// Whether a request at `now_ms` with this intent is a repeat of the one that created the upload. It then keeps its
    /// sequence: a client's retry must not supersede what arrived in between.
    #[must_use]
    pub fn is_repeated_by(&self, intent: Intent, now_ms: u64) -> bool {
        self.is_open(now_ms) && self.intent() == intent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeat_has_the_same_intent_while_the_url_is_valid() {
        let created = |reprocess_attempt| PendingUpload {
            sequence: 1,
            created_at_ms: 1_000,
            expires_at_ms: 2_000,
            bytes: 1,
            expected: ControlTotals::default(),
            reprocess_attempt,
        };
        let again = Intent::Reprocess { seen_attempt: 3 };
        assert!(created(None).is_repeated_by(Intent::Process, 1_999));
        assert!(!created(None).is_repeated_by(Intent::Process, 2_000), "it has expired");
        assert!(!created(None).is_repeated_by(again, 1_500));
        assert!(created(Some(3)).is_repeated_by(again, 1_500));
        assert!(!created(Some(2)).is_repeated_by(again, 1_500));
    }
}
