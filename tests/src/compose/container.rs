//! A container that a test looks at and does things to.

use super::docker::{docker, docker_ok};
use crate::program::Finished;
use crate::wait::eventually;
use serde_json::Value;
use std::net::IpAddr;
use std::time::Duration;

/// Lines of its log that a failed test shows.
const LINES_SHOWN: &str = "40";

/// A container. Whoever made it removes it.
#[derive(Clone, Debug)]
pub struct Container {
    /// Its id.
    pub id: String,
}

impl Container {
    /// What `docker inspect` says of it.
    #[track_caller]
    pub fn inspect(&self) -> Value {
        let text = docker_ok(&["inspect", &self.id]);
        let mut value: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        value[0].take()
    }

    /// Ends its process as a power cut of the process would.
    #[track_caller]
    pub fn kill(&self) {
        docker_ok(&["kill", &self.id]);
    }

    /// Starts it after it ended.
    #[track_caller]
    pub fn start(&self) {
        docker_ok(&["start", &self.id]);
    }

    /// Asks it to stop, and kills it after so many seconds. Returns its exit code: 137 if it was killed.
    #[track_caller]
    pub fn stop(&self, seconds: u32) -> i64 {
        docker_ok(&["stop", "--time", &seconds.to_string(), &self.id]);
        self.exit_code()
    }

    /// Awaits that it ends by itself; its exit code.
    #[track_caller]
    pub fn await_end(&self, patience: Duration) -> i64 {
        let ended = eventually("the container ends", patience, || match self.inspect()["State"]["Running"] {
            Value::Bool(false) => Ok(()),
            _ => Err(format!("it runs on: {}", self.logs())),
        });
        ended.unwrap_or_else(|why| panic!("{why}"));
        self.exit_code()
    }

    fn exit_code(&self) -> i64 {
        self.inspect()["State"]["ExitCode"].as_i64().expect("a number")
    }

    /// Awaits that its health check says so.
    #[track_caller]
    pub fn await_healthy(&self, patience: Duration) {
        let healthy = eventually("the container is healthy", patience, || {
            let state = self.inspect()["State"].take();
            match state["Health"]["Status"].as_str() {
                Some("healthy") => Ok(()),
                _ => Err(format!("{state:#}")),
            }
        });
        healthy.unwrap_or_else(|why| panic!("{why}\n{}", self.logs()));
    }

    /// Awaits that its log has a line that contains this.
    #[track_caller]
    pub fn await_line(&self, text: &str, patience: Duration) {
        let said = eventually(&format!("it says {text:?}"), patience, || match self.logs() {
            logs if logs.contains(text) => Ok(()),
            logs => Err(logs),
        });
        said.unwrap_or_else(|why| panic!("{why}"));
    }

    /// Its address in a network.
    #[track_caller]
    pub fn address(&self, network: &str) -> IpAddr {
        let told = self.inspect()["NetworkSettings"]["Networks"][network]["IPAddress"].take();
        let address = told.as_str().and_then(|text| text.parse().ok());
        address.unwrap_or_else(|| panic!("{} has no address in {network}: {told}", self.id))
    }

    /// Runs a program in it.
    pub fn exec(&self, args: &[&str]) -> Finished {
        docker(&[&["exec", self.id.as_str()], args].concat())
    }

    /// What it printed last.
    pub fn logs(&self) -> String {
        let Finished { stdout, stderr, .. } = docker(&["logs", "--tail", LINES_SHOWN, &self.id]);
        format!("{stdout}{stderr}")
    }
}
