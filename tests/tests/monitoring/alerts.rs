//! Alerts on a cluster to which happens what they are for.

use crate::watched::{PATIENCE, Watched};
use e2e::cluster::Node;
use e2e::output::Output;
use e2e::wait::eventually;
use e2e::{payload, sdk};
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Alerts about the machine on which the test runs: its disk, and how busy it is.
const OF_THE_MACHINE: [&str; 5] =
    ["EskerDiskNearlyFull", "EskerDiskFillsUp", "EskerDiskSlow", "EskerCommitsSlow", "EskerElections"];

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_loses_node_after_node_is_told_of_by_what_it_lacks() {
    let mut watched = Watched::start().await;
    let rules = watched.prometheus.rules().expect("the rules");
    let ill: Vec<_> = rules.iter().filter(|rule| rule["health"] == "err").collect();
    assert!(rules.len() == 21 && ill.is_empty(), "{} rules, {ill:?}", rules.len());
    watched.await_that("nothing to tell", |prometheus| {
        let told = prometheus.firing()?;
        let of_esker = |name: &str| !OF_THE_MACHINE.contains(&name);
        let told: Vec<_> =
            told.iter().filter(|labels| labels["alertname"].as_str().is_some_and(of_esker)).collect();
        if told.is_empty() { Ok(()) } else { Err(format!("{told:?}")) }
    });

    let lost = watched.cluster.node(2).cluster_address();
    let console = watched.cluster.node(2).console().to_string();
    watched.cluster.node_mut(2).kill9();
    let down = watched.await_alert("EskerNodeDown");
    assert_eq!(down["instance"].as_str(), Some(console.as_str()));
    // A node that answered just now is not declared lost.
    let replaced = eventually("the node is given up", PATIENCE, || {
        let told = watched.cluster.admin(0, &["node", "replace", &lost]);
        if told.code == Some(0) { Ok(()) } else { Err(told.stderr) }
    });
    replaced.unwrap_or_else(|why| panic!("{why}"));
    watched.await_alert("EskerUnderReplicated");
    watched.await_alert("EskerNodeLost");
    watched.await_no_alert("EskerNoQuorum");

    watched.cluster.node_mut(1).kill9();
    let silent = watched.await_alert("EskerNoQuorum");
    assert_eq!(silent["severity"], "critical");
    watched.await_alert("EskerWritesUnavailable");
    watched.cluster.node_mut(1).start();
    watched.await_no_alert("EskerNoQuorum");
    watched.await_no_alert("EskerWritesUnavailable");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_can_not_make_a_write_durable_is_told_of() {
    let watched = Watched::start().await;
    let node = watched.cluster.node(1);
    let failing = FailingSyncs::of(node);
    // Each blob is on each node, and two of three are enough.
    let client = sdk::client(watched.cluster.node(0));
    client.create_bucket().bucket("failing").send().await.expect("no data, no harm");
    let put = client.put_object().bucket("failing").key("key").body(payload::bytes(1, 300_000).into());
    put.send().await.expect("the others have it");
    let failed = watched.await_alert("EskerDiskFailed");
    assert_eq!(failed["instance"].as_str(), Some(node.console().to_string().as_str()));
    drop(failing);
    let not_ready = node.ready().expect_err("its disk takes nothing");
    assert!(not_ready.contains("retired"), "{not_ready}");
}

/// Makes every fdatasync of a node's segments fail, until it is dropped.
struct FailingSyncs(Child);

impl FailingSyncs {
    /// # Panics
    /// If this machine has no `strace`, or does not let it trace.
    fn of(node: &Node) -> FailingSyncs {
        let mut command = Command::new("strace");
        command.args(["-f", "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO"]);
        let segments = segments(node.data_dir());
        assert!(!segments.is_empty(), "no segments in {}", node.data_dir().display());
        command.args(segments.iter().flat_map(|path| [OsStr::new("-P"), path.as_os_str()]));
        command.args(["-p", &node.pid().to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("strace: {error}"));
        let output = Output::default();
        output.collect(child.stderr.take().expect("piped"));
        let failing = FailingSyncs(child);
        let attached = output.await_text("attached", PATIENCE);
        attached.unwrap_or_else(|why| panic!("strace: {why:?}: {}", output.lines().join("\n")));
        failing
    }
}

impl Drop for FailingSyncs {
    fn drop(&mut self) {
        // Told to end, it lets go of the node; killed, it might take the node with it.
        let pid = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw);
        let _ = pid.map(|pid| kill_process(pid, Signal::INT));
        let _ = self.0.wait();
    }
}

/// The segment files below a directory.
fn segments(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).expect("a directory");
    let paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    let (directories, files): (Vec<_>, Vec<_>) = paths.into_iter().partition(|path| path.is_dir());
    let mut found: Vec<PathBuf> =
        files.into_iter().filter(|path| path.extension().is_some_and(|end| end == "seg")).collect();
    directories.iter().for_each(|directory| found.extend(segments(directory)));
    found
}
