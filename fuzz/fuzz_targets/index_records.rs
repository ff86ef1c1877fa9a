//! The target `index_records` for cargo-fuzz: `cargo fuzz run -s none --features libfuzzer index_records`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| esker_fuzz::targets::index_records::run(data));
