//! See [`fuzz::payment`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::payment::check(bytes));
