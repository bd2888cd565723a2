//! See [`fuzz::form`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: fuzz::form::Form| fuzz::form::check(&input));
