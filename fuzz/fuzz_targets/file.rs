//! See [`fuzz::file`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::file::check(bytes));
