//! The life of a file: its statuses, their order, and what an upload or an event means for a known file.

use crate::limits::{ATTEMPT_MILLISECONDS_MAX, ATTEMPTS_MAX};
use serde::{Deserialize, Serialize};

/// Where a file stands. Within one attempt the rank only grows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileStatus {
    /// Its sender was given a URL to put it to, and has not done so yet.
    AwaitingUpload,
    /// Its bytes are being checked.
    Validating,
    /// Every record is valid; it waits to be processed.
    Validated,
    /// Refused, or it could not be checked.
    ValidationFailed,
    /// Its records are being written.
    Processing,
    /// All its records are written.
    Processed,
    /// Its records could not be written.
    ProcessingFailed,
    /// Its outcome is being announced.
    Notifying,
    /// Written and announced.
    Completed,
    /// Written, but its outcome could not be announced.
    NotificationFailed,
}

impl FileStatus {
    /// Every status, in the order of a file's life.
    pub const ALL: [Self; 10] = [
        Self::AwaitingUpload,
        Self::Validating,
        Self::Validated,
        Self::ValidationFailed,
        Self::Processing,
        Self::Processed,
        Self::ProcessingFailed,
        Self::Notifying,
        Self::Completed,
        Self::NotificationFailed,
    ];

    /// How far it is, 0 to 6. A transition is taken only to a higher rank of the same attempt, or to a later attempt.
    #[must_use]
    pub fn rank(self) -> u8 {
        match self {
            Self::AwaitingUpload => 0,
            Self::Validating => 1,
            Self::Validated | Self::ValidationFailed => 2,
            Self::Processing => 3,
            Self::Processed | Self::ProcessingFailed => 4,
            Self::Notifying => 5,
            Self::Completed | Self::NotificationFailed => 6,
        }
    }

    /// Whether the attempt ended without success.
    #[must_use]
    pub fn is_failed(self) -> bool {
        matches!(self, Self::ValidationFailed | Self::ProcessingFailed | Self::NotificationFailed)
    }

    /// Whether the attempt has ended.
    #[must_use]
    pub fn is_final(self) -> bool {
        self.is_failed() || self == Self::Completed
    }

    /// The failure that follows when the workflow gives up on a file in this status; none if its attempt has ended.
    #[must_use]
    pub fn failure(self) -> Option<Self> {
        match self {
            Self::AwaitingUpload | Self::Validating => Some(Self::ValidationFailed),
            Self::Validated | Self::Processing => Some(Self::ProcessingFailed),
            Self::Processed | Self::Notifying => Some(Self::NotificationFailed),
            _ => None,
        }
    }

    /// The text in tables, answers and messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AwaitingUpload => "awaiting_upload",
            Self::Validating => "validating",
            Self::Validated => "validated",
            Self::ValidationFailed => "validation_failed",
            Self::Processing => "processing",
            Self::Processed => "processed",
            Self::ProcessingFailed => "processing_failed",
            Self::Notifying => "notifying",
            Self::Completed => "completed",
            Self::NotificationFailed => "notification_failed",
        }
    }
}

/// What is known of a file when it comes again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KnownFile {
    /// Its latest attempt, from 1.
    pub attempt: u32,
    /// Where that attempt stands.
    pub status: FileStatus,
    /// When that attempt last moved, in milliseconds since 1970.
    pub updated_at_ms: u64,
}

/// What a file that comes (again) gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision {
    /// Work on it under this attempt.
    Work {
        /// The attempt to work under, from 1.
        attempt: u32,
    },
    /// It is done, or being done: answer with what is known.
    Answer,
    /// It was tried too often.
    Exhausted,
}

/// What an upload gets. A new file is worked on; a failed or lost attempt is followed by a new one; an attempt that
/// has yet to reach the bucket is worked on again, since its first handler may have died, or its sender may have chosen
/// another road; a completed file is processed again only if that is asked for.
#[must_use]
pub fn decide_upload(known: Option<KnownFile>, reprocess: bool, now_ms: u64) -> Decision {
    let Some(known) = known else {
        return Decision::Work { attempt: 1 };
    };
    if known.status == FileStatus::AwaitingUpload {
        // It waits for its sender, for however long, so that it cannot be lost.
        return Decision::Work { attempt: known.attempt };
    }
    let lost = !known.status.is_final() && now_ms.saturating_sub(known.updated_at_ms) > ATTEMPT_MILLISECONDS_MAX;
    if known.status.is_failed() || lost || (known.status == FileStatus::Completed && reprocess) {
        next_attempt(known.attempt)
    } else if known.status == FileStatus::Validating {
        Decision::Work { attempt: known.attempt }
    } else {
        Decision::Answer
    }
}

