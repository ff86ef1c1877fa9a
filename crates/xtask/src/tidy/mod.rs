//! Rules of this repository that no compiler or linter knows, one module each.
//!
//! A rule is a pure function from the files (and what cargo knows of the packages) to findings.

mod arrows;
mod banned_text;
mod changelog;
mod dependencies;
mod headers;
mod length;
mod links;
mod metrics;
mod paths;
mod pure;
mod rules;
mod sleeps;
mod whitespace;

use crate::process::TaskError;
use crate::workspace::Workspace;
use serde_json::Value;
use std::fmt;

/// What the rules look at.
pub(crate) struct Repo {
    files: Vec<File>,
    /// Every tracked file, text or not.
    names: Vec<String>,
    metadata: Value,
}

/// A text file of the repository.
pub(crate) struct File {
    /// Path from the root.
    pub(crate) name: String,
    /// Contents.
    pub(crate) text: String,
}

/// A place that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Path from the root.
    pub(crate) file: String,
    /// Line, from 1; 0 if it is about the whole file.
    pub(crate) line: usize,
    /// What is wrong, and what to do instead.
    pub(crate) what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.what),
            line => write!(f, "{}:{line}: {}", self.file, self.what),
        }
    }
}

type Rule = fn(&Repo) -> Vec<Finding>;

/// All rules.
const RULES: &[(&str, Rule)] = &[
    ("dependency arrows", arrows::check),
    ("forbidden dependencies", dependencies::check),
    ("pure crates", pure::check),
    ("file length", length::check),
    ("file headers", headers::check),
    ("banned text", banned_text::check),
    ("absolute paths", paths::check),
    ("white space", whitespace::check),
    ("sleeps in tests", sleeps::check),
    ("links", links::check),
    ("numbered rules", rules::check),
    ("metrics", metrics::check),
    ("changelog", changelog::check),
];

/// Checks all rules and prints what they find.
pub(crate) fn check(workspace: &Workspace) -> Result<(), TaskError> {
    let repo = Repo::read(workspace)?;
    for notice in length::notices(&repo) {
        println!("notice: {notice}");
    }
    let mut count = 0;
    for (name, rule) in RULES {
        let findings = rule(&repo);
        println!(
            "{name}: {}",
            if findings.is_empty() { "ok".to_owned() } else { findings.len().to_string() }
        );
        findings.iter().for_each(|finding| println!("  {finding}"));
        count += findings.len();
    }
    if count == 0 { Ok(()) } else { Err(TaskError::Check(format!("{count} places break a tidy rule"))) }
}

impl Repo {
    fn read(workspace: &Workspace) -> Result<Repo, TaskError> {
        let names = workspace.files()?;
        let texts = names.iter().filter(|name| is_text(name));
        let files = texts.map(|name| Ok(File { text: workspace.read(name)?, name: name.clone() }));
        let files = files.collect::<Result<_, TaskError>>()?;
        Ok(Repo { files, names, metadata: workspace.metadata().clone() })
    }

    /// Names of all files, text or not.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Files whose name ends so.
    pub(crate) fn with_suffix(&self, suffix: &str) -> impl Iterator<Item = &File> {
        self.files.iter().filter(move |file| file.name.ends_with(suffix))
    }

    /// All text files.
    pub(crate) fn all(&self) -> impl Iterator<Item = &File> {
        self.files.iter()
    }
}

impl File {
    /// Lines, counted from 1.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.split('\n').enumerate().map(|(index, line)| (index + 1, line))
    }

    /// Lines of tests, counted from 1: all of a file of tests, otherwise from the first `#[cfg(test)]` on.
    pub(crate) fn test_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let name = self.name.as_str();
        let starts = |line: &str| line.trim_start().starts_with("#[cfg(test)]");
        let is_test_file = [".rs", ".py"].iter().any(|end| name.ends_with(end))
            && (name.starts_with("tests/") || name.contains("/tests/") || name.ends_with("tests.rs"));
        self.lines().skip_while(move |(_, line)| !is_test_file && !starts(line))
    }

    /// A finding on a line of this file.
    pub(crate) fn finding(&self, line: usize, what: impl Into<String>) -> Finding {
        Finding { file: self.name.clone(), line, what: what.into() }
    }

    /// A finding about the whole file.
    pub(crate) fn whole(&self, what: impl Into<String>) -> Finding {
        self.finding(0, what)
    }
}

/// Whether people write this kind of file; golden bytes and lock files are not looked at.
fn is_text(name: &str) -> bool {
    const SUFFIXES: [&str; 11] =
        [".rs", ".toml", ".md", ".py", ".sh", ".proto", ".yml", ".yaml", ".html", ".js", ".css"];
    SUFFIXES.iter().any(|suffix| name.ends_with(suffix)) || name == ".ci/run"
}

/// Packages of the workspace as `cargo metadata` has them.
fn packages(metadata: &Value) -> impl Iterator<Item = &Value> {
    metadata["packages"].as_array().into_iter().flatten()
}

/// Dependencies of a package: name and kind (`""` for a normal one, `dev`, `build`).
fn dependencies_of(package: &Value) -> impl Iterator<Item = (&str, &str)> {
    let list = package["dependencies"].as_array().into_iter().flatten();
    list.map(|entry| (entry["name"].as_str().unwrap_or_default(), entry["kind"].as_str().unwrap_or_default()))
}

#[cfg(test)]
mod testing {
    use super::{File, Finding, Repo};
    use serde_json::{Value, json};

    /// A repository of one file.
    pub(crate) fn repo_of(name: &str, text: &str) -> Repo {
        repo_of_files(&[(name, text)])
    }

    /// A repository of these files: name and text.
    pub(crate) fn repo_of_files(files: &[(&str, &str)]) -> Repo {
        let names = files.iter().map(|(name, _)| (*name).to_owned()).collect();
        let file = |(name, text): &(&str, &str)| File { name: (*name).to_owned(), text: (*text).to_owned() };
        Repo { files: files.iter().map(file).collect(), names, metadata: Value::Null }
    }

    /// A repository of one package with these dependencies: name and kind.
    pub(crate) fn repo_with_package(name: &str, dependencies: &[(&str, Option<&str>)]) -> Repo {
        let list: Vec<Value> =
            dependencies.iter().map(|(name, kind)| json!({ "name": name, "kind": kind })).collect();
        let metadata = json!({ "packages": [{ "name": name, "dependencies": list }] });
        Repo { files: Vec::new(), names: Vec::new(), metadata }
    }

    /// The lines of findings.
    pub(crate) fn lines(findings: &[Finding]) -> Vec<usize> {
        findings.iter().map(|finding| finding.line).collect()
    }
}
