//! `cargo xtask bench`: the release binary is compared with the floors of `benches/`, and `docs/performance.md` tells the
//! result.

use crate::process::{TaskError, output, run};
use crate::report::machine;
use crate::workspace::Workspace;
use clap::Args;
use std::path::Path;
use std::process::Command;

/// Where results are kept, from the root.
const PAGE: &str = "docs/performance.md";
/// Everything behind this line of the page is the last run's.
const HEADING: &str = "\n## Results\n";

#[derive(Args)]
pub(crate) struct BenchArgs {
    /// Do everything once and as small as it can be, to see that it works; writes nothing
    #[arg(long, conflicts_with = "long")]
    brief: bool,
    /// Add ten million versions and whole gibibytes, which needs hours and 80 GiB of disk
    #[arg(long)]
    long: bool,
    /// Run only scenarios whose name contains one of these; writes nothing
    filters: Vec<String>,
}

impl BenchArgs {
    fn is_whole(&self) -> bool {
        !self.brief && self.filters.is_empty()
    }
}

/// Builds, measures, and writes the results of a whole run, whether targets were met or not.
pub(crate) fn bench(workspace: &Workspace, args: &BenchArgs) -> Result<(), TaskError> {
    let programs = ["--bin", "esker", "--bin", "floor", "--bin", "macro_runs"];
    let build = ["build", "--locked", "--release", "--package", "esker", "--package", "bench"];
    run(&mut workspace.cargo(&[&build[..], &programs].concat()))?;
    let release = workspace.target().join("release");
    let table = workspace.target().join("bench-table.md");
    let mut command = Command::new(release.join("macro_runs"));
    command.arg("--esker").arg(release.join("esker")).arg("--floor").arg(release.join("floor"));
    command.arg("--scratch").arg(workspace.target().join("bench-tmp")).arg("--out").arg(&table);
    command.args(args.brief.then_some("--brief")).args(args.long.then_some("--long")).args(&args.filters);
    let ended = run(&mut command);
    if !args.is_whole() {
        return ended;
    }
    let rows = read(&table)?;
    let count = workspace.cargo(&["bench", "--locked", "--package", "bench", "--bench", "allocations"]);
    let allocations = output(&mut { count })?;
    let git = |args: &[&str]| output(Command::new("git").current_dir(workspace.root()).args(args));
    let facts = Facts {
        commit: git(&["rev-parse", "HEAD"])?,
        changed: !git(&["status", "--porcelain", "--untracked-files=no"])?.is_empty(),
        date: output(Command::new("date").args(["-u", "+%Y-%m-%d"]))?,
        machine: format!("{}, {}", machine(), processor_and_kernel()),
        length: if args.long { " with `--long`" } else { "" },
    };
    let page = workspace.root().join(PAGE);
    let text = with_results(&read(&page)?, &facts, &rows, &allocations);
    std::fs::write(&page, text).map_err(|source| TaskError::File { path: page, source })?;
    ended
}

fn read(path: &Path) -> Result<String, TaskError> {
    std::fs::read_to_string(path).map_err(|source| TaskError::File { path: path.to_owned(), source })
}

/// What a run is to be read with.
struct Facts {
    commit: String,
    /// Whether files differed from the commit.
    changed: bool,
    date: String,
    machine: String,
    length: &'static str,
}

fn with_results(page: &str, facts: &Facts, rows: &str, allocations: &str) -> String {
    let kept = page.find(HEADING).map_or(page, |at| &page[..at]);
    let Facts { commit, changed, date, machine, length } = facts;
    let (commit, date) = (commit.trim(), date.trim());
    let changed = if *changed { ", with changes" } else { "" };
    // What cargo says around the table goes elsewhere.
    let allocations: String =
        allocations.lines().filter(|line| line.starts_with('|')).map(|line| format!("{line}\n")).collect();
    format!(
        "{kept}{HEADING}\nWritten by `cargo xtask bench`{length}; not edited by hand. Commit `{commit}`{changed}, {date}, on \
         {machine}.\n\n{rows}\n{allocations}"
    )
}

fn processor_and_kernel() -> String {
    let file = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpus = file("/proc/cpuinfo");
    let name = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let name = name.map_or("a processor without name", |(_, name)| name.trim());
    format!("{name}, Linux {}", file("/proc/sys/kernel/osrelease").trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        let text = str::to_owned;
        Facts {
            commit: text("abc\n"),
            changed: true,
            date: text("2026-01-02\n"),
            machine: text("2 cores"),
            length: "",
        }
    }

    #[test]
    fn results_replace_those_of_the_run_before_and_nothing_else() {
        let once = with_results("# P\n\nText.\n", &facts(), "| 1 |\n", "noise\n| a |\n");
        assert!(once.starts_with("# P\n\nText.\n\n## Results\n\nWritten by"));
        assert!(once.contains("Commit `abc`, with changes, 2026-01-02, on 2 cores."));
        assert!(once.ends_with("\n\n| 1 |\n\n| a |\n"));
        let again = with_results(&once, &facts(), "| 2 |\n", "");
        assert!(again.starts_with("# P\n\nText.\n\n## Results\n\n") && again.ends_with("| 2 |\n\n"));
    }

    #[test]
    fn only_a_whole_run_is_written() {
        assert!(!BenchArgs { brief: true, long: false, filters: Vec::new() }.is_whole());
        assert!(BenchArgs { brief: false, long: true, filters: Vec::new() }.is_whole());
        assert!(!BenchArgs { brief: false, long: false, filters: vec!["put".to_owned()] }.is_whole());
    }
}
