//! The lifecycle of a file: its statuses, their order, and what an upload or an event means for a known file.

use crate::limits::{ATTEMPT_MILLISECONDS_MAX, ATTEMPTS_MAX};
use serde::{Deserialize, Serialize};

crate::values::codes::text_enum! {
    /// The status of a file. Within one attempt, the rank only increases.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    FileStatus;

    /// An upload was created, and its bytes have not arrived.
    AwaitingUpload "awaiting_upload";
    /// The bytes have not arrived and the URL has expired. This status is never stored: it follows from the time.
    UploadExpired "upload_expired";
    /// Its bytes are being checked.
    Validating "validating";
    /// Every record is valid; processing has not begun.
    Validated "validated";
    /// It was rejected, or it could not be checked.
    ValidationFailed "validation_failed";
    /// Its records are being written.
    Processing "processing";
    /// All its records are written.
    Processed "processed";
    /// Its records could not be written.
    ProcessingFailed "processing_failed";
    /// Its outcome is being published.
    Notifying "notifying";
    /// Its records are written and its outcome is published.
    Completed "completed";
    /// Its records are written, but its outcome could not be published.
    NotificationFailed "notification_failed";
}

impl FileStatus {
    /// The rank, 0 to 6. A transition needs a higher rank of the same attempt, or a later attempt.
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

    /// Whether the attempt failed.
    #[must_use]
    pub fn is_failed(self) -> bool {
        matches!(self, Self::ValidationFailed | Self::ProcessingFailed | Self::NotificationFailed)
    }

    /// Whether the attempt has ended.
    #[must_use]
    pub fn is_final(self) -> bool {
        self.is_failed() || matches!(self, Self::Completed | Self::UploadExpired)
    }

    /// The status to show at `now_ms` for a file with this stored status, whose pending upload, if any, expires at
    /// `upload_expires_at_ms`. Only [`Self::AwaitingUpload`] is ever shown differently.
    #[must_use]
    pub fn shown_at(self, now_ms: u64, upload_expires_at_ms: Option<u64>) -> Self {
        let is_open = upload_expires_at_ms.is_some_and(|expires_at_ms| now_ms < expires_at_ms);
        if self == Self::AwaitingUpload && !is_open { Self::UploadExpired } else { self }
    }

    /// The failed status of a file on which the workflow gives up in this status; none if its attempt has ended.
    #[must_use]
    pub fn failure(self) -> Option<Self> {
        match self {
            Self::AwaitingUpload | Self::Validating => Some(Self::ValidationFailed),
            Self::Validated | Self::Processing => Some(Self::ProcessingFailed),
            Self::Processed | Self::Notifying => Some(Self::NotificationFailed),
            _ => None,
        }
    }
}

/// What is known about a file when it is received again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KnownFile {
    /// Its latest attempt, from 1.
    pub attempt: u32,
    /// The status of that attempt.
    pub status: FileStatus,
    /// When that attempt last changed its status, in milliseconds since 1970.
    pub updated_at_ms: u64,
    /// Whether the latest attempt rejected the file for its content.
    pub is_rejected: bool,
}

/// What a sender requests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Intent {
    /// Process the file, unless that is done.
    Process,
    /// Process it again after the attempt that the sender has seen. The number makes the request idempotent: a repeat
    /// finds a later attempt.
    Reprocess {
        /// That attempt, from 1.
        seen_attempt: u32,
    },
}

impl Intent {
    /// The intent of a request, which may have the number of the attempt to process again.
    #[must_use]
    pub fn of(reprocess_attempt: Option<u32>) -> Self {
        reprocess_attempt.map_or(Self::Process, |seen_attempt| Self::Reprocess { seen_attempt })
    }

    /// The attempt to process again, if any.
    #[must_use]
    pub fn reprocess_attempt(self) -> Option<u32> {
        match self {
            Self::Process => None,
            Self::Reprocess { seen_attempt } => Some(seen_attempt),
        }
    }
}

/// The sequence of an attempt in its partner's arrival order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sequence {
    /// That of the request.
    New,
    /// That of the attempt before: a retry must not supersede what arrived in between.
    Kept,
}

