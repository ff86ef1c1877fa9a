//! What the server says on standard output and standard error, apart from its log: where it listens, and once,
//! at the first start, how to reach it.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is the one place that talks to the terminal"
)]

use crate::root::Source;
use crate::settings::RootKeys;
use esker_storage::Origin;
use std::error::Error;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;

/// What the terminal is told once all listeners are bound and the node answers.
pub(crate) struct Ready<'a> {
    /// None without the gateway role.
    pub(crate) s3: Option<SocketAddr>,
    pub(crate) console: SocketAddr,
    /// Where other nodes reach this one, if they do.
    pub(crate) cluster: Option<&'a str>,
    /// Whether this is the first start on its data directory.
    pub(crate) first: Origin,
    pub(crate) region: &'a str,
    pub(crate) keys: &'a RootKeys,
    pub(crate) source: Source,
    pub(crate) key_file: &'a Path,
}

pub(crate) fn ready(ready: &Ready<'_>) {
    if let Some(s3) = ready.s3 {
        println!("S3 listening on http://{s3}");
    }
    println!("Console listening on http://{}", ready.console);
    if let Some(cluster) = ready.cluster {
        println!("Other nodes reach this one at {cluster}");
    }
    if let Some(s3) = ready.s3 {
        keys(ready, s3);
    }
    println!("Ready");
    // Whoever waits for these lines reads a pipe; nobody to tell if it is closed.
    let _ = std::io::stdout().flush();
}

fn keys(ready: &Ready<'_>, s3: SocketAddr) {
    let Ready { source, key_file, first, .. } = ready;
    match source {
        Source::Given => {}
        Source::Kept => println!("Root keys are in {}", key_file.display()),
        Source::Derived if *first == Origin::Found => {
            println!(
                "Root keys follow from the cluster's secret; the access key is {}",
                ready.keys.access_key
            );
        }
        Source::Derived => {
            println!();
            println!("Root keys follow from the cluster's secret, and are the same on every node:");
            usage(ready, s3);
        }
        Source::Generated => {
            println!();
            println!(
                "Root keys were generated. They are shown this once, and kept in {}:",
                key_file.display()
            );
            usage(ready, s3);
        }
    }
}

fn usage(ready: &Ready<'_>, s3: SocketAddr) {
    let Ready { region, keys, .. } = ready;
    println!();
    println!("  export AWS_ACCESS_KEY_ID={}", keys.access_key);
    println!("  export AWS_SECRET_ACCESS_KEY={}", keys.secret_key);
    println!("  export AWS_DEFAULT_REGION={region}");
    println!("  export AWS_ENDPOINT_URL=http://{s3}");
    println!("  aws s3 mb s3://my-bucket");
    println!(
        "  aws s3api put-bucket-versioning --bucket my-bucket --versioning-configuration Status=Enabled"
    );
    println!("  aws s3 cp README.md s3://my-bucket/");
    println!();
}

/// Prints what a command found out.
pub(crate) fn answer(text: &str) -> ExitCode {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Why the server did not start, or stopped, or what became of a command.
pub(crate) fn failure(error: &dyn Error) {
    let mut told = error.to_string();
    eprintln!("esker: {told}");
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        // Some errors repeat their cause in their own text.
        if !told.contains(&text) {
            eprintln!("  because: {text}");
            told = text;
        }
        cause = error.source();
    }
}
