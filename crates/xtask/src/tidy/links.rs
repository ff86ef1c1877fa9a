//! Links between Markdown pages lead somewhere: to a file that is there, and to a heading in it.

use super::{File, Finding, Repo};
use std::collections::BTreeSet;

/// Findings: relative links to files or headings that are not there.
pub(super) fn check(repo: &Repo) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in repo.with_suffix(".md") {
        for (number, target) in links(file) {
            if let Some(problem) = problem(repo, file, &target) {
                findings.push(file.finding(number, format!("{target}: {problem}")));
            }
        }
    }
    findings
}

fn problem(repo: &Repo, file: &File, target: &str) -> Option<&'static str> {
    let (path, heading) = target.split_once('#').unwrap_or((target, ""));
    let Some(path) = resolve(&file.name, path) else { return Some("leads out of the repository") };
    let found = repo.all().find(|other| other.name == path);
    let is_folder = || repo.names().any(|name| name.starts_with(&format!("{path}/")));
    match found {
        Some(page)
            if !heading.is_empty() && page.name.ends_with(".md") && !anchors(page).contains(heading) =>
        {
            Some("no such heading")
        }
        Some(_) => None,
        None if path.is_empty() || repo.names().any(|name| name == path) || is_folder() => None,
        None => Some("no such file"),
    }
}

/// Targets of relative links, outside code.
fn links(file: &File) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut in_code = false;
    for (number, line) in file.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        // Every second piece between back quotes is code.
        let prose: String = line.split('`').step_by(2).collect::<Vec<_>>().join("``");
        for rest in prose.split("](").skip(1) {
            let target = rest.split([')', ' ']).next().unwrap_or_default();
            if !target.contains("://") && !target.starts_with("mailto:") {
                found.push((number, target.to_owned()));
            }
        }
    }
    found
}

/// The path from the root that `target` names in `file`; the file itself if it is empty.
fn resolve(file: &str, target: &str) -> Option<String> {
    if target.is_empty() {
        return Some(file.to_owned());
    }
    let mut parts: Vec<&str> = file.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// What headings of a page are called in links: lower case, spaces as hyphens, punctuation dropped.
fn anchors(page: &File) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for line in page.text.lines().filter(|line| line.starts_with('#')) {
        let heading = line.trim_start_matches('#').trim().to_lowercase();
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        let anchor: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
        let again = (1..).map(|count| format!("{anchor}-{count}")).find(|name| !anchors.contains(name));
        anchors.insert(if anchors.contains(&anchor) { again.unwrap_or_default() } else { anchor });
    }
    anchors
}

#[cfg(test)]
mod tests {
    use super::super::testing::{lines, repo_of};
    use super::*;

    #[test]
    fn links_lead_to_files_and_headings() {
        let text = "# A page, of *two* words\n[a](#a-page-of-two-words)\n[b](guide.md#a-page-of-two-words)\n\
                    [c](#other)\n[d](missing.md)\n[e](../../x.md)\n[f](https://example.org/x)\n`[g](no.md)`\n";
        assert_eq!(lines(&check(&repo_of("docs/guide.md", text))), [4, 5, 6]);
    }

    #[test]
    fn code_blocks_hold_no_links() {
        assert!(check(&repo_of("a.md", "```\n[a](missing.md)\n```\n")).is_empty());
        assert_eq!(check(&repo_of("a.md", "[a](missing.md)\n")).len(), 1);
    }

    #[test]
    fn a_repeated_heading_has_a_number() {
        assert!(check(&repo_of("a.md", "# X\n# X\n[a](#x-1)\n")).is_empty());
    }
}
