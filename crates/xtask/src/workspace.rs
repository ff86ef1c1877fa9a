//! Where the repository and its build are, what cargo and git know about it.

use crate::process::{TaskError, output};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The repository that this program was built from.
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
    metadata: Value,
}

impl Workspace {
    /// Asks cargo about the workspace; never changes `Cargo.lock`.
    pub(crate) fn open() -> Result<Workspace, TaskError> {
        let mut command = cargo();
        command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
        let text = output(command.args(["metadata", "--format-version", "1", "--no-deps", "--offline"]))?;
        let metadata: Value = serde_json::from_str(&text)
            .map_err(|error| TaskError::Check(format!("cargo metadata is not JSON: {error}")))?;
        let path = |name: &str| metadata[name].as_str().map(PathBuf::from);
        let (Some(root), Some(target)) = (path("workspace_root"), path("target_directory")) else {
            return Err(TaskError::Check("cargo metadata names no workspace".to_owned()));
        };
        Ok(Workspace { root, target, metadata })
    }

    /// The repository's root folder.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Cargo's target folder.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// What `cargo metadata --no-deps` says.
    pub(crate) fn metadata(&self) -> &Value {
        &self.metadata
    }

    /// Files that git tracks, or would if they were added, as paths from the root.
    pub(crate) fn files(&self) -> Result<Vec<String>, TaskError> {
        let mut command = Command::new("git");
        command.current_dir(&self.root);
        let names = output(command.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]))?;
        let present = names.split('\0').filter(|name| !name.is_empty() && self.root.join(name).is_file());
        let mut files: Vec<String> = present.map(str::to_owned).collect();
        files.sort();
        files.dedup();
        Ok(files)
    }

    /// What differs from the last commit, as `git status` tells it, contents of changed files included.
    pub(crate) fn changes(&self) -> Result<String, TaskError> {
        let git = |args: &[&str]| output(Command::new("git").current_dir(&self.root).args(args));
        Ok(format!(
            "{}{}",
            git(&["status", "--porcelain=v1", "--untracked-files=all"])?,
            git(&["diff", "HEAD"])?
        ))
    }

    /// A cargo command in the root folder.
    pub(crate) fn cargo(&self, args: &[&str]) -> Command {
        let mut command = cargo();
        command.current_dir(&self.root).args(args);
        command
    }

    /// Reads a file of the repository as text.
    pub(crate) fn read(&self, name: &str) -> Result<String, TaskError> {
        let path = self.root.join(name);
        let bytes = std::fs::read(&path).map_err(|source| TaskError::File { path, source })?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// The cargo that runs this program, so that the toolchain stays the same.
fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}
