//! Every numbered rule of S3 behaviour is named by a test, and tests name only rules that there are.

use super::{File, Finding, Repo};
use std::collections::{BTreeMap, BTreeSet};

/// Where the rules are.
const NAME: &str = "docs/s3-rules.md";
/// What stands after the number of a rule about something that does not exist.
const NOT_YET: &str = "(not yet)";
/// What stands before a rule's number in the name of a test.
const IN_NAME: &str = "rule_";
/// What stands before rules' numbers in a comment or a message.
const IN_TEXT: &str = "s3-rules ";
/// This package's tests are about names, and so prove nothing.
const OWN: &str = "crates/xtask/";

/// A rule of the page.
struct Rule {
    line: usize,
    exists: bool,
}

/// Findings: rules that no test names, names of rules that are not there, numbers out of order.
pub(super) fn check(repo: &Repo) -> Vec<Finding> {
    let Some(page) = repo.all().find(|file| file.name == NAME) else {
        return vec![Finding { file: NAME.to_owned(), line: 0, what: "is missing".to_owned() }];
    };
    let mut findings = Vec::new();
    let mut rules = BTreeMap::new();
    for (line, number, text) in numbered(page) {
        if number != rules.len() + 1 {
            findings
                .push(page.finding(line, format!("rule {number} is out of order: rules keep their numbers")));
        }
        rules.insert(number, Rule { line, exists: !text.starts_with(NOT_YET) });
    }
    let mut named = BTreeSet::new();
    for file in repo.all().filter(|file| !file.name.starts_with(OWN)) {
        for (line, text) in file.test_lines() {
            for number in names(text) {
                if !rules.contains_key(&number) {
                    findings.push(file.finding(line, format!("there is no rule {number} in {NAME}")));
                }
                named.insert(number);
            }
        }
    }
    for (number, rule) in rules {
        let what = match (rule.exists, named.contains(&number)) {
            (true, false) => {
                format!("no test names rule {number} (`rule_{number}_…` or `s3-rules {number}`)")
            }
            (false, true) => format!("rule {number} is \"not yet\", but a test names it"),
            _ => continue,
        };
        findings.push(page.finding(rule.line, what));
    }
    findings
}

/// The numbered items of a page: line, number, and what follows it.
fn numbered(page: &File) -> impl Iterator<Item = (usize, usize, &str)> {
    page.lines().filter_map(|(line, text)| {
        let (number, rest) = text.split_once(". ")?;
        Some((line, number.parse().ok()?, rest))
    })
}

/// The rules that a line of a test names: in a function's name, or in text.
fn names(line: &str) -> Vec<usize> {
    let mut found = Vec::new();
    let function = line.split_once("fn ").and_then(|(_, rest)| rest.split('(').next()).unwrap_or_default();
    for rest in function.split(IN_NAME).skip(1) {
        let (number, rest) = leading_number(rest);
        found.extend(number.filter(|_| rest.starts_with('_')));
    }
    for rest in line.split(IN_TEXT).skip(1) {
        found.extend(number_list(rest));
    }
    found
}

/// The numbers of `1, 3–5` at the start of a text.
fn number_list(mut text: &str) -> Vec<usize> {
    let mut found: Vec<usize> = Vec::new();
    let mut range_from = None;
    while let (Some(number), rest) = leading_number(text) {
        found.extend(range_from.map_or(number, |first: usize| first + 1)..=number);
        (range_from, text) = match (rest.strip_prefix('–'), rest.strip_prefix(", ")) {
            (Some(rest), _) => (Some(number), rest),
            (None, Some(rest)) => (None, rest),
            (None, None) => break,
        };
    }
    found
}

/// The number at the start of a text, if there is one, and the rest.
fn leading_number(text: &str) -> (Option<usize>, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    (text[..end].parse().ok(), &text[end..])
}

#[cfg(test)]
mod tests {
    use super::super::testing::repo_of_files;
    use super::*;

    const PAGE: &str = "# Rules\n1. One.\n2. Two,\n   more.\n3. (not yet) Three.\n";

    fn findings(page: &str, test: &str) -> Vec<String> {
        let files = [(NAME, page), ("tests/tests/a.rs", test)];
        check(&repo_of_files(&files)).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn every_rule_that_exists_needs_a_test() {
        assert_eq!(findings(PAGE, "fn rule_1_a() {\n// s3-rules 2\n"), Vec::<String>::new());
        let missing = findings(PAGE, "fn rule_1_a() {\n");
        assert_eq!(missing.len(), 1);
        assert!(missing[0].starts_with("docs/s3-rules.md:3: no test names rule 2"), "{missing:?}");
    }

    #[test]
    fn names_of_rules_that_are_not_there_are_found() {
        let found = findings(PAGE, "fn rule_1_and_rule_2_a() {\nfn rule_4_b() {\n// s3-rules 3\n");
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("tests/tests/a.rs:2: there is no rule 4"), "{found:?}");
        assert!(found[1].contains("rule 3 is \"not yet\""), "{found:?}");
    }

    #[test]
    fn code_that_is_no_test_names_no_rule() {
        let product = "// s3-rules 1, 2\n#[cfg(test)]\nmod tests {\n// s3-rules 1\n";
        let files =
            [(NAME, PAGE), ("crates/s3/src/a.rs", product), ("crates/xtask/tests/b.rs", "// s3-rules 2")];
        assert_eq!(check(&repo_of_files(&files)).len(), 1, "rule 2 is named by product code and xtask only");
    }

    #[test]
    fn rules_keep_their_numbers() {
        let found = findings("1. One.\n3. Three.\n", "// s3-rules 1, 3\n");
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("docs/s3-rules.md:2: rule 3 is out of order"), "{found:?}");
        assert_eq!(findings("1. One.\n1. Again.\n", "// s3-rules 1\n").len(), 1);
        assert_eq!(check(&repo_of_files(&[("README.md", PAGE)])).len(), 1, "no page");
    }

    const NONE: [usize; 0] = [];

    #[test]
    fn numbers_come_alone_in_lists_and_in_ranges() {
        assert_eq!(names("// s3-rules 15–17, 20: and 3"), [15, 16, 17, 20]);
        assert_eq!(names("\"s3-rules 6\", (s3-rules 24, 27)."), [6, 24, 27]);
        assert_eq!(names("async fn rule_16_a_and_rule_17_b() {"), [16, 17]);
        assert_eq!(names("rule_1_called(); fn rules() {} // s3-rules, rule 5, rule_NN_x"), NONE);
        assert_eq!(names("fn rule_12() {}"), NONE, "a name says what it proves");
    }
}
