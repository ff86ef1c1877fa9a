//! The target `bodies` for cargo-fuzz: `cargo fuzz run -s none --features libfuzzer bodies`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| esker_fuzz::targets::bodies::run(data));
