//! An upload that was created and whose bytes have not come: it stands beside what is known of its file, and ends by itself.

use crate::ControlTotals;
use crate::files::lifecycle::Intent;
use serde::{Deserialize, Serialize};

/// A presigned upload that its sender has yet to use.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PendingUpload {
    /// Its place in its partner's arrival order, drawn when it was created.
    pub sequence: u64,
    /// When it was created, in milliseconds since 1970.
    pub created_at_ms: u64,
    /// Until when its URL works, in milliseconds since 1970. A transfer that began in time may end later.
    pub expires_at_ms: u64,
    /// How many bytes its URL takes.
    pub bytes: u64,
    /// The control totals that its sender gave. The file is compared with them when its bytes are there.
    pub expected: ControlTotals,
    /// The attempt that is to be processed again, if that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reprocess_attempt: Option<u32>,
}

impl PendingUpload {
    /// What it was created for.
    #[must_use]
    pub fn intent(&self) -> Intent {
        Intent::of(self.reprocess_attempt)
    }

    /// Whether its URL works at `now_ms`.
    #[must_use]
    pub fn is_open(&self, now_ms: u64) -> bool {
        now_ms < self.expires_at_ms
    }

    /// Whether a request at `now_ms` that asks for `intent` is a repeat of the one that created this. It keeps its place in
    /// the arrival order then: a client's retry must not win over what came in between.
    #[must_use]
    pub fn is_repeated_by(&self, intent: Intent, now_ms: u64) -> bool {
        self.is_open(now_ms) && self.intent() == intent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeat_asks_for_the_same_while_the_url_works() {
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
        assert!(!created(None).is_repeated_by(Intent::Process, 2_000), "it has ended");
        assert!(!created(None).is_repeated_by(again, 1_500));
        assert!(created(Some(3)).is_repeated_by(again, 1_500));
        assert!(!created(Some(2)).is_repeated_by(again, 1_500));
    }
}
