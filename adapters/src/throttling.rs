//! Throttling by a table: what it looks like, and how the SDK is kept from meeting it by itself.

use aws_sdk_dynamodb::config::interceptors::InterceptorContext;
use aws_sdk_dynamodb::config::retry::{ClassifyRetry, RetryAction};
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::ThrottlingReason;
use std::fmt;

/// The names by which DynamoDB says that it was asked too much: of a table's capacity, of its partition, of its account.
const CODES: [&str; 3] = ["ThrottlingException", "ProvisionedThroughputExceededException", "RequestLimitExceeded"];

/// A call that was refused because there were too many.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Throttled {
    code: &'static str,
    /// What ran out, as the service names it: `TableWriteAccountLimitExceeded`, `IndexWriteKeyRangeThroughputExceeded`.
    reason: Option<String>,
}

impl Throttled {
    /// Whether an error is one, and which.
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

/// Tells the SDK that what was throttled is not its business.
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
    fn a_throttled_call_says_what_ran_out() {
        let reason = ThrottlingReason::builder().reason("IndexWriteKeyRangeThroughputExceeded").build();
        let meta = ErrorMetadata::builder().code("ThrottlingException").build();
        let error = ThrottlingException::builder().meta(meta).throttling_reasons(reason).build();
        let throttled = Throttled::of(&PutItemError::ThrottlingException(error)).unwrap();
        assert_eq!(throttled.to_string(), "ThrottlingException, IndexWriteKeyRangeThroughputExceeded");
    }

    #[test]
    fn a_service_that_fails_is_not_one_that_throttles() {
        let meta = ErrorMetadata::builder().code("InternalServerError").build();
        let error = InternalServerError::builder().meta(meta).build();
        assert_eq!(Throttled::of(&PutItemError::InternalServerError(error)), None);
    }
}
