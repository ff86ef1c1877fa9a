//! Fuzzing: the targets are plain functions in `fuzz/`, driven here for seconds and by cargo-fuzz for hours.
//!
//! The driver of `fuzz/` needs no nightly compiler and no coverage feedback, so every machine can run it.
//! It builds into a folder of its own: `fuzz/` is not a member of the workspace.

use crate::process::{TaskError, run as run_command};
use crate::workspace::Workspace;
use clap::Args;
use std::process::Command;

/// How to fuzz.
#[derive(Args)]
pub(crate) struct FuzzArgs {
    /// Seconds for each target.
    #[arg(long, default_value_t = 10)]
    seconds: u32,
    /// Only this target.
    #[arg(long)]
    target: Option<String>,
    /// First seed; the same seed feeds the same input.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl FuzzArgs {
    /// What `verify` runs.
    pub(crate) fn brief() -> FuzzArgs {
        FuzzArgs { seconds: 5, target: None, seed: 1 }
    }
}

/// The manifest of the targets, from the root.
pub(crate) const MANIFEST: &str = "fuzz/Cargo.toml";

/// `cargo SUBCOMMAND …` on the package of the targets.
pub(crate) fn cargo(workspace: &Workspace, args: &[&str]) -> Command {
    let (subcommand, rest) = args.split_first().expect("a subcommand");
    let mut command = workspace.cargo(&[subcommand, "--locked", "--manifest-path", MANIFEST, "--target-dir"]);
    command.arg(workspace.target().join("fuzz")).args(rest);
    command
}

/// Runs the driver.
pub(crate) fn run(workspace: &Workspace, args: &FuzzArgs) -> Result<(), TaskError> {
    let mut command = cargo(workspace, &["run", "--quiet", "--release", "--bin", "driver", "--"]);
    command.args(["--seconds", &args.seconds.to_string(), "--seed", &args.seed.to_string()]);
    if let Some(target) = &args.target {
        command.args(["--target", target]);
    }
    run_command(&mut command)
}
