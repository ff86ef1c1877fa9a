//! No tabs, no trailing white space, exactly one line feed at the end of a file.

use super::{Finding, Repo};

/// Findings: white space that only shows in a diff.
pub(super) fn check(repo: &Repo) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in repo.all() {
        for (number, line) in file.lines() {
            if line.contains('\t') {
                findings.push(file.finding(number, "a tab"));
            }
            if line.ends_with([' ', '\t', '\r']) {
                findings.push(file.finding(number, "trailing white space"));
            }
        }
        if !file.text.is_empty() && (!file.text.ends_with('\n') || file.text.ends_with("\n\n")) {
            findings.push(file.whole("must end in one line feed"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::testing::{lines, repo_of};
    use super::*;

    #[test]
    fn invisible_white_space_is_found() {
        assert!(check(&repo_of("a.rs", "a\n\nb\n")).is_empty());
        assert_eq!(lines(&check(&repo_of("a.rs", "a\n\tb\nc \nd\r\n"))), [2, 3, 4]);
        assert_eq!(lines(&check(&repo_of("a.rs", "a"))), [0]);
        assert_eq!(lines(&check(&repo_of("a.rs", "a\n\n"))), [0]);
    }
}
