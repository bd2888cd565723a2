//! Transaction files: who sent them, what they are expected to add up to, and what happens to them from receipt to the
//! notification.

pub mod control_totals;
pub(crate) mod day_shards;
pub mod identity;
pub mod lifecycle;
pub mod partner_day;
pub(crate) mod pending_upload;
pub mod schedule;
pub(crate) mod status_token;
pub mod task;
pub mod unfinished;
pub mod upload_request;
