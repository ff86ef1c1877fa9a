//! A cluster that Prometheus watches.

use e2e::bucket::{Bucket, State};
use e2e::cluster::{Cluster, Node, Options};
use e2e::payload;
use e2e::prometheus::{Prometheus, deployed};
use e2e::wait::eventually;
use serde_json::Value;
use std::time::Duration;

/// How long an alert may take to fire, on a machine that has other things to do.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// The rules, but for their patience: what is to last for minutes is to last for a second.
fn impatient() -> String {
    let rules = std::fs::read_to_string(deployed().join("alerts.yml")).expect("it is there");
    let lines = rules.lines().map(|line| match line.split_once("for: ") {
        Some((indent, _)) if indent.trim().is_empty() => format!("{indent}for: 1s\n"),
        _ => format!("{line}\n"),
    });
    lines.collect()
}

/// A cluster and its Prometheus.
pub(crate) struct Watched {
    /// Ends before the cluster does.
    pub(crate) prometheus: Prometheus,
    pub(crate) cluster: Cluster,
}

impl Watched {
    /// Three nodes that have served some requests, and are seen to be up.
    pub(crate) async fn start() -> Watched {
        let cluster = Cluster::start(Options::nodes(3));
        let consoles: Vec<_> = cluster.nodes().iter().map(Node::console).collect();
        let prometheus = Prometheus::start(&consoles, &impatient());
        let watched = Watched { prometheus, cluster };
        let bucket = Bucket::create(watched.cluster.node(0), State::Unversioned).await;
        for number in 0..20 {
            let key = format!("key-{number}");
            bucket.put(&key, &payload::bytes(number, 40_000)).await;
            bucket.get(&key).await.expect("it was put");
        }
        watched.await_that("every node is up", |prometheus| match prometheus.query("sum(up)")?[..] {
            [ref sum] if sum.value == 3.0 => Ok(()),
            ref other => Err(format!("{other:?}")),
        });
        watched
    }

    /// Asks Prometheus until there is no reason to wait any more.
    #[track_caller]
    pub(crate) fn await_that<T>(&self, what: &str, check: impl Fn(&Prometheus) -> Result<T, String>) -> T {
        eventually(what, PATIENCE, || check(&self.prometheus)).unwrap_or_else(|why| panic!("{why}"))
    }

    /// Awaits that an alert fires; returns its labels.
    #[track_caller]
    pub(crate) fn await_alert(&self, name: &str) -> Value {
        self.await_that(name, |prometheus| {
            let firing = prometheus.firing()?;
            let found = firing.iter().find(|labels| labels["alertname"] == name).cloned();
            found.ok_or_else(|| format!("what fires is {firing:?}"))
        })
    }

    /// Awaits that an alert does not fire any more.
    #[track_caller]
    pub(crate) fn await_no_alert(&self, name: &str) {
        self.await_that(&format!("no {name}"), |prometheus| {
            let firing = prometheus.firing()?;
            match firing.iter().any(|labels| labels["alertname"] == name) {
                true => Err(format!("what fires is {firing:?}")),
                false => Ok(()),
            }
        });
    }
}