/// What to do with a file that is received.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision {
    /// Work on it under this attempt.
    Work {
        /// The attempt to work under, from 1.
        attempt: u32,
        /// Its sequence, if the attempt has not begun.
        sequence: Sequence,
    },
    /// It is done or in progress: nothing is left to do but to return its status.
    Existing,
    /// The file has too many attempts.
    Exhausted,
    /// The file does not have the attempt of the request.
    AttemptUnknown,
}

/// Decides about an upload. A new file is processed. A failed or lost attempt is followed by a new one. An attempt
/// whose bytes may not be in the bucket is continued, since its first handler may have been killed. A completed file is
/// processed again only if that is requested for its latest attempt.
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
        // The presigned upload was not used: the bytes of this request have their own sequence.
        FileStatus::AwaitingUpload => Decision::Work { attempt: known.attempt, sequence: Sequence::New },
        // A rejected file was never in effect, so its next attempt gets a new sequence.
        _ if known.is_rejected => next_attempt(known.attempt, Sequence::New),
        status if status.is_failed() || lost => next_attempt(known.attempt, Sequence::Kept),
        FileStatus::Validating => Decision::Work { attempt: known.attempt, sequence: Sequence::Kept },
        _ => Decision::Existing,
    }
}

/// Decides about a request that creates an upload: as [`decide_upload`], except that no new upload is created while the
/// file is being validated.
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

/// Who put an object into the bucket, and how.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ObjectSource {
    /// The API, after it began an attempt.
    Api,
    /// The sender, by a presigned upload.
    Presigned {
        /// The intent of the upload, if it is pending.
        open: Option<Intent>,
        /// Whether an attempt has processed this version of the object.
        is_known_version: bool,
    },
    /// The sender, with its own permissions for the bucket.
    Bucket {
        /// Whether an attempt has processed this version of the object.
        is_known_version: bool,
    },
}

/// Decides about an event of the bucket. A repeated event of a finished attempt changes nothing. A failed file gets a
/// new attempt if it is put into the bucket again or redriven. The caller has checked that the object is the file.
#[must_use]
pub fn decide_event(known: Option<KnownFile>, source: ObjectSource, redrive: bool, now_ms: u64) -> Decision {
    let (open, put_again) = match source {
        ObjectSource::Api => (None, false),
        ObjectSource::Presigned { open, is_known_version } => (open.filter(|_| !is_known_version), !is_known_version),
        ObjectSource::Bucket { is_known_version } => (None, !is_known_version),
    };
    let Some(known) = known else {
        // Every object of the API and every presigned upload has a status.
        return match source {
            ObjectSource::Bucket { .. } => decide_upload(None, Intent::Process, now_ms),
            ObjectSource::Api | ObjectSource::Presigned { .. } => Decision::Existing,
        };
    };
    if let Some(intent) = open {
        return match decide_upload(Some(known), intent, now_ms) {
            // The handler of the file may have been killed, and this event may be the last one.
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

/// The attempt in the `notification_id` of the completion of `attempt`, so that subscribers recognize a repeated
/// notification. An attempt that reached `notifying` and not `completed` may have published its outcome; whichever
/// attempt completes the file later uses the same id, however many failed in between. A file that was completed gets a
/// new id only if it is processed again. `history` has every earlier transition, in order.
#[must_use]
pub fn notification_attempt(history: &[(u32, FileStatus)], attempt: u32) -> u32 {
    let has = |attempt: u32, status| history.contains(&(attempt, status));
    let since_completed = (1..attempt).rev().take_while(|&earlier| !has(earlier, FileStatus::Completed));
    let may_have_published = since_completed.filter(|&earlier| has(earlier, FileStatus::Notifying));
    may_have_published.last().unwrap_or(attempt)
}

fn next_attempt(attempt: u32, sequence: Sequence) -> Decision {
    if attempt < ATTEMPTS_MAX { Decision::Work { attempt: attempt + 1, sequence } } else { Decision::Exhausted }
}

#[cfg(test)]
mod tests;
