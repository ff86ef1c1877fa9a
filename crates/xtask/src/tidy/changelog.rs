//! Users learn what changed from one file.

use super::{Finding, Repo};

/// Where it is.
const NAME: &str = "CHANGELOG.md";

/// Findings: no changelog, or one without a section for what is not released yet.
pub(super) fn check(repo: &Repo) -> Vec<Finding> {
    match repo.all().find(|file| file.name == NAME) {
        None => vec![Finding { file: NAME.to_owned(), line: 0, what: "is missing".to_owned() }],
        Some(file) if !file.text.lines().any(|line| line.starts_with("## ")) => {
            vec![file.whole("has no section (`## …`)")]
        }
        Some(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::repo_of;
    use super::*;

    #[test]
    fn there_must_be_a_changelog_with_sections() {
        assert!(check(&repo_of("CHANGELOG.md", "# Changes\n\n## Unreleased\n")).is_empty());
        assert_eq!(check(&repo_of("CHANGELOG.md", "# Changes\n")).len(), 1);
        assert_eq!(check(&repo_of("README.md", "## x\n")).len(), 1);
    }
}
