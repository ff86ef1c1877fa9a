//! The target `requests` for cargo-fuzz: `cargo fuzz run -s none --features libfuzzer requests`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| esker_fuzz::targets::requests::run(data));
