//! The target `xml_replies` for cargo-fuzz: `cargo fuzz run -s none --features libfuzzer xml_replies`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| esker_fuzz::targets::xml_replies::run(data));
