//! A file has one idea. Past a length it has two.

use super::{File, Finding, Repo};

/// More lines than this fail.
const LINES_MAX: usize = 800;
/// More lines than this are named, for the reader to judge.
const LINES_NOTICE: usize = 400;

/// Findings: source files that are too long.
pub(super) fn check(repo: &Repo) -> Vec<Finding> {
    let long = longer_than(repo, LINES_MAX);
    long.map(|(file, count)| file.whole(format!("{count} lines, more than {LINES_MAX}: split it"))).collect()
}

/// Source files that are getting long.
pub(super) fn notices(repo: &Repo) -> Vec<Finding> {
    let long = longer_than(repo, LINES_NOTICE).filter(|(_, count)| *count <= LINES_MAX);
    long.map(|(file, count)| file.whole(format!("{count} lines"))).collect()
}

fn longer_than(repo: &Repo, limit: usize) -> impl Iterator<Item = (&File, usize)> {
    let sources =
        repo.all().filter(|file| [".rs", ".py", ".proto"].iter().any(|end| file.name.ends_with(end)));
    sources.map(|file| (file, file.text.lines().count())).filter(move |(_, count)| *count > limit)
}

#[cfg(test)]
mod tests {
    use super::super::testing::repo_of;
    use super::*;

    #[test]
    fn limits_are_exact() {
        let repo = |lines: usize| repo_of("a.rs", &"x\n".repeat(lines));
        assert_eq!((check(&repo(400)).len(), notices(&repo(400)).len()), (0, 0));
        assert_eq!((check(&repo(401)).len(), notices(&repo(401)).len()), (0, 1));
        assert_eq!((check(&repo(800)).len(), notices(&repo(800)).len()), (0, 1));
        assert_eq!((check(&repo(801)).len(), notices(&repo(801)).len()), (1, 0));
        assert!(check(&repo_of("a.md", &"x\n".repeat(2000))).is_empty());
    }
}
