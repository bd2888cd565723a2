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

mod alarms;
mod apis;
mod archive;
mod archiver;
mod arrival;
mod bad_input;
mod bucket_road;
mod canary;
mod canary_files;
mod canary_payments;
mod canary_watch;
mod cloud;
mod conditions;
mod correctable;
mod dashboard;
mod days;
mod dead_letters;
mod definition;
mod description;
mod documents;
mod dry_run;
mod error_lists;
mod faults;
mod faulty_store;
mod file_size;
mod files;
mod following;
mod gateway;
mod happy_path;
mod indexes;
mod insights;
mod least_payments;
mod least_privilege;
mod load;
mod logs;
mod metric_math;
mod missing_files;
mod notification;
mod order;
mod page;
#[path = "../docs/pages.rs"]
mod pages;
mod partial;
mod partners;
mod payload;
mod payment_faults;
mod payment_resources;
mod policies;
mod provider;
mod queries;
mod queues;
mod readme;
mod received;
mod relay;
mod repeats;
mod resources;
mod rotation;
mod routes;
#[path = "../docs/runbook.rs"]
mod runbook;
mod sam_local;
mod sample_events;
mod sample_payments;
#[path = "../docs/security.rs"]
mod security;
mod state_data;
mod statements;
mod table_schema;
#[path = "../docs/tables.rs"]
mod tables;
mod template;
mod time_limits;
mod trials;
mod unfinished_files;
mod unfinished_payments;
mod upload;
mod upload_order;
mod uploads;
mod webhooks;
mod workflow;
