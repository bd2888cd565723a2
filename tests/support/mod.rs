//! Helpers of several tests: the local cloud, senders of files and payments, builders of requests, the template.

pub(crate) mod archiver;
pub(crate) mod canary_watch;
pub(crate) mod cloud;
pub(crate) mod files;
pub(crate) mod partial_success;
pub(crate) mod provider;
pub(crate) mod queues;
pub(crate) mod received_files;
pub(crate) mod template;
pub(crate) mod upload;
pub(crate) mod workflow;
