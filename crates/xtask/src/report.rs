//! The report of a long run: tests append lines to a file, this collates them into `docs/long-run-report.md`.

use crate::process::{TaskError, output};
use crate::runner::{Ending, Length, summary};
use crate::workspace::Workspace;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The report of one run; of a short one there is none.
pub(crate) enum Report<'a> {
    /// Nothing is written.
    None,
    /// Tests append to `notes`; the end is written into the repository.
    Long {
        /// The repository.
        workspace: &'a Workspace,
        /// Where tests append.
        notes: PathBuf,
    },
}

/// Where the report is written, from the root.
const REPORT: &str = "docs/long-run-report.md";

impl<'a> Report<'a> {
    /// Starts the report of a run, with no notes yet.
    pub(crate) fn begin(workspace: &'a Workspace, length: Length) -> Result<Report<'a>, TaskError> {
        match length {
            Length::Short => Ok(Report::None),
            Length::Long => {
                let notes = workspace.target().join("long-run-notes.txt");
                write(&notes, "")?;
                Ok(Report::Long { workspace, notes })
            }
        }
    }

    /// Where tests append, for `ESKER_REPORT`.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Report::None => None,
            Report::Long { notes, .. } => Some(notes),
        }
    }

    /// Writes the report.
    pub(crate) fn finish(&self, endings: &[(&str, Ending, Duration)]) -> Result<(), TaskError> {
        let Report::Long { workspace, notes } = self else { return Ok(()) };
        let lines = std::fs::read_to_string(notes).map_err(|source| file(notes, source))?;
        let commit = output(Command::new("git").current_dir(workspace.root()).args(["rev-parse", "HEAD"]))?;
        let text = render(commit.trim(), &machine(), endings, &lines);
        write(&workspace.root().join(REPORT), &text)
    }
}

fn render(commit: &str, machine: &str, endings: &[(&str, Ending, Duration)], notes: &str) -> String {
    let mut notes: Vec<&str> = notes.lines().filter(|line| !line.trim().is_empty()).collect();
    notes.sort_unstable();
    let notes: String = notes.iter().map(|line| format!("- {line}\n")).collect();
    format!(
        "# Report of the last long run\n\nWritten by `cargo xtask verify --long`; not edited by hand.\n\n\
         Commit `{commit}`, on {machine}.\n\n## Steps\n\n```text\n{}```\n\n## What the tests measured\n\n{notes}",
        summary(endings)
    )
}

/// The machine, as far as it tells something of what was measured.
pub(crate) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kibibytes = memory.lines().find_map(|line| line.strip_prefix("MemTotal:")).unwrap_or("").trim();
    let gibibytes = kibibytes.trim_end_matches(" kB").parse::<u64>().map_or(0, |kib| kib.div_ceil(1 << 20));
    format!("{cores} cores and {gibibytes} GiB of memory")
}

fn write(path: &Path, text: &str) -> Result<(), TaskError> {
    std::fs::write(path, text).map_err(|source| file(path, source))
}

fn file(path: &Path, source: std::io::Error) -> TaskError {
    TaskError::File { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_holds_every_note_in_a_stable_order() {
        let endings = [("clippy", Ending::Passed, Duration::from_secs(2))];
        let text = render("abc", "2 cores and 24 GiB of memory", &endings, "b: 2\n\na: 1\n");
        assert!(text.contains("Commit `abc`, on 2 cores"));
        assert!(text.contains("    2.0 s  clippy: ok\n"));
        assert!(text.ends_with("- a: 1\n- b: 2\n"));
    }
}
