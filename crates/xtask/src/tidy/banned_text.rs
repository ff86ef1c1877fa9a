//! Unfinished work is not committed.

use super::{Finding, Repo};

/// What unfinished code looks like, cut in two so that this file passes its own rule.
const BANNED: [(&str, &str); 6] =
    [("to", "do!"), ("unimple", "mented!"), ("db", "g!"), ("#[ig", "nore"), ("FIX", "ME"), ("TO", "DO")];

/// Findings: macros, attributes and words of unfinished work in source files.
pub(super) fn check(repo: &Repo) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in repo.all().filter(|file| !file.name.ends_with(".md")) {
        for (number, line) in file.lines() {
            for (start, end) in BANNED {
                let word = format!("{start}{end}");
                if contains_word(line, &word) {
                    findings.push(file.finding(number, format!("`{word}`: finish it, or return an error")));
                }
            }
        }
    }
    findings
}

/// Whether `word` stands in `line`, not as a part of a longer word.
fn contains_word(line: &str, word: &str) -> bool {
    let part_of_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let ends_in_letter = word.ends_with(part_of_word);
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back().is_some_and(part_of_word);
        let after = ends_in_letter && line[at + word.len()..].chars().next().is_some_and(part_of_word);
        !(before && word.starts_with(part_of_word)) && (!after || word.starts_with('#'))
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{lines, repo_of};
    use super::*;

    #[test]
    fn every_banned_text_is_found() {
        let text: String = BANNED.iter().map(|(start, end)| format!("x {start}{end}() y\n")).collect();
        assert_eq!(lines(&check(&repo_of("a.rs", &text))), [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn longer_words_are_other_words() {
        for word in ["TODOS", "AUTODOC", "mytodo!"] {
            assert!(check(&repo_of("a.rs", word)).is_empty(), "{word}");
        }
        let attribute = ["#[ig", "nored = 1]"].concat();
        assert_eq!(check(&repo_of("a.rs", &attribute)).len(), 1);
    }
}
