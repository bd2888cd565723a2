//! Values that both systems read and write exactly: money, currencies, times, days, JSON.

pub(crate) mod codes;
pub mod currency;
pub mod day;
pub mod json;
pub mod money;
pub mod timestamp;
