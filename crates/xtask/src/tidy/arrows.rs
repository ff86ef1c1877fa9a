//! Crates depend on one another only along the arrows of the architecture.

use super::{Finding, Repo, dependencies_of, packages};

/// What a package may depend on, within the workspace.
struct Arrows {
    package: &'static str,
    normal: &'static [&'static str],
    /// Further ones for its tests.
    dev: &'static [&'static str],
}

/// The arrows. Roles (gateway, metadata, storage) never import one another, not even in tests: what needs
/// two of them is tested above them.
const ARROWS: &[Arrows] = &[
    Arrows { package: "esker-types", normal: &[], dev: &[] },
    Arrows { package: "esker-env", normal: &["esker-types"], dev: &[] },
    Arrows { package: "esker-s3", normal: &["esker-types"], dev: &[] },
    Arrows { package: "esker-index", normal: &["esker-types"], dev: &["esker-kv"] },
    Arrows { package: "esker-durability", normal: &["esker-types"], dev: &[] },
    Arrows { package: "esker-kv", normal: &[], dev: &[] },
    Arrows { package: "esker-metric", normal: &[], dev: &[] },
    Arrows { package: "esker-wal", normal: &["esker-env", "esker-metric"], dev: &["esker-types"] },
    Arrows { package: "esker-rpc", normal: &["esker-env", "esker-index", "esker-types"], dev: &["esker-kv"] },
    Arrows {
        package: "esker-storage",
        normal: &["esker-durability", "esker-env", "esker-kv", "esker-metric", "esker-rpc", "esker-types"],
        dev: &["esker-index"],
    },
    Arrows {
        package: "esker-metadata",
        normal: &[
            "esker-durability",
            "esker-env",
            "esker-index",
            "esker-kv",
            "esker-metric",
            "esker-rpc",
            "esker-types",
            "esker-wal",
        ],
        dev: &[],
    },
    Arrows {
        package: "esker-gateway",
        normal: &["esker-env", "esker-index", "esker-metric", "esker-rpc", "esker-s3", "esker-types"],
        dev: &["esker-kv"],
    },
    Arrows {
        package: "esker-cluster",
        normal: &["esker-durability", "esker-env", "esker-index", "esker-metric", "esker-rpc", "esker-types"],
        dev: &[],
    },
    Arrows { package: "esker-load", normal: &["esker-env", "esker-s3", "esker-types"], dev: &[] },
    Arrows { package: "esker-checker", normal: &["esker-types"], dev: &[] },
    Arrows { package: "esker-xtask", normal: &[], dev: &[] },
    Arrows { package: "e2e", normal: &["esker-checker", "esker-types"], dev: &[] },
];

/// Packages above all arrows: they wire or watch everything else.
const ABOVE: [&str; 4] = ["esker", "esker-sim", "bench", "esker-fuzz"];

/// Findings: an arrow that the architecture does not have, a package that it does not know.
pub(super) fn check(repo: &Repo) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in packages(&repo.metadata) {
        let name = package["name"].as_str().unwrap_or_default();
        let finding = |what| Finding { file: name.to_owned(), line: 0, what };
        if ABOVE.contains(&name) {
            continue;
        }
        let Some(arrows) = ARROWS.iter().find(|arrows| arrows.package == name) else {
            findings.push(finding("the architecture knows no such crate: give it its arrows".to_owned()));
            continue;
        };
        for (dependency, kind) in dependencies_of(package).filter(|(name, _)| is_ours(name)) {
            // A crate's tests may name the crate itself, to turn on a feature of it.
            let for_tests = kind == "dev" && (arrows.dev.contains(&dependency) || dependency == name);
            let allowed = arrows.normal.contains(&dependency) || for_tests;
            if !allowed {
                findings.push(finding(format!("must not depend on {dependency} {kind}")));
            }
        }
    }
    findings
}

fn is_ours(name: &str) -> bool {
    name.starts_with("esker-") || ABOVE.contains(&name) || name == "e2e"
}

#[cfg(test)]
mod tests {
    use super::super::testing::repo_with_package;
    use super::*;

    fn breaks(package: &str, dependency: &str, kind: Option<&str>) -> bool {
        !check(&repo_with_package(package, &[(dependency, kind)])).is_empty()
    }

    #[test]
    fn arrows_point_down_only() {
        assert!(!breaks("esker-gateway", "esker-s3", None));
        assert!(breaks("esker-s3", "esker-gateway", None));
        assert!(breaks("esker-types", "esker-env", None));
        assert!(breaks("esker-gateway", "esker", None));
    }

    #[test]
    fn roles_do_not_import_one_another_even_in_tests() {
        for (role, other) in [("gateway", "storage"), ("metadata", "gateway"), ("storage", "metadata")] {
            assert!(breaks(&format!("esker-{role}"), &format!("esker-{other}"), None));
            assert!(breaks(&format!("esker-{role}"), &format!("esker-{other}"), Some("dev")));
        }
    }

    #[test]
    fn tests_may_use_what_the_crate_may_not() {
        assert!(breaks("esker-index", "esker-kv", None));
        assert!(breaks("esker-index", "esker-kv", Some("build")));
        assert!(!breaks("esker-index", "esker-kv", Some("dev")));
    }

    #[test]
    fn the_server_may_use_everything_and_an_unknown_crate_nothing() {
        assert!(!breaks("esker", "esker-gateway", None));
        assert!(breaks("esker-new", "serde", None));
    }
}
