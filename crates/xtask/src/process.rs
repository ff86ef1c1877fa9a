//! Running other programs, and the one error type of the tasks.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Why a task failed, in words for the developer who ran it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TaskError {
    /// A program could not be started.
    #[error("{program} can't be run: {source}")]
    Spawn {
        /// What was to be run.
        program: String,
        /// Why not.
        source: std::io::Error,
    },
    /// A program ended with a failure; its own output says more.
    #[error("`{command}` failed ({status})")]
    Failed {
        /// The command line.
        command: String,
        /// How it ended.
        status: String,
    },
    /// A file could not be read or written.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A check found something; what it is has been printed.
    #[error("{0}")]
    Check(String),
    /// A tool that the task needs is not on this machine.
    #[error("{0}")]
    Missing(String),
}

/// Runs a command with this process's streams, after printing it.
pub(crate) fn run(command: &mut Command) -> Result<(), TaskError> {
    println!("$ {}", shown(command));
    let status = command.stdin(Stdio::null()).status().map_err(|source| spawn_error(command, source))?;
    if status.success() { Ok(()) } else { Err(failed(command, status.to_string())) }
}

/// Standard output of a command that succeeds.
pub(crate) fn output(command: &mut Command) -> Result<String, TaskError> {
    let command = command.stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = command.output().map_err(|source| spawn_error(command, source))?;
    if !output.status.success() {
        return Err(failed(command, output.status.to_string()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether `PROGRAM ARGS` can be run and succeeds; its output is dropped.
pub(crate) fn works(program: &str, args: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn spawn_error(command: &Command, source: std::io::Error) -> TaskError {
    TaskError::Spawn { program: command.get_program().to_string_lossy().into_owned(), source }
}

fn failed(command: &Command, status: String) -> TaskError {
    TaskError::Failed { command: shown(command), status }
}

/// The command as one would type it, environment included.
fn shown(command: &Command) -> String {
    let variables = command.get_envs().filter_map(|(name, value)| {
        Some(format!("{}={}", name.to_string_lossy(), quoted(&value?.to_string_lossy())))
    });
    // The program's name is enough: its folder says only where this machine keeps its tools.
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    let words = words.map(|word| quoted(&word.to_string_lossy()));
    variables.chain(words).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    if word.is_empty() || word.contains([' ', '\'', '"', '*', '$']) {
        format!("'{word}'")
    } else {
        word.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_it_would_be_typed() {
        let mut command = Command::new("cargo");
        command.env("RUSTDOCFLAGS", "-D warnings").args(["doc", "--no-deps"]);
        assert_eq!(shown(&command), "RUSTDOCFLAGS='-D warnings' cargo doc --no-deps");
    }

    #[test]
    fn failures_are_told_apart_from_programs_that_are_not_there() {
        assert!(matches!(run(&mut Command::new("false")), Err(TaskError::Failed { .. })));
        assert!(matches!(run(&mut Command::new("no-such-program-here")), Err(TaskError::Spawn { .. })));
        assert!(works("true", &[]) && !works("false", &[]));
    }
}
