//! The target `storage_segments` for cargo-fuzz: `cargo fuzz run -s none --features libfuzzer storage_segments`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| esker_fuzz::targets::storage_segments::run(data));
