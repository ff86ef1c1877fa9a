//! The repository's own tool: `cargo xtask verify` runs everything that must hold before a change lands.
//!
//! It is a program and not a script so that the rules are typed, tested, and the same on every machine.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a developer's tool: it prints, reads the repository, and times its steps"
)]

mod bench;
mod cluster;
mod containers;
mod docs;
mod faults;
mod fuzz;
mod process;
mod report;
mod runner;
mod steps;
mod tidy;
mod venv;
mod workspace;

use clap::{Args, Parser, Subcommand};
use process::TaskError;
use std::process::ExitCode;
use workspace::Workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Checks and tests of the Esker repository")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Runs every check and test; changes nothing in the repository.
    Verify(VerifyArgs),
    /// Checks the rules that no compiler or linter knows.
    Tidy,
    /// Writes the pages of the documentation that follow from the code: settings and metrics.
    Docs,
    /// Feeds generated input to the parsers.
    Fuzz(fuzz::FuzzArgs),
    /// Compares the server with what the machine can do; writes docs/performance.md.
    Bench(bench::BenchArgs),
    /// Runs a cluster on this machine until Ctrl-C.
    Cluster(cluster::ClusterArgs),
    /// Does harm to clusters for an hour; writes docs/fault-report.md.
    Faults(faults::FaultsArgs),
    /// Makes the Python environment of the end-to-end tests.
    Venv,
}

#[derive(Args)]
struct VerifyArgs {
    /// Go on after a failed step and sum up at the end.
    #[arg(long)]
    keep_going: bool,
    /// Add kill loops, thousands of seeds and objects of gigabytes; writes docs/long-run-report.md.
    #[arg(long)]
    long: bool,
    /// Run only the steps whose name contains this text; may be repeated.
    #[arg(long, value_name = "TEXT")]
    only: Vec<String>,
    /// Leave out the steps whose name contains this text; may be repeated.
    #[arg(long, value_name = "TEXT")]
    without: Vec<String>,
}

fn main() -> ExitCode {
    match run(Cli::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<(), TaskError> {
    let workspace = Workspace::open()?;
    match task {
        Task::Verify(args) => {
            let options = runner::Options {
                after_failure: match args.keep_going {
                    true => runner::AfterFailure::GoOn,
                    false => runner::AfterFailure::Stop,
                },
                length: match args.long {
                    true => runner::Length::Long,
                    false => runner::Length::Short,
                },
                only: args.only,
                without: args.without,
                strictness: runner::Strictness::of_environment(),
            };
            runner::verify(&workspace, &options)
        }
        Task::Tidy => tidy::check(&workspace),
        Task::Docs => docs::write(&workspace),
        Task::Fuzz(args) => fuzz::run(&workspace, &args),
        Task::Bench(args) => bench::bench(&workspace, &args),
        Task::Cluster(args) => cluster::exec(&workspace, &args),
        Task::Faults(args) => faults::report(&workspace, &args),
        Task::Venv => venv::ensure(&workspace).map(|path| println!("{}", path.display())),
    }
}