/// What a request for a URL to put a file to gets: what an upload of the file would get, but that nothing is to be sent
/// while another upload of it is being validated.
#[must_use]
pub fn decide_grant(known: Option<KnownFile>, reprocess: bool, now_ms: u64) -> Decision {
    let decision = decide_upload(known, reprocess, now_ms);
    let goes_on = |known: KnownFile| decision == Decision::Work { attempt: known.attempt };
    match known {
        Some(known) if known.status == FileStatus::Validating && goes_on(known) => Decision::Answer,
        _ => decision,
    }
}

/// By which road an object came into the bucket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Road {
    /// The API stored it under this attempt.
    Upload {
        /// The attempt that the upload began.
        attempt: u32,
    },
    /// It was put straight into the bucket.
    Bucket {
        /// Whether the known file was read from this very object and version.
        same_object: bool,
    },
}

/// What an event of the bucket gets. A repeat of a finished attempt or an event of an earlier one changes nothing, nor
/// does a repeated event of an earlier upload where a new one is awaited. A failed file gets a new attempt when it is put
/// into the bucket again or redriven.
#[must_use]
pub fn decide_event(known: Option<KnownFile>, road: Road, redrive: bool) -> Decision {
    let (attempt, put_again) = match (road, known) {
        (Road::Upload { attempt }, _) => (attempt, false),
        (Road::Bucket { same_object }, Some(known)) => (known.attempt, !same_object),
        (Road::Bucket { .. }, None) => (1, false),
    };
    let Some(known) = known else {
        return Decision::Work { attempt };
    };
    let awaits_another = known.status == FileStatus::AwaitingUpload && road == Road::Bucket { same_object: true };
    if attempt > known.attempt {
        Decision::Work { attempt }
    } else if known.status.is_failed() && (redrive || put_again) {
        next_attempt(known.attempt)
    } else if redrive && !known.status.is_final() {
        // A redrive that died on its way began this attempt, under which the object was not stored.
        Decision::Work { attempt: known.attempt }
    } else if attempt < known.attempt || known.status.is_final() || awaits_another {
        Decision::Answer
    } else {
        Decision::Work { attempt }
    }
}

/// The attempt under whose name the completion of `attempt` is announced, so that subscribers recognise what they may have
/// heard before. An attempt that was announcing and was not completed may have been heard without anybody knowing; whichever
/// completes the file after it says the same again, however many failed in between. What was completed is announced anew only
/// where it is processed anew. `history` has every transition before, in order.
#[must_use]
pub fn announced_attempt(history: &[(u32, FileStatus)], attempt: u32) -> u32 {
    let has = |attempt: u32, status| history.contains(&(attempt, status));
    let since_completed = (1..attempt).rev().take_while(|&earlier| !has(earlier, FileStatus::Completed));
    let may_have_been_heard = since_completed.filter(|&earlier| has(earlier, FileStatus::Notifying));
    may_have_been_heard.last().unwrap_or(attempt)
}

