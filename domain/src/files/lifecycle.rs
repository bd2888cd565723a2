//! The life of a file: its statuses, their order, and what an upload or an event means for a known file.

use crate::limits::{ATTEMPT_MILLISECONDS_MAX, ATTEMPTS_MAX};
use serde::{Deserialize, Serialize};

/// Where a file stands. Within one attempt the rank only grows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileStatus {
    /// Nothing of it has come; its sender was given a URL to put it to.
    AwaitingUpload,
    /// Nothing of it has come, and the URL has ended. It is never stored: it follows from the time.
    UploadExpired,
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
    pub const ALL: [Self; 11] = [
        Self::AwaitingUpload,
        Self::UploadExpired,
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
            Self::AwaitingUpload | Self::UploadExpired => 0,
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
        self.is_failed() || matches!(self, Self::Completed | Self::UploadExpired)
    }

    /// The status to show at `now_ms` of a file that is stored as this, where its upload, if it has one, ends at
    /// `upload_expires_at_ms`. All but [`Self::AwaitingUpload`] are shown as they are.
    #[must_use]
    pub fn shown_at(self, now_ms: u64, upload_expires_at_ms: Option<u64>) -> Self {
        let is_open = upload_expires_at_ms.is_some_and(|expires_at_ms| now_ms < expires_at_ms);
        if self == Self::AwaitingUpload && !is_open { Self::UploadExpired } else { self }
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
            Self::UploadExpired => "upload_expired",
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
    /// Whether the latest attempt rejected the file for what it holds.
    pub is_rejected: bool,
}

/// What a sender asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Intent {
    /// To have the file processed, unless that was done.
    Process,
    /// To have it processed once more after the attempt that the sender has seen. The number makes the request idempotent:
    /// a repeat of it finds a later attempt.
    Reprocess {
        /// That attempt, from 1.
        seen_attempt: u32,
    },
}

impl Intent {
    /// The intent of a request that names the attempt to process again, or none.
    #[must_use]
    pub fn of(reprocess_attempt: Option<u32>) -> Self {
        reprocess_attempt.map_or(Self::Process, |seen_attempt| Self::Reprocess { seen_attempt })
    }

    /// The attempt to process again, if one is named.
    #[must_use]
    pub fn reprocess_attempt(self) -> Option<u32> {
        match self {
            Self::Process => None,
            Self::Reprocess { seen_attempt } => Some(seen_attempt),
        }
    }
}

/// The place of an attempt in its partner's arrival order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sequence {
    /// That of the request which asks for it.
    New,
    /// That of the attempt before: what is retried must not win over what came in between.
    Kept,
}

/// What a file that comes (again) gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision {
    /// Work on it under this attempt.
    Work {
        /// The attempt to work under, from 1.
        attempt: u32,
        /// Its place in the arrival order, if it has yet to begin.
        sequence: Sequence,
    },
    /// It is done, or being done: answer with what is known.
    Existing,
    /// It was tried too often.
    Exhausted,
    /// The request names an attempt that the file does not have.
    AttemptUnknown,
}

/// What an upload gets. A new file is worked on; a failed or lost attempt is followed by a new one; an attempt that
/// has yet to reach the bucket is worked on again, since its first handler may have died; a completed file is processed
/// again only if that is asked for after its latest attempt.
#[must_use]
pub fn decide_upload(known: Option<KnownFile>, intent: Intent, now_ms: u64) -> Decision {
    let Some(known) = known else {
        return match intent {
            Intent::Process => Decision::Work { attempt: 1, sequence: Sequence::New },
            Intent::Reprocess { .. } => Decision::AttemptUnknown,
        };
    };
    if let Intent::Reprocess { seen_attempt } = intent {
        if seen_attempt > known.attempt || seen_attempt == 0 {
            return Decision::AttemptUnknown;
        }
        if seen_attempt == known.attempt && known.status.is_final() {
            return next_attempt(known.attempt, Sequence::New);
        }
    }
    let lost = !known.status.is_final() && now_ms.saturating_sub(known.updated_at_ms) > ATTEMPT_MILLISECONDS_MAX;
    match known.status {
        // Nothing has come yet: the upload that was created has no claim on bytes that come by another request.
        FileStatus::AwaitingUpload => Decision::Work { attempt: known.attempt, sequence: Sequence::New },
        // What was rejected was never in effect, so that its correction begins a place of its own.
        _ if known.is_rejected => next_attempt(known.attempt, Sequence::New),
        status if status.is_failed() || lost => next_attempt(known.attempt, Sequence::Kept),
        FileStatus::Validating => Decision::Work { attempt: known.attempt, sequence: Sequence::Kept },
        _ => Decision::Existing,
    }
}

