//! Why a request has no response of its own.

use crate::problem::Code;
use adapters::Failure;
use serde_json::{Map, Value};

/// A request is rejected: its sender did something wrong.
#[derive(Clone, PartialEq, Debug)]
pub struct Rejection {
    /// The entry of the problem table.
    pub code: Code,
    /// What is wrong with this request and what to do, for its sender.
    pub message: String,
    /// The members of the response that this code alone has.
    pub(crate) members: Map<String, Value>,
}

impl Rejection {
    /// A rejection with this code and message.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), members: Map::new() }
    }

    /// The same rejection with members of its own, in this order.
    #[must_use]
    pub fn with_members(mut self, members: impl IntoIterator<Item = (&'static str, Value)>) -> Self {
        self.members.extend(members.into_iter().map(|(name, value)| (name.to_owned(), value)));
        self
    }
}

/// Why a request has no response of its own.
#[derive(Debug)]
pub enum ApiError {
    /// Its sender did something wrong.
    Rejected(Rejection),
    /// The service could not do it.
    Failed(Failure),
}

impl From<Rejection> for ApiError {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}
