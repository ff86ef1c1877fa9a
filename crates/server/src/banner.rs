//! What the server says on standard output and standard error, apart from its log: where it listens, and once,
//! at the first start, how to reach it.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is the one place that talks to the terminal"
)]

use crate::root::Source;
use crate::settings::RootKeys;
use std::error::Error;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;

/// What the terminal is told once all listeners are bound and the node answers.
pub(crate) struct Ready<'a> {
    pub(crate) s3: SocketAddr,
    pub(crate) console: SocketAddr,
    pub(crate) region: &'a str,
    pub(crate) keys: &'a RootKeys,
    pub(crate) source: Source,
    pub(crate) key_file: &'a Path,
}

pub(crate) fn ready(ready: &Ready<'_>) {
    let Ready { s3, console, region, keys, source, key_file } = ready;
    println!("S3 listening on http://{s3}");
    println!("Console listening on http://{console}");
    match source {
        Source::Given => {}
        Source::Kept => println!("Root keys are in {}", key_file.display()),
        Source::Generated => {
            println!();
            println!(
                "Root keys were generated. They are shown this once, and kept in {}:",
                key_file.display()
            );
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
    }
    println!("Ready");
    // Whoever waits for these lines reads a pipe; nobody to tell if it is closed.
    let _ = std::io::stdout().flush();
}

/// Why the server did not start, or stopped.
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
