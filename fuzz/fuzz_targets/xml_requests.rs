//! The target `xml_requests` for cargo-fuzz: `cargo fuzz run -s none --features libfuzzer xml_requests`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| esker_fuzz::targets::xml_requests::run(data));
