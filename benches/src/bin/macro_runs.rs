//! Compares the release binary with the floors and prints a table, and the same as a file if asked.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the table is the result, and progress is for whoever waits"
)]

use bench::row::{Row, Verdict, table};
use bench::runs::{Context, Length, Scale, Scenario};
use clap::Parser;
use esker_env::{Clock, Disk, OsDisk, Permissions, SystemClock, write_atomically};
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

/// Runs the macro benchmarks; `cargo xtask bench` builds what they need and calls this
#[derive(Parser)]
struct Args {
    /// The binary `esker`, built for release
    #[arg(long)]
    esker: PathBuf,
    /// The bare floor
    #[arg(long)]
    floor: PathBuf,
    /// A directory on the disk that is to be measured; what is made there is removed
    #[arg(long)]
    scratch: PathBuf,
    /// Everything as small as it can be: shows that it works
    #[arg(long, conflicts_with = "long")]
    brief: bool,
    /// With ten million versions and whole gibibytes
    #[arg(long)]
    long: bool,
    /// Writes the table here, too
    #[arg(long)]
    out: Option<PathBuf>,
    /// Only scenarios whose name contains one of these
    filters: Vec<String>,
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let args = Args::parse();
    let length = match (args.brief, args.long) {
        (true, _) => Length::Brief,
        (_, true) => Length::Long,
        _ => Length::Full,
    };
    OsDisk.create_dir_all(&args.scratch)?;
    let scratch = tempfile::tempdir_in(&args.scratch)?;
    let cx = Context::new(Scale::new(length), args.esker, args.floor, scratch.path().to_owned());
    // One thread: clients cost the least, and leave the other cores to the server.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let chosen = |scenario: &Scenario| {
        args.filters.is_empty() || args.filters.iter().any(|filter| scenario.name().contains(filter.as_str()))
    };
    let (clock, mut rows) = (SystemClock::new(), Vec::<Row>::new());
    for scenario in Scenario::ALL.into_iter().filter(chosen) {
        let begun = clock.monotonic();
        rows.extend(runtime.block_on(scenario.run(&cx)));
        eprintln!("{}: {:.0} s", scenario.name(), (clock.monotonic() - begun).as_secs_f64());
    }
    let text = table(&rows);
    print!("{text}");
    if let Some(out) = args.out {
        write_atomically(&OsDisk, &out, text.as_bytes(), Permissions::Default)?;
    }
    if rows.is_empty() {
        return Err("no scenario has such a name".into());
    }
    let failed = rows.iter().any(|row| matches!(row.verdict, Verdict::Failed(_)));
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
