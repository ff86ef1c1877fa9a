//! Tests await events. One that must let time pass says why on the line above.

use super::{Finding, Repo};

/// Findings: sleeps in tests without a `// sleep: reason` above.
pub(super) fn check(repo: &Repo) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in repo.with_suffix(".rs").chain(repo.with_suffix(".py")) {
        let mut above = "";
        for (number, line) in file.test_lines() {
            if sleeps(line) && !explains(above) {
                findings
                    .push(file.finding(number, "a sleep: await the event, or say why above (`// sleep: …`)"));
            }
            above = line;
        }
    }
    findings
}

fn sleeps(line: &str) -> bool {
    // Every second piece between double quotes is text, not code.
    let code: String = line.split('"').step_by(2).collect();
    let code = code.split("//").next().unwrap_or_default();
    ["thread::sleep(", "time::sleep(", "time.sleep(", "sleep_until("].iter().any(|call| code.contains(call))
        || code.trim_start().starts_with("sleep(")
}

fn explains(line: &str) -> bool {
    let comment = line.trim_start().trim_start_matches(['/', '#']).trim_start();
    comment.strip_prefix("sleep:").is_some_and(|reason| !reason.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{lines, repo_of};
    use super::*;

    #[test]
    fn a_sleep_in_a_test_needs_its_reason() {
        let text = "tokio::time::sleep(d).await;\n// sleep: the lease must expire\nthread::sleep(d);\n// sleep:\nsleep(d);\n";
        assert_eq!(lines(&check(&repo_of("tests/src/a.rs", text))), [1, 5]);
        assert_eq!(lines(&check(&repo_of("tests/python/a.py", "import time\ntime.sleep(1)\n"))), [2]);
    }

    #[test]
    fn code_outside_tests_is_the_linters_business() {
        let text = "tokio::time::sleep(d).await;\n#[cfg(test)]\nmod tests {\n    std::thread::sleep(d);\n}\n";
        assert_eq!(lines(&check(&repo_of("crates/wal/src/a.rs", text))), [4]);
    }
}
