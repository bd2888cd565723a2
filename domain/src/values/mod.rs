//! Values that both systems read and write exactly: money, currencies, times, days, digests, JSON.

pub(crate) mod codes;
pub mod currency;
pub mod day;
pub mod digest;
pub(crate) mod identifier;
pub mod json;
pub mod money;
pub mod redacted;
pub mod timestamp;
