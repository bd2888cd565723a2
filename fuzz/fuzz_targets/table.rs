//! See [`fuzz::table`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: fuzz::table::Table| fuzz::table::check(&input));
