//! Feeds every target damaged input for a while. Input that makes one panic is kept in `fuzz/artifacts`.
//! With `--write-seeds FOLDER` it feeds nothing, and writes the seeds for libFuzzer to start from.
#![allow(clippy::disallowed_methods, reason = "a developer's tool: it times itself and keeps what it found")]

use esker_fuzz::mutate::Mutator;
use esker_fuzz::{TARGETS, Target};
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// What the command line asks for: `--seconds N --seed N --target NAME --write-seeds FOLDER`.
struct Options {
    seconds: u64,
    seed: u64,
    target: Option<String>,
    write_seeds: Option<PathBuf>,
}

fn main() -> ExitCode {
    let options = match parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(problem) => {
            println!("{problem}");
            return ExitCode::FAILURE;
        }
    };
    let chosen = |target: &&Target| options.target.as_ref().is_none_or(|name| name == target.name);
    let targets: Vec<&Target> = TARGETS.iter().filter(chosen).collect();
    if targets.is_empty() {
        println!(
            "no such target; there are: {}",
            TARGETS.iter().map(|target| target.name).collect::<Vec<_>>().join(", ")
        );
        return ExitCode::FAILURE;
    }
    if let Some(folder) = &options.write_seeds {
        return match targets.iter().try_for_each(|target| write_seeds(target, folder)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                println!("{}: {error}", folder.display());
                ExitCode::FAILURE
            }
        };
    }
    let failed = targets.iter().filter(|target| !feed(target, &options)).count();
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn parse(mut args: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options { seconds: 10, seed: 1, target: None, write_seeds: None };
    while let Some(name) = args.next() {
        let value = args.next().ok_or_else(|| format!("{name} needs a value"))?;
        let number = || value.parse().map_err(|_| format!("{name} needs a number, not {value:?}"));
        match name.as_str() {
            "--seconds" => options.seconds = number()?,
            "--seed" => options.seed = number()?,
            "--target" => options.target = Some(value),
            "--write-seeds" => options.write_seeds = Some(value.into()),
            _ => return Err(format!("unknown option {name}")),
        }
    }
    Ok(options)
}

/// Feeds one target; false if it panicked.
fn feed(target: &Target, options: &Options) -> bool {
    let start = Instant::now();
    let corpus = corpus(target);
    let mut mutator = Mutator::new(options.seed);
    let mut count = 0_u64;
    for input in &corpus {
        if !survives(target, input) {
            return false;
        }
    }
    while start.elapsed() < Duration::from_secs(options.seconds) {
        for _ in 0..100 {
            if !survives(target, &mutator.input(&corpus)) {
                return false;
            }
        }
        count += 100;
    }
    println!("{}: {count} inputs from seed {}, none failed", target.name, options.seed);
    true
}

fn survives(target: &Target, input: &[u8]) -> bool {
    if catch_unwind(|| (target.run)(input)).is_ok() {
        return true;
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("artifacts").join(target.name);
    let file = folder.join(format!("panic-{}", std::process::id()));
    let kept = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&file, input));
    println!("{}: panicked; input: {input:?}; kept as {} ({kept:?})", target.name, file.display());
    false
}

/// Writes each seed of a target to a file in a folder of the target's name.
fn write_seeds(target: &Target, folder: &Path) -> std::io::Result<()> {
    let folder = folder.join(target.name);
    std::fs::create_dir_all(&folder)?;
    let mut numbered = (target.seeds)().into_iter().enumerate();
    numbered.try_for_each(|(number, seed)| std::fs::write(folder.join(format!("seed-{number}")), seed))
}

/// The seeds, and what libFuzzer collected in `fuzz/corpus` on this machine, if anything.
fn corpus(target: &Target) -> Vec<Vec<u8>> {
    let mut corpus: Vec<Vec<u8>> = (target.seeds)();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name);
    let mut files: Vec<_> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|file| file.path()).collect();
    files.sort();
    corpus.extend(files.iter().filter_map(|file| std::fs::read(file).ok()));
    corpus
}
