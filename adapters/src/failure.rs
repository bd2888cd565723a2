//! The failures of a step, with names that the state machine matches.
//!
//! The names are an interface between the code and `statemachine/workflow.asl.json`: transient failures are retried
//! there, the others are not. A test compares the two lists.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use lambda_runtime::Diagnostic;
use std::fmt;

/// The name of a failure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FailureKind {
    /// The object or its version does not exist. For a role that may not list the bucket, S3 responds `AccessDenied`
    /// instead, which is [`FailureKind::AccessDenied`].
    ObjectMissing,
    /// A service rejected the call itself: a missing permission, a missing table, a malformed request.
    AccessDenied,
    /// The written data differ from what was expected: the totals of a file's rows, or an object of the archive.
    ControlTotalsDiffer,
    /// The input of the step is invalid.
    InvalidInput,
    /// The file has too many attempts.
    AttemptsExhausted,
    /// The bucket or a table did not respond, throttled the call or failed.
    StoreUnavailable,
    /// The topic did not respond, throttled the call or failed.
    TopicUnavailable,
    /// The event bus did not respond, throttled the call, failed, or rejected an event.
    BusUnavailable,
    /// Secrets Manager did not respond, throttled the call or failed.
    SecretsUnavailable,
}

impl FailureKind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::ObjectMissing,
        Self::AccessDenied,
        Self::ControlTotalsDiffer,
        Self::InvalidInput,
        Self::AttemptsExhausted,
        Self::StoreUnavailable,
        Self::TopicUnavailable,
        Self::BusUnavailable,
        Self::SecretsUnavailable,
    ];

    /// The name that the state machine sees.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ObjectMissing => "ObjectMissing",
            Self::AccessDenied => "AccessDenied",
            Self::ControlTotalsDiffer => "ControlTotalsDiffer",
            Self::InvalidInput => "InvalidInput",
            Self::AttemptsExhausted => "AttemptsExhausted",
            Self::StoreUnavailable => "StoreUnavailable",
            Self::TopicUnavailable => "TopicUnavailable",
            Self::BusUnavailable => "BusUnavailable",
            Self::SecretsUnavailable => "SecretsUnavailable",
        }
    }

    /// Whether a retry may succeed.
    #[must_use]
    pub fn is_transient(self) -> bool {
        matches!(
            self,
            Self::StoreUnavailable | Self::TopicUnavailable | Self::BusUnavailable | Self::SecretsUnavailable
        )
    }
}

/// A failed step. The text is for the log and the dead-letter queue; it never has content of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// Its name.
    pub kind: FailureKind,
    /// The call and its error.
    pub detail: String,
}

impl Failure {
    /// A failure of this kind.
    #[must_use]
    pub fn new(kind: FailureKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }

    /// The failure for an error of a service. `unavailable` is the kind of transient failures.
    pub(crate) fn of_call<E, R>(action: &str, error: &SdkError<E, R>, unavailable: FailureKind) -> Self
    where
        E: ProvideErrorMetadata,
    {
        let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
        let kind = match code {
            Some("NoSuchKey" | "NoSuchVersion" | "NotFound") => FailureKind::ObjectMissing,
            Some(
                "AccessDenied"
                | "AccessDeniedException"
                | "AuthorizationError"
                | "AuthorizationErrorException"
                | "ResourceNotFoundException"
                | "ValidationException"
                | "ValidationError"
                | "NoSuchBucket"
                | "InvalidParameter"
                | "InvalidParameterException"
                | "UnrecognizedClientException",
            ) => FailureKind::AccessDenied,
            // The bytes of a version never change, so a retry would fail as well.
            Some("InvalidRange") => FailureKind::InvalidInput,
            _ => unavailable,
        };
        let what = code.map_or_else(|| format!("{error}"), str::to_owned);
        Self::new(kind, format!("{action}: {what}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.kind.name(), self.detail)
    }
}

impl std::error::Error for Failure {}

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Self {
        Self { error_type: failure.kind.name().to_owned(), error_message: failure.detail }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_s3::error::ErrorMetadata;
    use aws_sdk_s3::operation::get_object::GetObjectError;

    #[test]
    fn only_temporary_errors_are_transient() {
        for (code, kind) in [
            ("NoSuchVersion", FailureKind::ObjectMissing),
            ("AccessDenied", FailureKind::AccessDenied),
            ("InvalidRange", FailureKind::InvalidInput),
            ("SlowDown", FailureKind::StoreUnavailable),
        ] {
            let error = GetObjectError::generic(ErrorMetadata::builder().code(code).build());
            let failure =
                Failure::of_call("s3:GetObject", &SdkError::service_error(error, ()), FailureKind::StoreUnavailable);
            assert_eq!((failure.kind, failure.detail), (kind, format!("s3:GetObject: {code}")));
        }
    }
}
