//! Prometheus, as Debian packages it: collects what consoles show, and judges alert rules.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tempfile::TempDir;

use crate::http::try_exchange;
use crate::output::Output;
use crate::program::{Finished, run};
use crate::server::scratch_dir;

/// The name of the job by which a cluster is found.
pub const JOB: &str = "esker";
/// How long Prometheus may take to start, and to answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// What it says once it answers, and what its address follows in its log.
const READY: &str = "Server is ready to receive web requests";
const LISTENS: &str = "msg=\"Listening on\" address=";

/// A running Prometheus, with a directory and a port of its own. Dropping it kills it.
pub struct Prometheus {
    child: Child,
    output: Output,
    address: SocketAddr,
    _data: TempDir,
}

/// One series of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Labels, the name of the metric among them (`__name__`).
    pub labels: Value,
    /// The value.
    pub value: f64,
}

impl Prometheus {
    /// Starts one that collects from these consoles every second, under these rules.
    ///
    /// # Panics
    /// If it does not start, or is not installed.
    pub fn start(consoles: &[SocketAddr], rules: &str) -> Prometheus {
        let data = scratch_dir();
        let write =
            |name: &str, text: &str| std::fs::write(data.path().join(name), text).expect("it is ours");
        write("alerts.yml", rules);
        write("prometheus.yml", &configuration(consoles));
        let mut command = Command::new("prometheus");
        command.arg("--config.file").arg(data.path().join("prometheus.yml"));
        command.arg("--storage.tsdb.path").arg(data.path().join("tsdb"));
        command.args(["--web.listen-address", "127.0.0.1:0"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let child = command.spawn();
        let mut child = child.unwrap_or_else(|error| panic!("prometheus: {error}; Debian packages it so"));
        let output = Output::default();
        output.collect(child.stderr.take().expect("piped"));
        let line = |text: &str| {
            let found = output.await_text(text, PATIENCE);
            found.unwrap_or_else(|why| panic!("no {text:?}: {why:?}\n{}", output.lines().join("\n")))
        };
        let listens = line(LISTENS);
        let (_, address) = listens.split_once(LISTENS).expect("it was looked for");
        let address = address.trim().parse().expect("an address");
        line(READY);
        Prometheus { child, output, address, _data: data }
    }

    /// The newest values of an expression. The error is what Prometheus says.
    pub fn query(&self, expression: &str) -> Result<Vec<Sample>, String> {
        let query = utf8_percent_encode(expression, NON_ALPHANUMERIC);
        let data = self.get(&format!("/api/v1/query?query={query}"))?;
        match (data["resultType"].as_str(), data["result"].as_array()) {
            (Some("vector"), Some(series)) => Ok(series.iter().map(sample).collect()),
            (Some("scalar"), _) => Ok(vec![sample(&serde_json::json!({ "value": data["result"] }))]),
            (other, _) => Err(format!("{expression}: a result of type {other:?}")),
        }
    }

    /// The rules as they were loaded.
    pub fn rules(&self) -> Result<Vec<Value>, String> {
        let data = self.get("/api/v1/rules")?;
        let groups = data["groups"].as_array().cloned().unwrap_or_default();
        Ok(groups.iter().flat_map(|group| group["rules"].as_array().cloned().unwrap_or_default()).collect())
    }

    /// The labels of the alerts that fire.
    pub fn firing(&self) -> Result<Vec<Value>, String> {
        let data = self.get("/api/v1/alerts")?;
        let alerts = data["alerts"].as_array().cloned().unwrap_or_default();
        Ok(alerts
            .iter()
            .filter(|alert| alert["state"] == "firing")
            .map(|alert| alert["labels"].clone())
            .collect())
    }

    fn get(&self, path: &str) -> Result<Value, String> {
        let request = format!("GET {path} HTTP/1.1\r\nhost: prometheus\r\nconnection: close\r\n\r\n");
        let reply = try_exchange(self.address, request.as_bytes(), PATIENCE);
        let reply = reply.map_err(|error| format!("{path}: {error}"))?;
        let answer: Value = serde_json::from_slice(&reply.body)
            .map_err(|error| format!("{path}: {}: {error}: {}", reply.status, reply.text()))?;
        match answer["status"].as_str() {
            Some("success") => Ok(answer["data"].clone()),
            _ => Err(format!("{path}: {answer}")),
        }
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            show(&self.output.lines());
        }
    }
}

#[allow(clippy::print_stderr, reason = "the test runner shows it with the failed test")]
fn show(lines: &[String]) {
    let tail = &lines[lines.len().saturating_sub(20)..];
    eprintln!("--- Prometheus' last lines ---\n{}", tail.join("\n"));
}

fn sample(series: &Value) -> Sample {
    let value = series["value"][1].as_str().and_then(|text| text.parse().ok());
    Sample { labels: series["metric"].clone(), value: value.unwrap_or(f64::NAN) }
}

fn configuration(consoles: &[SocketAddr]) -> String {
    let targets: Vec<String> = consoles.iter().map(|console| format!("\"{console}\"")).collect();
    format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\n\
         rule_files: [alerts.yml]\n\
         scrape_configs:\n  - job_name: {JOB}\n    static_configs:\n      - targets: [{}]\n",
        targets.join(", ")
    )
}

/// Runs `promtool ARGS` in `directory`.
///
/// # Panics
/// If it is not installed.
pub fn promtool(directory: &Path, args: &[&str]) -> Finished {
    run(Command::new("promtool").args(args).current_dir(directory))
}

/// What is made for those who collect metrics.
pub fn deployed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/observability")
}
