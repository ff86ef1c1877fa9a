//! Every Rust file opens by saying why it exists.

use super::{Finding, Repo};

/// Findings: Rust files that don't start with a `//!` sentence.
pub(super) fn check(repo: &Repo) -> Vec<Finding> {
    let silent = repo.with_suffix(".rs").filter(|file| {
        let first = file.text.lines().next().unwrap_or_default();
        first
            .strip_prefix("//! ")
            .is_none_or(|sentence| sentence.trim().is_empty() || sentence == "Placeholder.")
    });
    silent.map(|file| file.finding(1, "say first, after `//!`, why the file exists")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::repo_of;
    use super::*;

    #[test]
    fn a_file_must_open_with_its_reason() {
        assert!(check(&repo_of("a.rs", "//! Why.\nfn f() {}\n")).is_empty());
        for text in ["", "\n//! Why.\n", "//!\n", "// Why.\n", "//! Placeholder.\n"] {
            assert_eq!(check(&repo_of("a.rs", text)).len(), 1, "{text:?}");
        }
        assert!(check(&repo_of("a.md", "")).is_empty());
    }
}
