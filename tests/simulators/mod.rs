//! Small models of services that the emulator lacks: proxies that fail, metric math, Logs Insights, conditions of a
//! template.

pub(crate) mod conditions;
pub(crate) mod failing_services;
pub(crate) mod logs_insights;
pub(crate) mod metric_math;
pub(crate) mod relay;
pub(crate) mod state_data;
