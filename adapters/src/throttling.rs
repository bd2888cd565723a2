//! Throttling by a table: its errors, and a classifier that keeps the SDK from retrying them.

use aws_sdk_dynamodb::config::interceptors::InterceptorContext;
use aws_sdk_dynamodb::config::retry::{ClassifyRetry, RetryAction};
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::ThrottlingReason;
use std::fmt;

/// The error codes of DynamoDB for throttling: by the capacity of a table, of a partition, of the account.
const CODES: [&str; 3] = ["ThrottlingException", "ProvisionedThroughputExceededException", "RequestLimitExceeded"];

/// A throttled call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Throttled {
    code: &'static str,
    /// The reason, as the service names it: `TableWriteAccountLimitExceeded`, `IndexWriteKeyRangeThroughputExceeded`.
    reason: Option<String>,
}

impl Throttled {
    /// The throttling in an error, if it is one.
    pub(crate) fn of(error: &PutItemError) -> Option<Self> {
        let code = CODES.into_iter().find(|code| error.code() == Some(code))?;
        let reasons: &[ThrottlingReason] = match error {
            PutItemError::ThrottlingException(error) => error.throttling_reasons(),
            PutItemError::ProvisionedThroughputExceededException(error) => error.throttling_reasons(),
            PutItemError::RequestLimitExceeded(error) => error.throttling_reasons(),
            _ => &[],
        };
        let reason = reasons.iter().find_map(|reason| reason.reason.clone());
        Some(Self { code, reason })
    }
}

impl fmt::Display for Throttled {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code)?;
        self.reason.as_ref().map_or(Ok(()), |reason| write!(formatter, ", {reason}"))
    }
}

/// Keeps the SDK from retrying throttled calls.
#[derive(Debug)]
pub(crate) struct LeftToCaller;

impl ClassifyRetry for LeftToCaller {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let error = context.output_or_error().and_then(Result::err).and_then(|error| error.as_operation_error());
        match error.and_then(|error| error.downcast_ref::<PutItemError>()).and_then(Throttled::of) {
            Some(_) => RetryAction::RetryForbidden,
            None => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "throttling is left to the caller"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_dynamodb::error::ErrorMetadata;
    use aws_sdk_dynamodb::types::error::{InternalServerError, ThrottlingException};

    #[test]
    fn a_throttled_call_has_its_reason() {
        let reason = ThrottlingReason::builder().reason("IndexWriteKeyRangeThroughputExceeded").build();
        let meta = ErrorMetadata::builder().code("ThrottlingException").build();
        let error = ThrottlingException::builder().meta(meta).throttling_reasons(reason).build();
        let throttled = Throttled::of(&PutItemError::ThrottlingException(error)).unwrap();
        assert_eq!(throttled.to_string(), "ThrottlingException, IndexWriteKeyRangeThroughputExceeded");
    }

    #[test]
    fn a_server_error_is_not_throttling() {
        let meta = ErrorMetadata::builder().code("InternalServerError").build();
        let error = InternalServerError::builder().meta(meta).build();
        assert_eq!(Throttled::of(&PutItemError::InternalServerError(error)), None);
    }
}
