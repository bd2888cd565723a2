//! The outbound side of the functions: the tables, the buckets, the topics, the event bus, the secrets, the
//! environment, the logs and X-Ray.
//!
//! Each module wraps one concrete resource. There are no traits: tests run the same code against the local cloud of
//! `local/`, which enforces IAM.

pub mod archive_control;
pub mod archive_store;
mod attribute;
mod batch_read;
pub mod clock;
pub mod concurrency;
mod conditional;
pub mod configuration;
pub mod customer_table;
pub mod event_bus;
pub mod failure;
pub mod index;
pub mod invocation;
pub mod logging;
pub mod object_store;
pub mod payment_table;
pub mod report;
pub mod signing_secrets;
pub mod status_table;
pub mod throttling;
pub mod topic;
pub mod tracer;
pub mod transaction_table;
mod update;

pub use archive_control::ArchiveControl;
pub use archive_store::ArchiveStore;
pub use concurrency::Concurrency;
pub use configuration::Configuration;
pub use customer_table::CustomerTable;
pub use event_bus::EventBus;
pub use failure::{Failure, FailureKind};
pub use object_store::ObjectStore;
pub use payment_table::PaymentTable;
pub use signing_secrets::SigningSecrets;
pub use status_table::StatusTable;
pub use topic::Topic;
pub use tracer::Tracer;
pub use transaction_table::TransactionTable;
