//! Runs the steps of `verify` one after another: what runs, how long it takes, what is skipped and why.

use crate::process::TaskError;
use crate::report::Report;
use crate::steps::{self, Step};
use crate::workspace::Workspace;
use std::time::{Duration, Instant};

/// What to do after a step that failed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum AfterFailure {
    /// End with its error.
    Stop,
    /// Run the other steps and end with a list of those that failed.
    GoOn,
}

/// How much the tests do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    /// Every kind of check, in minutes.
    Short,
    /// Loops, seeds and sizes for hours.
    Long,
}

/// Whether a step may be skipped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Strictness {
    /// A tool that is not there skips the steps that need it.
    Lenient,
    /// A tool that is not there is a failure.
    Strict,
}

impl Strictness {
    /// Strict where `CI=true`.
    pub(crate) fn of_environment() -> Strictness {
        match std::env::var("CI").as_deref() {
            Ok("true") => Strictness::Strict,
            _ => Strictness::Lenient,
        }
    }
}

/// How to verify.
pub(crate) struct Options {
    /// What to do after a step that failed.
    pub(crate) after_failure: AfterFailure,
    /// How much the tests do.
    pub(crate) length: Length,
    /// Run only steps whose name contains one of these; all if there is none.
    pub(crate) only: Vec<String>,
    /// Run no steps whose name contains one of these.
    pub(crate) without: Vec<String>,
    /// Whether a step may be skipped.
    pub(crate) strictness: Strictness,
}

/// How a step ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It found nothing wrong.
    Passed,
    /// It did not run, for this reason.
    Skipped(String),
    /// It found this.
    Failed(String),
}

/// Runs all steps. The error names the steps that failed.
pub(crate) fn verify(workspace: &Workspace, options: &Options) -> Result<(), TaskError> {
    let before = workspace.changes()?;
    let report = Report::begin(workspace, options.length)?;
    let context = steps::Context { workspace, length: options.length, report: report.path() };
    let mut endings = Vec::new();
    let named = |texts: &[String], step: &Step| texts.iter().any(|text| step.name.contains(text.as_str()));
    let chosen = |step: &&Step| {
        (options.only.is_empty() || named(&options.only, step)) && !named(&options.without, step)
    };
    let start = Instant::now();
    for step in steps::STEPS.iter().filter(chosen) {
        println!("\n=== {}", step.name);
        let start = Instant::now();
        let ending = ending_of((step.run)(&context), options.strictness);
        println!("=== {}: {} in {}", step.name, verdict(&ending), seconds(start.elapsed()));
        let stop = matches!(ending, Ending::Failed(_)) && options.after_failure == AfterFailure::Stop;
        endings.push((step.name, ending, start.elapsed()));
        if stop {
            break;
        }
    }
    if workspace.changes()? != before {
        let found = Ending::Failed("the steps changed files of the repository: see `git status`".to_owned());
        endings.push(("the repository is as it was", found, Duration::ZERO));
    }
    report.finish(&endings)?;
    println!("\n{}total: {}", summary(&endings), seconds(start.elapsed()));
    conclusion(&endings)
}

/// A missing tool skips its step, unless nothing may be skipped.
pub(crate) fn ending_of(result: Result<(), TaskError>, strictness: Strictness) -> Ending {
    match (result, strictness) {
        (Ok(()), _) => Ending::Passed,
        (Err(TaskError::Missing(what)), Strictness::Lenient) => Ending::Skipped(what),
        (Err(error), _) => Ending::Failed(error.to_string()),
    }
}

fn conclusion(endings: &[(&str, Ending, Duration)]) -> Result<(), TaskError> {
    let failed = endings.iter().filter(|(_, ending, _)| matches!(ending, Ending::Failed(_)));
    let names: Vec<&str> = failed.map(|(name, _, _)| *name).collect();
    if endings.is_empty() {
        return Err(TaskError::Check("no step has such a name".to_owned()));
    }
    if names.is_empty() { Ok(()) } else { Err(TaskError::Check(format!("failed: {}", names.join(", ")))) }
}

/// One line per step.
pub(crate) fn summary(endings: &[(&str, Ending, Duration)]) -> String {
    let line = |(name, ending, time): &(&str, Ending, Duration)| {
        format!("{:>9}  {name}: {}\n", seconds(*time), verdict(ending))
    };
    endings.iter().map(line).collect()
}

fn verdict(ending: &Ending) -> String {
    match ending {
        Ending::Passed => "ok".to_owned(),
        Ending::Skipped(why) => format!("SKIPPED: {why}"),
        Ending::Failed(why) => format!("FAILED: {why}"),
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing() -> Result<(), TaskError> {
        Err(TaskError::Missing("no python3".to_owned()))
    }

    #[test]
    fn a_missing_tool_skips_a_step_only_where_that_is_allowed() {
        assert_eq!(ending_of(missing(), Strictness::Lenient), Ending::Skipped("no python3".to_owned()));
        assert_eq!(ending_of(missing(), Strictness::Strict), Ending::Failed("no python3".to_owned()));
    }

    #[test]
    fn one_failure_fails_the_whole_and_a_skip_does_not() {
        let skipped = ("a", Ending::Skipped("x".to_owned()), Duration::ZERO);
        let failed = ("b", Ending::Failed("y".to_owned()), Duration::ZERO);
        assert!(conclusion(&[]).is_err());
        assert!(conclusion(&[("c", Ending::Passed, Duration::ZERO)]).is_ok());
        assert!(conclusion(std::slice::from_ref(&skipped)).is_ok());
        assert_eq!(conclusion(&[skipped, failed]).unwrap_err().to_string(), "failed: b");
    }

    #[test]
    fn the_summary_says_what_was_skipped_and_why() {
        let endings = [("e2e", Ending::Skipped("no python3".to_owned()), Duration::from_millis(1500))];
        assert_eq!(summary(&endings), "    1.5 s  e2e: SKIPPED: no python3\n");
    }
}
