//! What `verify` runs, in order: cheap checks first, so that a slip is told within seconds.
//!
//! Two profiles are built and no third: `dev` for checks and tests, `release` for the one binary that the
//! end-to-end tests run. Every cargo call is `--locked`, so that `Cargo.lock` stays as it is.

use crate::process::{TaskError, run, works};
use crate::runner::Length;
use crate::workspace::Workspace;
use crate::{cluster, containers, fuzz, tidy, venv};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The module of the scenarios that need network namespaces.
const PARTITIONS: &str = "partitions::";

/// What the unit tests are made of.
const UNIT_TARGETS: &[&str] = &["--workspace", "--exclude", "e2e", "--all-targets"];

/// What a step may know.
pub(crate) struct Context<'a> {
    /// The repository.
    pub(crate) workspace: &'a Workspace,
    /// How much the tests do.
    pub(crate) length: Length,
    /// Where tests note what they measured.
    pub(crate) report: Option<&'a Path>,
}

/// One step.
pub(crate) struct Step {
    /// What it proves, in a few words.
    pub(crate) name: &'static str,
    /// Runs it. [`TaskError::Missing`] if this machine lacks a tool for it.
    pub(crate) run: fn(&Context<'_>) -> Result<(), TaskError>,
}

/// All steps.
pub(crate) const STEPS: &[Step] = &[
    Step { name: "formatting", run: formatting },
    Step { name: "tidy rules", run: |context| tidy::check(context.workspace) },
    Step { name: "clippy", run: clippy },
    Step { name: "unit and property tests", run: unit_tests },
    Step { name: "documentation tests", run: doc_tests },
    Step { name: "documentation builds", run: documentation },
    Step { name: "simulation", run: simulation },
    Step { name: "fuzzing, briefly", run: fuzzing },
    Step { name: "release binary", run: release_binary },
    Step { name: "end to end, Rust clients", run: end_to_end_rust },
    Step { name: "end to end, clusters", run: end_to_end_clusters },
    Step { name: "end to end, faults", run: end_to_end_faults },
    Step { name: "end to end, partitions", run: end_to_end_partitions },
    Step { name: "end to end, monitoring", run: end_to_end_monitoring },
    Step { name: "end to end, Python and command line clients", run: end_to_end_python },
    Step { name: "end to end, containers", run: end_to_end_containers },
];

fn formatting(context: &Context<'_>) -> Result<(), TaskError> {
    component(context, "fmt")?;
    run(&mut context.workspace.cargo(&["fmt", "--all", "--check"]))?;
    run(&mut context.workspace.cargo(&["fmt", "--manifest-path", fuzz::MANIFEST, "--check"]))
}

fn clippy(context: &Context<'_>) -> Result<(), TaskError> {
    component(context, "clippy")?;
    let args = ["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"];
    run(&mut context.workspace.cargo(&args))
}

/// All targets: unit tests, integration tests, and every benchmark once, so that none rots.
fn unit_tests(context: &Context<'_>) -> Result<(), TaskError> {
    run(&mut test_command(context, UNIT_TARGETS))
}

fn doc_tests(context: &Context<'_>) -> Result<(), TaskError> {
    run(&mut test_command(context, &["--workspace", "--exclude", "e2e", "--doc"]))
}

fn documentation(context: &Context<'_>) -> Result<(), TaskError> {
    let mut command = context.workspace.cargo(&["doc", "--locked", "--workspace", "--no-deps"]);
    run(command.env("RUSTDOCFLAGS", "-D warnings"))
}

/// Simulated clusters in which things fail: as many seeds as fit into two minutes, or thousands.
fn simulation(context: &Context<'_>) -> Result<(), TaskError> {
    let seeds: &[&str] = match context.length {
        Length::Short => &["--seeds", "0..10000", "--within", "120"],
        Length::Long => &["--seeds", "0..5000"],
    };
    // As the unit tests were built: `cargo run` would compile most of it again, with other features.
    run(&mut context.workspace.cargo(&[&["build", "--locked"], UNIT_TARGETS].concat()))?;
    let mut simulate = Command::new(context.workspace.target().join("debug/esker-sim"));
    run(simulate.current_dir(context.workspace.root()).args(["--jobs", "2"]).args(seeds))
}

/// Input for the parsers, after the driver's own tests.
fn fuzzing(context: &Context<'_>) -> Result<(), TaskError> {
    run(&mut fuzz::cargo(context.workspace, &["clippy", "--all-targets", "--", "-D", "warnings"]))?;
    run(&mut fuzz::cargo(context.workspace, &["test", "--release", "--lib"]))?;
    fuzz::run(context.workspace, &fuzz::FuzzArgs::brief())
}

fn release_binary(context: &Context<'_>) -> Result<(), TaskError> {
    run(&mut context.workspace.cargo(&[
        "build",
        "--locked",
        "--release",
        "--package",
        "esker",
        "--bin",
        "esker",
    ]))
}

fn end_to_end_rust(context: &Context<'_>) -> Result<(), TaskError> {
    run(&mut end_to_end_command(context, &["--lib", "--test", "scenarios"]))
}

/// Several processes. What needs to cut nodes off is told by its name, and runs in the next step.
fn end_to_end_clusters(context: &Context<'_>) -> Result<(), TaskError> {
    run(&mut end_to_end_command(context, &["--test", "cluster", "--", "--skip", PARTITIONS]))
}

/// What is measured must not be another trial's load, so they run one at a time.
fn end_to_end_faults(context: &Context<'_>) -> Result<(), TaskError> {
    let args = ["--test", "faults", "--", "--test-threads=1", "--skip", PARTITIONS];
    run(&mut end_to_end_command(context, &args))
}

fn end_to_end_partitions(context: &Context<'_>) -> Result<(), TaskError> {
    cluster::namespaces()?;
    run(&mut end_to_end_command(context, &["--test", "cluster", "--", PARTITIONS]))?;
    run(&mut end_to_end_command(context, &["--test", "faults", "--", "--test-threads=1", PARTITIONS]))
}

/// Alert rules and the dashboard, with Prometheus and clusters that fail.
fn end_to_end_monitoring(context: &Context<'_>) -> Result<(), TaskError> {
    for (tool, asked, package) in [
        ("prometheus", "--version", "prometheus"),
        ("promtool", "--version", "prometheus"),
        ("strace", "-V", "strace"),
    ] {
        if !works(tool, &[asked]) {
            return Err(TaskError::Missing(format!("{tool} is not installed (Debian's package {package})")));
        }
    }
    run(&mut end_to_end_command(context, &["--test", "monitoring"]))
}

fn end_to_end_python(context: &Context<'_>) -> Result<(), TaskError> {
    let venv = venv::ensure(context.workspace)?;
    run(end_to_end_command(context, &["--test", "clients"]).env("ESKER_E2E_VENV", venv))
}

/// The image and the Compose files. Their times are of interest, so what they print is shown.
fn end_to_end_containers(context: &Context<'_>) -> Result<(), TaskError> {
    let venv = venv::ensure(context.workspace)?;
    let images = containers::images(context.workspace, &release_path(context))?;
    let args = ["--test", "containers", "--", "--test-threads=1", "--nocapture"];
    let mut command = end_to_end_command(context, &args);
    command.env("ESKER_E2E_VENV", venv);
    run(command.env("ESKER_IMAGE", &images.esker).env("HAPROXY_IMAGE", &images.debian))
}

fn end_to_end_command(context: &Context<'_>, args: &[&str]) -> Command {
    let mut command = test_command(context, &[&["--package", "e2e"], args].concat());
    command.env("ESKER_BIN", release_path(context));
    command
}

fn release_path(context: &Context<'_>) -> PathBuf {
    context.workspace.target().join("release/esker")
}

fn test_command(context: &Context<'_>, args: &[&str]) -> Command {
    let mut command = context.workspace.cargo(&["test", "--locked", "--no-fail-fast"]);
    command.args(args);
    if context.length == Length::Long {
        command.env("ESKER_LONG", "1");
    }
    if let Some(report) = context.report {
        command.env("ESKER_REPORT", report);
    }
    command
}

/// Fails as missing if the toolchain lacks a component.
fn component(context: &Context<'_>, name: &str) -> Result<(), TaskError> {
    let mut command = context.workspace.cargo(&[name, "--version"]);
    let missing = |_| TaskError::Missing(format!("cargo {name} is not installed (rustup component add)"));
    crate::process::output(&mut command).map(drop).map_err(missing)
}
