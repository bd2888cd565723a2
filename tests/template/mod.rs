//! The template, the state machines and the API description, from their text alone.

pub(crate) mod alarms;
pub(crate) mod apis;
pub(crate) mod dashboard;
pub(crate) mod dead_letters;
pub(crate) mod definition;
pub(crate) mod description;
pub(crate) mod payload;
pub(crate) mod payment_resources;
pub(crate) mod policies;
pub(crate) mod resources;
pub(crate) mod sam_local;
pub(crate) mod time_limits;
