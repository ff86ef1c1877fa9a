//! Fuzz targets: plain functions from bytes, so that libFuzzer can drive them for hours and the small driver
//! of this package for seconds, on any compiler.
//!
//! A target panics if a parser panics, or if a property of what it parsed does not hold.

pub mod mutate;
pub mod targets;

/// One function to feed.
pub struct Target {
    /// Its name, as `--target` has it.
    pub name: &'static str,
    /// Panics on input that shows a mistake.
    pub run: fn(&[u8]),
    /// Input to start from: well-formed, so that mutations get past the first check.
    pub seeds: &'static [&'static [u8]],
}

/// All targets.
pub const TARGETS: &[Target] =
    &[Target { name: "identifiers", run: targets::identifiers::run, seeds: targets::identifiers::SEEDS }];
