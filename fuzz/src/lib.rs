//! What must hold for any input at all, as plain functions: each target of `fuzz_targets/` hands its inputs to one of them,
//! and they panic where something does not hold.
//!
//! What is accepted is read a second time by somebody else: by another parser, by a few lines of our own that know nothing
//! of the code that is tried, or by the model from which the input was made.

#[cfg(feature = "functions")]
pub mod api;
#[cfg(feature = "functions")]
pub mod cloud;
pub mod file;
#[cfg(feature = "functions")]
pub mod form;
pub mod payment;
pub mod scalar;
pub mod signature;
pub mod table;
#[cfg(feature = "functions")]
pub mod upload;
#[cfg(feature = "functions")]
pub mod workflow;

mod decimal;
mod reading;

/// When everything arrives, in milliseconds since 1970: 2026-06-01T00:00:00Z. No input's meaning changes with the day on
/// which it is tried.
pub const ARRIVAL_MS: u64 = 1_780_272_000_000;
