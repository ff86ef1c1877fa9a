//! Clients with boto3 and its own retries, as users have them: what do they notice while nodes come and go?

use crate::bucket::unique_name;
use crate::output::Output;
use crate::program::python_command;
use crate::serves::Serves;
use serde_json::Value;
use std::fmt;
use std::process::{Child, Stdio};
use std::time::Duration;

/// How long the clients may take to begin, and to end and look at what is there.
const PATIENCE: Duration = Duration::from_secs(120);

/// Clients at work, in a process of their own. Dropping it kills them.
pub struct Traffic {
    child: Child,
    output: Output,
}

/// What they noticed.
pub struct Noticed(Value);

impl Traffic {
    /// Starts clients of an endpoint, with a bucket of their own, and awaits that they have begun.
    #[track_caller]
    pub fn start(server: &impl Serves) -> Traffic {
        let mut command = python_command(server, "traffic.py", &[&unique_name()]);
        // What botocore does by default is what is tried here.
        command.env_remove("AWS_MAX_ATTEMPTS");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("python can be run");
        let output = Output::default();
        output.collect(child.stdout.take().expect("piped"));
        output.collect(child.stderr.take().expect("piped"));
        let traffic = Traffic { child, output };
        let begun = traffic.output.await_line("begun", PATIENCE);
        begun.unwrap_or_else(|why| panic!("{why:?}: {}", traffic.output.lines().join("\n")));
        traffic
    }

    /// Ends them.
    #[track_caller]
    pub fn finish(mut self) -> Noticed {
        drop(self.child.stdin.take());
        assert!(self.output.await_end(PATIENCE), "the clients do not end: {:?}", self.output.lines());
        let lines = self.output.lines();
        let told = lines.iter().rev().find_map(|line| serde_json::from_str(line).ok());
        Noticed(told.unwrap_or_else(|| panic!("{}", lines.join("\n"))))
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Noticed {
    /// Asserts that no request failed for good, that nothing acknowledged is missing, and that there were some.
    #[track_caller]
    pub fn expect_no_failure(self) -> Noticed {
        let none = |name: &str| self.0[name].as_array().is_some_and(Vec::is_empty);
        assert!(none("errors") && none("lost"), "{:#}", self.0);
        assert!(self.number("acknowledged") > 0.0, "{:#}", self.0);
        self
    }

    /// The longest time in which nothing was answered to any client.
    pub fn longest_gap(&self) -> Duration {
        Duration::from_secs_f64(self.number("longest_gap_seconds"))
    }

    fn number(&self, name: &str) -> f64 {
        self.0[name].as_f64().unwrap_or_else(|| panic!("no number {name}: {:#}", self.0))
    }
}

impl fmt::Display for Noticed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} requests with boto3 (retries: {}), 0 failed, {} retried; longest time without an answer {:.2} s, slowest \
             request {:.2} s; {} acknowledged writes all there",
            self.number("requests"),
            self.0["retry_mode"].as_str().unwrap_or_default(),
            self.number("retried"),
            self.number("longest_gap_seconds"),
            self.number("slowest_seconds"),
            self.number("acknowledged")
        )
    }
}
