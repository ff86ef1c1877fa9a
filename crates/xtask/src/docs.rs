//! Writes the pages of the documentation that follow from the code. The tests that compare them know how.

use crate::process::{TaskError, run};
use crate::workspace::Workspace;

/// Tells those tests to write instead of to compare.
const WRITE: &str = "ESKER_WRITE_DOCS";

/// As the unit tests are built, so that nothing is compiled again with other features.
const ARGS: &[&str] =
    &["test", "--locked", "--workspace", "--exclude", "e2e", "--bin", "esker", "--", "reference::"];

/// Writes all of them.
pub(crate) fn write(workspace: &Workspace) -> Result<(), TaskError> {
    run(workspace.cargo(ARGS).env(WRITE, "1"))
}