fn next_attempt(attempt: u32) -> Decision {
    if attempt < ATTEMPTS_MAX { Decision::Work { attempt: attempt + 1 } } else { Decision::Exhausted }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_000_000_000;

    fn known(attempt: u32, status: FileStatus) -> Option<KnownFile> {
        Some(KnownFile { attempt, status, updated_at_ms: NOW })
    }

    #[test]
    fn a_failure_always_ranks_above_what_it_ends() {
        for status in FileStatus::ALL {
            match status.failure() {
                Some(failure) => assert!(failure.is_failed() && failure.rank() > status.rank(), "{status:?}"),
                None => assert!(status.is_final(), "{status:?}"),
            }
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
    }

    #[test]
    fn uploads() {
        use Decision::{Answer, Exhausted, Work};
        assert_eq!(decide_upload(None, false, NOW), Work { attempt: 1 });
        for status in FileStatus::ALL {
            let expected = match status {
                status if status.is_failed() => Work { attempt: 4 },
                FileStatus::AwaitingUpload | FileStatus::Validating => Work { attempt: 3 },
                _ => Answer,
            };
            assert_eq!(decide_upload(known(3, status), false, NOW), expected, "{status:?}");
        }
        assert_eq!(decide_upload(known(3, FileStatus::Completed), true, NOW), Work { attempt: 4 });
        assert_eq!(decide_upload(known(3, FileStatus::Processing), true, NOW), Answer);
        let much_later = NOW + ATTEMPT_MILLISECONDS_MAX + 1;
        assert_eq!(decide_upload(known(3, FileStatus::Processing), false, much_later), Work { attempt: 4 });
        assert_eq!(decide_upload(known(3, FileStatus::Completed), false, much_later), Answer);
        assert_eq!(decide_upload(known(3, FileStatus::AwaitingUpload), false, much_later), Work { attempt: 3 });
        assert_eq!(decide_upload(known(ATTEMPTS_MAX, FileStatus::ProcessingFailed), false, NOW), Exhausted);
    }

    #[test]
    fn what_may_have_been_heard_is_announced_under_the_same_name() {
        use FileStatus::{Completed, NotificationFailed, Notifying, ProcessingFailed};
        for (history, attempt, expected) in [
            (&[][..], 1, 1),
            (&[(1, Notifying)], 1, 1),
            (&[(1, ProcessingFailed)], 2, 2),
            (&[(1, Notifying), (1, NotificationFailed)], 2, 1),
            (&[(1, Notifying), (2, Notifying), (2, NotificationFailed)], 3, 1),
            (&[(1, Notifying), (1, Completed)], 2, 2),
            (&[(1, Notifying), (1, Completed), (2, Notifying), (2, NotificationFailed)], 3, 2),
            (&[(1, Notifying), (1, NotificationFailed), (2, ProcessingFailed)], 3, 1),
            (&[(1, Notifying), (1, Completed), (2, Notifying), (3, ProcessingFailed)], 4, 2),
        ] {
            assert_eq!(announced_attempt(history, attempt), expected, "{history:?}");
        }
    }

    #[test]
    fn a_url_is_given_for_what_an_upload_would_work_on_unless_another_upload_is_being_validated() {
        use Decision::{Answer, Exhausted, Work};
        assert_eq!(decide_grant(None, false, NOW), Work { attempt: 1 });
        for status in FileStatus::ALL {
            let expected = match status {
                FileStatus::AwaitingUpload => Work { attempt: 3 },
                status if status.is_failed() => Work { attempt: 4 },
                _ => Answer,
            };
            assert_eq!(decide_grant(known(3, status), false, NOW), expected, "{status:?}");
        }
        assert_eq!(decide_grant(known(3, FileStatus::Completed), true, NOW), Work { attempt: 4 });
        let much_later = NOW + ATTEMPT_MILLISECONDS_MAX + 1;
        assert_eq!(decide_grant(known(3, FileStatus::Validating), false, much_later), Work { attempt: 4 });
        assert_eq!(decide_grant(known(ATTEMPTS_MAX, FileStatus::ValidationFailed), false, NOW), Exhausted);
    }

    #[test]
    fn events() {
        use Decision::{Answer, Work};
        let upload = |attempt| Road::Upload { attempt };
        let bucket = |same_object| Road::Bucket { same_object };
        assert_eq!(decide_event(None, upload(1), false), Work { attempt: 1 });
        assert_eq!(decide_event(None, bucket(false), false), Work { attempt: 1 });
        for status in FileStatus::ALL {
            let expected = if status.is_final() { Answer } else { Work { attempt: 2 } };
            let put_again = if status.is_failed() { Work { attempt: 3 } } else { expected };
            assert_eq!(decide_event(known(2, status), upload(2), false), expected, "{status:?}");
            let repeated = if status == FileStatus::AwaitingUpload { Answer } else { expected };
            assert_eq!(decide_event(known(2, status), bucket(true), false), repeated, "{status:?}");
            assert_eq!(decide_event(known(2, status), bucket(false), false), put_again, "{status:?}");
            assert_eq!(decide_event(known(2, status), upload(1), false), Answer, "{status:?}");
            assert_eq!(decide_event(known(2, status), upload(3), false), Work { attempt: 3 }, "{status:?}");
        }
        assert_eq!(decide_event(known(2, FileStatus::ProcessingFailed), upload(2), true), Work { attempt: 3 });
        assert_eq!(decide_event(known(2, FileStatus::ProcessingFailed), upload(1), true), Work { attempt: 3 });
        assert_eq!(decide_event(known(2, FileStatus::Completed), upload(2), true), Answer);
        assert_eq!(decide_event(known(2, FileStatus::Validating), upload(1), true), Work { attempt: 2 });
        assert_eq!(decide_event(known(2, FileStatus::Processing), upload(1), true), Work { attempt: 2 });
    }
}
