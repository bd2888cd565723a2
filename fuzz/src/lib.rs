//! Properties that hold for any input, as functions: each target in `fuzz_targets/` passes its inputs to one of them, and they
//! panic if a property does not hold.
//!
//! What is accepted is read a second time: by another parser, by independent code, or by the model that generated the input.

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

/// The time of arrival, in milliseconds since 1970: 2026-06-01T00:00:00Z. It is fixed, so that the verdict on an input does not
/// change with the day.
pub const ARRIVAL_MS: u64 = 1_780_272_000_000;
