//! How a long run differs from a short one, and where it writes what it measured.

use std::io::Write as _;

/// How much of a test runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// Minutes in all: every kind of check, few rounds.
    Short,
    /// `cargo xtask verify --long`: many rounds, sizes at the limits.
    Long,
}

/// The length that `ESKER_LONG` asks for.
pub fn length() -> Length {
    match std::env::var("ESKER_LONG").as_deref() {
        Ok("1") => Length::Long,
        _ => Length::Short,
    }
}

/// `short` or `long`, whichever this run asks for.
pub fn by_length<T>(short: T, long: T) -> T {
    match length() {
        Length::Short => short,
        Length::Long => long,
    }
}

/// Notes a measurement: on standard output, and as a line of the file that `ESKER_REPORT` names, if any.
#[allow(clippy::print_stdout, reason = "the test runner shows it on request")]
pub fn note(line: &str) {
    println!("{line}");
    if let Some(path) = std::env::var_os("ESKER_REPORT") {
        let mut file =
            std::fs::OpenOptions::new().append(true).create(true).open(path).expect("ESKER_REPORT");
        // One write call per line, so that tests that run side by side don't mix theirs.
        file.write_all(format!("{line}\n").as_bytes()).expect("ESKER_REPORT is writable");
    }
}
