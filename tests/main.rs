//! The deployed system, tested through its real interfaces: HTTP, the bucket, the tables, the topic, the queues.
//!
//! The tests need the local cloud with the stacks `main`, `faults`, `least` and `archive`; `make test` starts it and names
//! the file that describes it in `ACCEPTANCE_STACKS`. They run beside each other: whatever a test sends belongs to a
//! partner of its own, so that no test sees another's rows.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that meets the unexpected has to stop there and then"
)]

mod docs;
mod simulators;
mod support;
mod system;
mod template;
