//! Fuzz targets: plain functions from bytes, so that libFuzzer can drive them for hours and the small driver
//! of this package for seconds, on any compiler.
//!
//! A target panics if a parser panics, or if a property of what it parsed does not hold.

pub mod input;
pub mod leaves;
pub mod mutate;
pub mod targets;

/// One function to feed.
pub struct Target {
    /// Its name, as `--target` has it.
    pub name: &'static str,
    /// Panics on input that shows a mistake.
    pub run: fn(&[u8]),
    /// Input to start from: well-formed, so that mutations get past the first check.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

macro_rules! targets {
    ($($name:ident),* $(,)?) => {
        /// All targets.
        pub const TARGETS: &[Target] = &[$(Target {
            name: stringify!($name),
            run: targets::$name::run,
            seeds: targets::$name::seeds,
        }),*];
    };
}

targets!(
    identifiers,
    requests,
    bodies,
    xml_requests,
    xml_replies,
    wal_segments,
    storage_segments,
    index_records,
    index_commands,
);

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn every_target_survives_nothing_and_its_seeds() {
        for target in TARGETS {
            (target.run)(b"");
            let seeds = (target.seeds)();
            assert!(!seeds.is_empty(), "{}", target.name);
            seeds.iter().for_each(|seed| (target.run)(seed));
        }
    }

    #[test]
    fn cargo_fuzz_knows_every_target() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let manifest = std::fs::read_to_string(root.join("Cargo.toml")).expect("the manifest");
        for Target { name, .. } in TARGETS {
            assert!(
                manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")),
                "{name} is not in Cargo.toml"
            );
            let main = std::fs::read_to_string(root.join(format!("fuzz_targets/{name}.rs"))).expect("a main");
            assert!(
                main.contains(&format!("targets::{name}::run(data)")),
                "{name}'s main runs another target"
            );
        }
    }
}
