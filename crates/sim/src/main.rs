//! Runs simulations: `esker-sim --seed 7`, `esker-sim --seeds 0..200`.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a developer's tool: it prints, and measures how long it takes"
)]

use clap::{Parser, ValueEnum as _};
use esker_sim::mutants::Mutant;
use esker_sim::run::{Report, run};
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

#[derive(Parser)]
#[command(name = "esker-sim", about = "Simulates clusters in which things fail")]
struct Cli {
    /// Run one seed.
    #[arg(long, value_name = "N", conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Run these seeds, each in a process of its own.
    #[arg(long, value_name = "A..B")]
    seeds: Option<String>,
    /// Stop after so many seconds, however many seeds are left.
    #[arg(long, value_name = "SECONDS")]
    within: Option<u64>,
    /// Run each seed twice, and fail if the runs differ.
    #[arg(long)]
    twice: bool,
    /// Stop after the first seed that fails.
    #[arg(long)]
    first: bool,
    /// Put a mistake into the product; the runs are to find it.
    #[arg(long, value_enum)]
    mutant: Option<Mutant>,
    /// Run so many seeds at a time.
    #[arg(long, value_name = "N", default_value_t = 1)]
    jobs: usize,
    /// Print everything that happened.
    #[arg(long)]
    trace: bool,
    /// Print what the product logs, at this level.
    #[arg(long, value_name = "LEVEL")]
    log: Option<String>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match (cli.seed, &cli.seeds) {
        (Some(seed), _) if !cli.twice => one(seed, &cli),
        (Some(seed), _) => many(seed..seed + 1, &cli),
        (None, Some(range)) => match parse(range) {
            Some(range) => many(range, &cli),
            None => {
                println!("{range:?} is not a range of seeds, such as 0..200");
                ExitCode::FAILURE
            }
        },
        (None, None) => many(0..20, &cli),
    }
}

/// The most that a seed may take, in real time. It takes some seconds; a future that never waits takes for ever, since
/// simulated time stands still meanwhile.
const TIME_MAX: Duration = Duration::from_secs(300);

fn parse(range: &str) -> Option<std::ops::Range<u64>> {
    let (from, to) = range.split_once("..")?;
    Some(from.parse().ok()?..to.parse().ok()?)
}

fn one(seed: u64, cli: &Cli) -> ExitCode {
    if let Some(level) = &cli.log {
        let filter = tracing_subscriber::EnvFilter::new(level);
        tracing_subscriber::fmt().with_env_filter(filter).without_time().init();
    }
    let (began, mutant) = (Instant::now(), cli.mutant);
    let (tell, told) = mpsc::channel();
    let work = move || drop(tell.send(run(seed, mutant)));
    let thread = std::thread::Builder::new().stack_size(8 << 20).spawn(work);
    let report = match thread.map(|_| told.recv_timeout(TIME_MAX)) {
        Ok(Ok(report)) => report,
        Ok(Err(mpsc::RecvTimeoutError::Timeout)) => {
            println!(
                "seed {seed} FAILED: it did not end within {TIME_MAX:?}; something may go round without waiting"
            );
            return ExitCode::FAILURE;
        }
        Ok(Err(mpsc::RecvTimeoutError::Disconnected)) | Err(_) => {
            println!("seed {seed}: the simulation itself panicked");
            return ExitCode::FAILURE;
        }
    };
    show(&report, began.elapsed(), cli)
}

fn show(report: &Report, took: Duration, cli: &Cli) -> ExitCode {
    let Report { seed, verdict, hash, elapsed, counts, scale, events } = report;
    let failed = verdict.is_err();
    if cli.trace {
        events.iter().for_each(|event| println!("{event}"));
    } else if failed {
        println!("{scale:?}");
        events.iter().rev().take(60).rev().for_each(|event| println!("{event}"));
    }
    let (machines, events) = (scale.machines, events.len());
    let (passed, took) = (elapsed.as_secs_f64(), took.as_secs_f64());
    println!(
        "seed {seed}: hash {hash:016x}, {machines} machines, {passed:.1} s in {took:.1} s, {events} events, {counts:?}"
    );
    match verdict {
        Ok(()) => ExitCode::SUCCESS,
        Err(wrong) => {
            println!("seed {seed} FAILED: {wrong}");
            println!("again: cargo run -p esker-sim -- --seed {seed} --trace");
            ExitCode::FAILURE
        }
    }
}

/// Runs each seed in a process of its own: what a process counts begins anew.
fn many(seeds: std::ops::Range<u64>, cli: &Cli) -> ExitCode {
    let began = Instant::now();
    let limit = cli.within.map(Duration::from_secs);
    let next = AtomicU64::new(seeds.start);
    let failed = Mutex::new(Vec::new());
    let worker = || {
        while limit.is_none_or(|limit| began.elapsed() < limit) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return;
            }
            if !seed_passes(seed, cli) {
                failed.lock().unwrap_or_else(PoisonError::into_inner).push(seed);
                if cli.first {
                    return;
                }
            }
        }
    };
    std::thread::scope(|scope| (0..cli.jobs.max(1)).for_each(|_| drop(scope.spawn(worker))));
    let ran = next.into_inner().min(seeds.end) - seeds.start;
    let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!("{ran} seeds in {:.1} s, failed: {failed:?}", began.elapsed().as_secs_f64());
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn seed_passes(seed: u64, cli: &Cli) -> bool {
    let (text, good) = child(seed, cli);
    print!("{text}");
    let same = !cli.twice || hash_of(&child(seed, cli).0) == hash_of(&text);
    if !same {
        println!("seed {seed}: the second run differed");
    }
    good && same
}

fn child(seed: u64, cli: &Cli) -> (String, bool) {
    let program = std::env::current_exe().unwrap_or_else(|_| "esker-sim".into());
    let mut command = Command::new(program);
    command.args(["--seed", &seed.to_string()]);
    if let Some(name) = cli.mutant.as_ref().and_then(Mutant::to_possible_value) {
        command.args(["--mutant", name.get_name()]);
    }
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    match output {
        Ok(output) => (String::from_utf8_lossy(&output.stdout).into_owned(), output.status.success()),
        Err(error) => (format!("seed {seed}: {error}\n"), false),
    }
}

fn hash_of(text: &str) -> Option<&str> {
    text.split("hash ").nth(1)?.split(',').next()
}
