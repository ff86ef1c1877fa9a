//! Pure crates hold no asynchronous code: they decide, others act.

use super::{Finding, Repo};

const PURE: [&str; 4] =
    ["crates/types/src/", "crates/s3/src/", "crates/index/src/", "crates/durability/src/"];

/// Findings: `async fn`, `async` blocks and `.await` in a pure crate, comments apart.
pub(super) fn check(repo: &Repo) -> Vec<Finding> {
    let mut findings = Vec::new();
    let pure = repo.with_suffix(".rs").filter(|file| PURE.iter().any(|folder| file.name.starts_with(folder)));
    for file in pure {
        for (number, line) in file.lines() {
            let code = line.split("//").next().unwrap_or_default();
            if [".await", "async fn", "async move", "async {"].iter().any(|text| code.contains(text)) {
                findings.push(file.finding(number, "asynchronous code in a pure crate"));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::testing::{lines, repo_of};
    use super::*;

    #[test]
    fn asynchronous_code_is_found_in_pure_crates_only() {
        let text = "// nobody may .await\nasync fn a() {\n    b().await;\n}\n";
        assert_eq!(lines(&check(&repo_of("crates/index/src/x.rs", text))), [2, 3]);
        assert!(check(&repo_of("crates/rpc/src/x.rs", text)).is_empty());
    }
}
