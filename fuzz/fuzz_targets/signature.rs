//! See [`fuzz::signature`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: fuzz::signature::Webhook| fuzz::signature::check(&input));
