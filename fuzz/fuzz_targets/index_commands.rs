//! The target `index_commands` for cargo-fuzz: `cargo fuzz run -s none --features libfuzzer index_commands`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| esker_fuzz::targets::index_commands::run(data));
