//! The target `identifiers` for cargo-fuzz: `cargo fuzz run -s none --features libfuzzer identifiers`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| esker_fuzz::targets::identifiers::run(data));
