//! Some crates of others stay out of some of ours.

use super::{Finding, Repo, dependencies_of, packages};

/// Crates without async, clock, randomness, serialisation or transport.
const PURE: [&str; 4] = ["esker-types", "esker-s3", "esker-index", "esker-durability"];

/// What would bring those in.
const IMPURE: [&str; 20] = [
    "async-trait",
    "futures",
    "futures-util",
    "getrandom",
    "hyper",
    "hyper-util",
    "openraft",
    "prost",
    "rand",
    "reqwest",
    "rustix",
    "serde",
    "serde_json",
    "tokio",
    "tokio-util",
    "toml",
    "tonic",
    "tonic-prost",
    "tracing",
    "tower",
];

/// Crates of others that stay behind one or two of ours.
const CONFINED: [(&str, &[&str]); 7] = [
    ("openraft", &["esker-metadata"]),
    ("tonic", &["esker-rpc", "esker-metadata", "esker"]),
    ("tonic-prost", &["esker-rpc", "esker-metadata"]),
    ("prost", &["esker-rpc", "esker-metadata"]),
    ("fjall", &["esker-kv"]),
    ("sled", &["esker-kv"]),
    ("quick-xml", &["esker-s3"]),
];

/// Findings: a dependency that must not be there. Tests of a pure crate may use more.
pub(super) fn check(repo: &Repo) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in packages(&repo.metadata) {
        let name = package["name"].as_str().unwrap_or_default();
        let finding = |what| Finding { file: name.to_owned(), line: 0, what };
        for (dependency, kind) in dependencies_of(package) {
            if PURE.contains(&name) && IMPURE.contains(&dependency) && kind != "dev" {
                findings.push(finding(format!("is pure, so it must not depend on {dependency}")));
            }
            let confined = CONFINED.iter().find(|(confined, _)| *confined == dependency);
            if confined.is_some_and(|(_, holders)| !holders.contains(&name)) {
                findings.push(finding(format!("must not depend on {dependency}: another crate hides it")));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::testing::repo_with_package;
    use super::*;

    fn breaks(package: &str, dependency: &str, kind: Option<&str>) -> bool {
        !check(&repo_with_package(package, &[(dependency, kind)])).is_empty()
    }

    #[test]
    fn pure_crates_stay_pure() {
        for package in PURE {
            assert!(breaks(package, "tokio", None));
            assert!(breaks(package, "serde", Some("build")));
            assert!(!breaks(package, "bytes", None));
        }
        assert!(!breaks("esker-gateway", "tokio", None));
    }

    #[test]
    fn consensus_and_engines_stay_behind_one_crate() {
        assert!(!breaks("esker-metadata", "openraft", None));
        assert!(breaks("esker-server", "openraft", None));
        assert!(breaks("esker-storage", "fjall", None));
        assert!(breaks("esker-gateway", "tonic", Some("dev")));
    }
}
