//! The target `wal_segments` for cargo-fuzz: `cargo fuzz run -s none --features libfuzzer wal_segments`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| esker_fuzz::targets::wal_segments::run(data));
