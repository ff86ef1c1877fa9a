//! `esker bench`: puts a load on an S3 endpoint, and compares reports of such loads.

mod compare;
mod given;
mod lines;
mod progress;
mod table;

use crate::banner;
use clap::{Args, Subcommand};
use compare::Compare;
use esker_env::{DiskError, OsRandom, SystemClock, process_cpu_time};
use esker_load::report::End;
use esker_load::report::NotReport;
use esker_load::run::{Components, RunError, run};
use given::Given;
use lines::LineFile;
use progress::Progress;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// What `esker bench` is given.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Bench {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    given: Given,
}

#[derive(Subcommand)]
enum Command {
    /// Compares reports: writes a page with charts, and prints a table
    Report(Compare),
}

pub(crate) const HELP: &str = "\
The load makes a bucket of its own and removes it afterwards; with --bucket it keeps to keys below a prefix of its own.
Ctrl-C ends the load early, with its report and clearing up; a second one leaves what is there.

Exit codes: 0 done, 1 could not be run, 2 wrong usage, 3 done, but something failed, was wrong, or is left behind.

Examples:
  esker bench put --size 64KiB --concurrency 32 --duration 30s
  esker bench get --objects 10000 --size 4KiB:90,1MiB:10 --rate 2000 --json get.jsonl
  esker bench mixed --mix get:70,put:20,head:5,delete:5 --endpoint http://10.0.0.1:9000,http://10.0.0.2:9000 --verify
  esker bench report before.jsonl after.jsonl --html compared.html";

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchError {
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    Run(#[from] RunError),
    #[error(transparent)]
    File(#[from] DiskError),
    #[error("{}: {error}", path.display())]
    Report { path: PathBuf, error: NotReport },
    #[error("the runtime: {0}")]
    Runtime(#[from] std::io::Error),
}

/// Runs a load, or compares reports.
pub(crate) fn bench(bench: Bench) -> ExitCode {
    let outcome = match bench.command {
        Some(Command::Report(compare)) => compare.run().map(|text| (text, ExitCode::SUCCESS)),
        None => load(&bench.given),
    };
    match outcome {
        Ok((text, code)) => {
            let told = banner::answer(&text);
            if told == ExitCode::SUCCESS { code } else { told }
        }
        Err(error) => {
            banner::failure(&error);
            ExitCode::from(if matches!(error, BenchError::Usage(_)) { 2 } else { 1 })
        }
    }
}

fn load(given: &Given) -> Result<(String, ExitCode), BenchError> {
    let settings = given.settings()?;
    let name = settings.workload.to_string();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let components = Components {
        clock: Arc::new(SystemClock::new()),
        random: Arc::new(OsRandom),
        cpu_time: process_cpu_time,
        version: env!("CARGO_PKG_VERSION"),
    };
    let file = given.json.as_deref().map(LineFile::create).transpose()?;
    let mut progress = Progress::new(&settings, file);
    let end = runtime.block_on(async {
        let (stop, abandon) = (CancellationToken::new(), CancellationToken::new());
        let signals = crate::stop::Signals::new()?;
        let listener = tokio::spawn(listen(signals, stop.clone(), abandon.clone()));
        let end = run(settings, &components, &mut progress, &stop, &abandon).await;
        listener.abort();
        Ok::<End, BenchError>(end?)
    })?;
    progress.finish()?;
    let code = if end.is_clean() { ExitCode::SUCCESS } else { ExitCode::from(3) };
    Ok((table::of(&name, &end), code))
}

/// The first signal stops the load, the second one clearing up.
async fn listen(mut signals: crate::stop::Signals, stop: CancellationToken, abandon: CancellationToken) {
    signals.next().await;
    stop.cancel();
    signals.next().await;
    abandon.cancel();
}
