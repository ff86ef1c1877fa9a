//! A metric that is moved somewhere is told in `docs/metrics.md`, and what is told there is moved somewhere.

use super::{File, Finding, Repo};
use std::collections::BTreeSet;

/// The page, which is written from the lists of metrics.
const PAGE: &str = "docs/metrics.md";
/// What follows `esker_` in a metric's name, and not in a crate's that is no part of one.
const PARTS: [&str; 6] = ["build", "cluster", "gateway", "metadata", "storage", "wal"];
/// The series of a histogram.
const SERIES: [&str; 3] = ["_bucket", "_sum", "_count"];

/// Findings: names of metrics in code or rules that are not on the page, and names on the page that no code has.
pub(super) fn check(repo: &Repo) -> Vec<Finding> {
    let Some(page) = repo.all().find(|file| file.name == PAGE) else { return Vec::new() };
    let told: BTreeSet<&str> = page.lines().filter_map(|(_, line)| row(line)).collect();
    let mut moved = BTreeSet::new();
    let mut findings = Vec::new();
    for file in repo.all().filter(|file| may_name(file)) {
        for (number, line) in file.lines() {
            for name in names(line) {
                if told.contains(name) || told.contains(series_of(name)) {
                    moved.extend((file.name.starts_with("crates/")).then_some(name));
                } else {
                    findings
                        .push(file.finding(number, format!("`{name}` is not in {PAGE}: list the metric")));
                }
            }
        }
    }
    for (number, line) in page.lines() {
        if let Some(name) = row(line).filter(|name| !moved.contains(name)) {
            findings.push(page.finding(number, format!("no code has `{name}`")));
        }
    }
    findings
}

/// Code, and what is made for those who collect metrics; not the lists of other programs' metrics.
fn may_name(file: &File) -> bool {
    let ours = [".rs", ".yml"].iter().any(|end| file.name.ends_with(end));
    ours && !file.name.starts_with("crates/xtask/")
}

/// The metric that a row of the page tells of, if it is one of ours.
fn row(line: &str) -> Option<&str> {
    let name = line.strip_prefix("| `")?.split('`').next()?;
    name.starts_with("esker_").then_some(name)
}

/// The metrics that a line names.
fn names(line: &str) -> impl Iterator<Item = &str> {
    let words = line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| {
        let Some((part, what)) = word.strip_prefix("esker_").and_then(|rest| rest.split_once('_')) else {
            return false;
        };
        PARTS.contains(&part) && !what.is_empty()
    })
}

fn series_of(name: &str) -> &str {
    SERIES.iter().find_map(|series| name.strip_suffix(series)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::super::testing::repo_of_files;
    use super::*;

    fn told(files: &[(&str, &str)]) -> Vec<String> {
        check(&repo_of_files(files)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_metric_is_in_the_code_and_on_the_page_or_nowhere() {
        let page = (PAGE, "| `esker_wal_a_total` | counter | | A |\n| `process_threads` | gauge | | T |\n");
        let code = ("crates/wal/src/a.rs", "const A: &str = \"esker_wal_a_total\";\n");
        assert!(told(&[page, code]).is_empty());
        assert_eq!(told(&[page]), ["docs/metrics.md:1: no code has `esker_wal_a_total`"]);
        let other = ("crates/wal/src/b.rs", "use esker_wal;\nconst B: &str = \"esker_wal_b\";\n");
        let missing = "crates/wal/src/b.rs:2: `esker_wal_b` is not in docs/metrics.md: list the metric";
        assert_eq!(told(&[page, code, other]), [missing]);
    }

    #[test]
    fn rules_and_tests_name_what_is_on_the_page() {
        let page = (PAGE, "| `esker_wal_s_seconds` | histogram | | A |\n");
        let code = ("crates/wal/src/a.rs", "const A: &str = \"esker_wal_s_seconds\";\n");
        let rules = ("deploy/alerts.yml", "expr: rate(esker_wal_s_seconds_bucket[5m]) > esker_wal_gone\n");
        let missing = "deploy/alerts.yml:1: `esker_wal_gone` is not in docs/metrics.md: list the metric";
        assert_eq!(told(&[page, code, rules]), [missing]);
        // A test alone moves nothing.
        let test = ("tests/tests/a.rs", "\"esker_wal_s_seconds\"\n");
        assert_eq!(told(&[page, test]), ["docs/metrics.md:1: no code has `esker_wal_s_seconds`"]);
    }
}