/// What a request for a presigned upload gets: what an upload of the file would get, but that nothing is to be sent while
/// another upload of it is being validated.
#[must_use]
pub fn decide_creation(known: Option<KnownFile>, intent: Intent, now_ms: u64) -> Decision {
    let decision = decide_upload(known, intent, now_ms);
    match (known, decision) {
        (Some(known), Decision::Work { attempt, .. })
            if known.status == FileStatus::Validating && attempt == known.attempt =>
        {
            Decision::Existing
        }
        _ => decision,
    }
}

/// How an object came into the bucket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ObjectSource {
    /// The API stored it, having begun an attempt.
    Api,
    /// It was put where the API let its sender put it.
    Presigned {
        /// What the upload was created for, if it is still open.
        open: Option<Intent>,
        /// Whether an attempt has worked on this very version.
        is_known_version: bool,
    },
    /// Its sender put it there by rights of its own.
    Bucket {
        /// Whether an attempt has worked on this very version.
        is_known_version: bool,
    },
}

/// What an event of the bucket gets. A repeat of a finished attempt changes nothing. A failed file gets a new attempt when
/// it is put into the bucket again or redriven. What an object holds is known to be the file by then.
#[must_use]
pub fn decide_event(known: Option<KnownFile>, source: ObjectSource, redrive: bool, now_ms: u64) -> Decision {
    let (open, put_again) = match source {
        ObjectSource::Api => (None, false),
        ObjectSource::Presigned { open, is_known_version } => (open.filter(|_| !is_known_version), !is_known_version),
        ObjectSource::Bucket { is_known_version } => (None, !is_known_version),
    };
    let Some(known) = known else {
        // The API knows of whatever it stores or lets somebody put there.
        return match source {
            ObjectSource::Bucket { .. } => decide_upload(None, Intent::Process, now_ms),
            ObjectSource::Api | ObjectSource::Presigned { .. } => Decision::Existing,
        };
    };
    if let Some(intent) = open {
        return match decide_upload(Some(known), intent, now_ms) {
            // Whoever works on the file may have died; this event may be the only one that is left.
            Decision::Existing if !known.status.is_final() => kept(known),
            decision => decision,
        };
    }
    match known.status {
        FileStatus::AwaitingUpload if put_again => decide_upload(Some(known), Intent::Process, now_ms),
        FileStatus::AwaitingUpload => Decision::Existing,
        status if status.is_failed() && (redrive || put_again) => {
            next_attempt(known.attempt, if known.is_rejected { Sequence::New } else { Sequence::Kept })
        }
        status if status.is_final() => Decision::Existing,
        _ => kept(known),
    }
}

fn kept(known: KnownFile) -> Decision {
    Decision::Work { attempt: known.attempt, sequence: Sequence::Kept }
}

/// The attempt under whose name the completion of `attempt` is announced, so that subscribers recognise what they may have
/// heard before. An attempt that was announcing and was not completed may have been heard without anybody knowing; whichever
/// completes the file after it says the same again, however many failed in between. What was completed is announced anew only
/// where it is processed anew. `history` has every transition before, in order.
#[must_use]
pub fn notification_attempt(history: &[(u32, FileStatus)], attempt: u32) -> u32 {
    let has = |attempt: u32, status| history.contains(&(attempt, status));
    let since_completed = (1..attempt).rev().take_while(|&earlier| !has(earlier, FileStatus::Completed));
    let may_have_been_heard = since_completed.filter(|&earlier| has(earlier, FileStatus::Notifying));
    may_have_been_heard.last().unwrap_or(attempt)
}

fn next_attempt(attempt: u32, sequence: Sequence) -> Decision {
    if attempt < ATTEMPTS_MAX { Decision::Work { attempt: attempt + 1, sequence } } else { Decision::Exhausted }
}

#[cfg(test)]
mod tests;
