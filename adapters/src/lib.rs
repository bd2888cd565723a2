//! What talks to something outside the process: the two tables, the bucket, the topic, the environment, the logs and
//! X-Ray.
//!
//! Each module wraps one thing, concretely. There are no traits here: the local cloud of `local/` is the second
//! implementation that tests run against, with IAM enforced, so that what passes there is what is deployed.

pub mod clock;
pub mod configuration;
pub mod failure;
pub mod invocation;
pub mod logging;
pub mod object_store;
pub mod report;
pub mod status_table;
pub mod topic;
pub mod tracer;
pub mod transaction_table;

pub use configuration::Configuration;
pub use failure::{Failure, FailureKind};
pub use object_store::ObjectStore;
pub use status_table::StatusTable;
pub use topic::Topic;
pub use tracer::Tracer;
pub use transaction_table::TransactionTable;
