//! The Python environment of the end-to-end tests: pinned clients, installed once per list of pins.

use crate::process::{TaskError, run, works};
use crate::workspace::Workspace;
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The pins, from the root.
const REQUIREMENTS: &str = "tests/requirements.txt";

/// The environment's folder, made if the pins changed since it was.
///
/// [`TaskError::Missing`] without `python3 -m venv`, or where packages can't be fetched.
pub(crate) fn ensure(workspace: &Workspace) -> Result<PathBuf, TaskError> {
    let folder = workspace.target().join("e2e-venv");
    let fingerprint = fingerprint(&workspace.read(REQUIREMENTS)?);
    let mark = folder.join("requirements.sha256");
    if std::fs::read_to_string(&mark).is_ok_and(|found| found == fingerprint) {
        return Ok(folder);
    }
    if !works("python3", &["-c", "import venv, ensurepip"]) {
        return Err(TaskError::Missing("python3 with its venv module is not installed".to_owned()));
    }
    make(&folder, &workspace.root().join(REQUIREMENTS))?;
    std::fs::write(&mark, fingerprint).map_err(|source| TaskError::File { path: mark, source })?;
    Ok(folder)
}

fn make(folder: &Path, requirements: &Path) -> Result<(), TaskError> {
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder))?;
    let mut pip = Command::new(folder.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
        .arg(requirements);
    run(&mut pip)
        .map_err(|error| TaskError::Missing(format!("the Python clients can't be installed: {error}")))
}

fn fingerprint(requirements: &str) -> String {
    Sha256::digest(requirements).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_pins_have_another_fingerprint() {
        assert_eq!(fingerprint("boto3==1\n"), fingerprint("boto3==1\n"));
        assert_ne!(fingerprint("boto3==1\n"), fingerprint("boto3==2\n"));
        assert_eq!(fingerprint("").len(), 64);
    }
}
