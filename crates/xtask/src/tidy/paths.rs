//! Nothing in the repository depends on where one developer keeps it.

use super::{Finding, Repo};

/// First folders of personal places, cut so that this file passes its own rule.
const PERSONAL: [(&str, &str); 4] = [("/ro", "ot/"), ("/ho", "me/"), ("/wo", "rk/"), ("/Us", "ers/")];

/// Findings: absolute paths into homes and work folders.
pub(super) fn check(repo: &Repo) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in repo.all() {
        for (number, line) in file.lines() {
            for (start, end) in PERSONAL {
                let path = format!("{start}{end}");
                if line.match_indices(&path).any(|(at, _)| begins_a_path(&line[..at])) {
                    findings.push(file.finding(number, format!("an absolute path below {path}")));
                }
            }
        }
    }
    findings
}

/// Whether what follows `before` is the start of a path and not the middle of one.
fn begins_a_path(before: &str) -> bool {
    !before.ends_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '}' | ')' | '/'))
}

#[cfg(test)]
mod tests {
    use super::super::testing::repo_of;
    use super::*;

    #[test]
    fn personal_paths_are_found_and_relative_ones_are_not() {
        for (start, end) in PERSONAL {
            assert_eq!(check(&repo_of("a.md", &format!("see {start}{end}me/x"))).len(), 1);
            assert!(check(&repo_of("a.md", &format!("see docs{start}{end}x"))).is_empty());
        }
    }
}
