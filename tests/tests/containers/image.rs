//! The image alone: who its process is, what it may write, and how it ends.

use e2e::compose::{Container, PATIENCE, docker, docker_ok, esker_image};
use e2e::server::scratch_dir;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::Path;
use std::time::{Duration, Instant};

/// The user of the image.
const NOBODY: u32 = 65532;
/// Far above what stopping takes, and far below what Docker is told to wait before it kills.
const STOP_SECONDS: u32 = 60;

/// A container of the image alone. Dropping it removes it, and its volume.
struct Alone(Container);

impl Alone {
    /// Starts it on a read-only root file system and without any capability.
    #[track_caller]
    fn start(options: &[&str], command: &[&str]) -> Alone {
        let image = esker_image();
        let hardened = ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"];
        let args = [&["run", "--detach"], &hardened[..], options, &[image.as_str()], command].concat();
        Alone(Container { id: docker_ok(&args) })
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        docker(&["rm", "--force", "--volumes", &self.0.id]);
    }
}

#[test]
fn the_process_is_nobody_in_a_root_that_nobody_can_write() {
    let node = Alone::start(&[], &[]);
    node.0.await_healthy(PATIENCE);
    let told = node.0.inspect();
    assert_eq!(told["Config"]["User"], format!("{NOBODY}:{NOBODY}"));
    assert_eq!(told["HostConfig"]["ReadonlyRootfs"], true);
    let process = told["State"]["Pid"].as_u64().expect("it runs");
    let owner = std::fs::metadata(format!("/proc/{process}")).expect("it runs");
    assert_eq!((owner.uid(), owner.gid()), (NOBODY, NOBODY), "process {process}");
    let shell = node.0.exec(&["/bin/sh", "-c", "true"]);
    assert_ne!(shell.code, Some(0), "there is no shell to run: {shell:?}");
    assert_eq!(node.0.stop(STOP_SECONDS), 0, "{}", node.0.logs());
}

#[test]
fn a_folder_of_another_user_is_refused_with_what_to_do() {
    let folder = scratch_dir();
    let node = Alone::start(&["--volume", &mount(folder.path())], &[]);
    assert_ne!(node.0.await_end(PATIENCE), 0);
    let logs = node.0.logs();
    assert!(logs.contains(&format!("chown -R {NOBODY}:{NOBODY}")) && logs.contains("/data"), "{logs}");
}

#[test]
fn a_folder_serves_once_it_belongs_to_the_user_or_the_user_is_its_owner() {
    let folder = scratch_dir();
    chown(folder.path(), Some(NOBODY), Some(NOBODY)).expect("these tests are root's, as Docker is");
    let node = Alone::start(&["--volume", &mount(folder.path())], &[]);
    node.0.await_healthy(PATIENCE);
    drop(node);

    let folder = scratch_dir();
    chown(folder.path(), Some(4321), Some(4321)).expect("these tests are root's, as Docker is");
    let node = Alone::start(&["--volume", &mount(folder.path()), "--user", "4321:4321"], &[]);
    node.0.await_healthy(PATIENCE);
    let marker = std::fs::metadata(folder.path().join("esker.marker")).expect("the data is there");
    assert_eq!(marker.uid(), 4321);
}

/// The first process of a container gets no signal that it has not asked for: one that asks late is killed after the
/// grace period, whatever it does then.
#[test]
fn a_node_that_waits_for_its_peers_stops_when_it_is_told_to() {
    let waits = ["server", "--cluster-address", "a.invalid:9100", "--cluster-listen", "0.0.0.0:9100"];
    let peers = ["--cluster-secret", "0123456789abcdef", "--peers", "a.invalid:9100,b.invalid:9100"];
    let node = Alone::start(&[], &[&waits[..], &peers[..]].concat());
    node.0.await_line("waiting for", PATIENCE);
    let begun = Instant::now();
    assert_eq!(node.0.stop(STOP_SECONDS), 0, "137 is what a kill leaves: {}", node.0.logs());
    assert!(begun.elapsed() < Duration::from_secs(STOP_SECONDS.into()), "{:?}", begun.elapsed());
}

fn mount(folder: &Path) -> String {
    format!("{}:/data", folder.canonicalize().expect("it is there").display())
}
