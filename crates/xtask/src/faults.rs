//! `cargo xtask faults`: harm is done to clusters of real processes for as long as it takes, and `docs/fault-report.md` tells
//! what was done and found.

use crate::cluster;
use crate::process::{TaskError, output, run};
use crate::report::machine;
use crate::workspace::Workspace;
use clap::Args;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Where the report is written, from the root.
const REPORT: &str = "docs/fault-report.md";
/// What the first note of a trial under load begins with, and what its last one says.
const BEGUN: &str = "seed ";
const JUDGED: &str = "operations linearizable";

#[derive(Args)]
pub(crate) struct FaultsArgs {
    /// Do each harm a few times only, as `verify` does
    #[arg(long)]
    short: bool,
    /// Run the release build, which takes longer to make and less to run
    #[arg(long)]
    release: bool,
    /// Run only trials whose name contains one of these
    filters: Vec<String>,
}

/// Runs the trials and writes the report, whether they succeed or not.
pub(crate) fn report(workspace: &Workspace, args: &FaultsArgs) -> Result<(), TaskError> {
    cluster::namespaces()?;
    let (profile, folder) = if args.release { ("release", "release") } else { ("dev", "debug") };
    run(&mut workspace.cargo(&["build", "--package", "esker", "--bin", "esker", "--profile", profile]))?;
    let commit = output(Command::new("git").current_dir(workspace.root()).args(["rev-parse", "HEAD"]))?;
    let notes = workspace.target().join("fault-notes.txt");
    write(&notes, "")?;
    let start = Instant::now();
    let mut command = workspace.cargo(&["test", "--package", "e2e", "--test", "faults", "--"]);
    command.args(["--test-threads=1", "--nocapture"]).args(&args.filters);
    command.env("ESKER_REPORT", &notes).env("ESKER_BIN", workspace.target().join(folder).join("esker"));
    if !args.short {
        command.env("ESKER_LONG", "1");
    }
    let ended = run(&mut command);
    let facts = Facts { commit: commit.trim(), machine: &machine(), profile, time: start.elapsed() };
    let told =
        std::fs::read_to_string(&notes).map_err(|source| TaskError::File { path: notes.clone(), source })?;
    let ending = match &ended {
        Ok(()) => "every trial passed",
        Err(_) => "not every trial passed, or the run was ended; see the trials that were not judged",
    };
    write(&workspace.root().join(REPORT), &render(&facts, ending, &told))?;
    ended
}

/// What a report begins with.
struct Facts<'a> {
    commit: &'a str,
    machine: &'a str,
    profile: &'a str,
    time: Duration,
}

fn render(facts: &Facts<'_>, ending: &str, notes: &str) -> String {
    let Facts { commit, machine, profile, time } = facts;
    let minutes = time.as_secs() / 60;
    format!(
        "# Report of the last fault run\n\n\
         Written by `cargo xtask faults`; not edited by hand. What is done to the clusters is in `tests/tests/faults`.\n\n\
         Commit `{commit}`, {profile} build, on {machine}, {minutes} minutes. Result: {ending}.\n\n\
         ## What is checked\n\n\
         Each trial is a cluster of real processes. Clients write and read through every gateway without end: puts, \
         conditional puts, deletions and reads of a few keys, from 64 bytes to 150 kB. At the end of a trial:\n\n\
         - every key's history is linearizable, writes without an answer counting as done at any later time, or never;\n\
         - versions have one order, which agrees with time, with acknowledgements and with the lists of all gateways;\n\
         - every acknowledged version is listed, and every listed one reads back byte by byte;\n\
         - no answer was one that no fault excuses (500, bytes that nobody wrote, a write without a version).\n\n\
         Between two faults clients must be served without a single failure. A gap is the longest time in which one gateway \
         served nothing, of the gateways that are to go on; the worst gateway's counts.\n\n\
         ## Trials\n{}",
        by_trial(notes)
    )
}

/// Notes are `trial: note`; they are shown by trial, in the order in which they came.
fn by_trial(notes: &str) -> String {
    let pairs: Vec<(&str, &str)> = notes.lines().filter_map(|line| line.split_once(": ")).collect();
    let mut shown = BTreeSet::new();
    let trials: Vec<&str> =
        pairs.iter().map(|(trial, _)| *trial).filter(|trial| shown.insert(*trial)).collect();
    let section = |trial: &str| {
        let notes = pairs.iter().filter(|(other, _)| *other == trial);
        let lines: String = notes.clone().map(|(_, note)| format!("- {note}\n")).collect();
        let (begun, judged) =
            (notes.clone().any(|(_, note)| note.starts_with(BEGUN)), lines.contains(JUDGED));
        let verdict = if begun && !judged { "- **not judged: it failed, or was ended**\n" } else { "" };
        format!("\n### {trial}\n\n{lines}{verdict}")
    };
    trials.into_iter().map(section).collect()
}

fn write(path: &Path, text: &str) -> Result<(), TaskError> {
    std::fs::write(path, text).map_err(|source| TaskError::File { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_told_by_trial_in_the_order_of_their_first_notes() {
        let told = by_trial("b: seed 1\na: often: well\nno note\nb: 5 operations linearizable\n");
        assert_eq!(told, "\n### b\n\n- seed 1\n- 5 operations linearizable\n\n### a\n\n- often: well\n");
    }

    #[test]
    fn a_trial_that_was_not_judged_is_told_as_such() {
        let told = by_trial("b: seed 1\n");
        assert_eq!(told, "\n### b\n\n- seed 1\n- **not judged: it failed, or was ended**\n");
    }
}
