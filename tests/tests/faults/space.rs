//! A node whose disk is full.

use e2e::cluster::Options;
use e2e::server::scratch_dir;
use e2e::trial::Trial;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A small file system of its own, mounted on a node's directory.
struct Mount(PathBuf);

impl Mount {
    fn small(path: PathBuf) -> Mount {
        std::fs::create_dir_all(&path).expect("it is ours");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=400m", "none"]).arg(&path).status();
        assert!(mounted.is_ok_and(|status| status.success()), "mounting a tmpfs needs root on Linux");
        Mount(path)
    }

    /// Takes all space but so many bytes.
    fn fill(&self, left: u64) {
        let mut file = std::fs::File::create(self.filler()).expect("it is ours");
        while file.write_all(&[7; 64 << 10]).is_ok() {}
        let length = file.metadata().expect("it is there").len();
        file.set_len(length - left).expect("it is ours");
    }

    fn empty(&self) {
        std::fs::remove_file(self.filler()).expect("it is there");
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn node_dir(root: &Path, index: usize) -> PathBuf {
    root.join(format!("node-{}", index + 1))
}

/// A cluster whose nodes have a small disk each.
fn trial(name: &str) -> (Trial, Vec<Mount>, TempDir) {
    let root = scratch_dir();
    let mounts = (0..3).map(|index| Mount::small(node_dir(root.path(), index))).collect();
    let options = Options::nodes(3).data(root.path().to_owned());
    (Trial::start(name, options), mounts, root)
}

#[test]
fn a_node_without_space_for_data_serves_on_with_the_space_of_others() {
    let (mut trial, mounts, _root) = trial("three nodes, a disk nearly full");
    for victim in [trial.leader(), (trial.leader() + 1) % 3] {
        let filled = trial.now();
        // Below what is kept free for the index, and above what the index needs to go on.
        mounts[victim].fill(4 << 20);
        let gap = trial.gap_since(filled);
        trial.note(&format!("the disk of a node nearly full: {gap}"));
        trial.await_writes(200);
        assert!(!trial.cluster.node(victim).has_ended(), "{}", trial.cluster.node(victim).logs());
        mounts[victim].empty();
        trial.await_whole();
        trial.calm(10);
    }
    trial.finish().await_replicated(0);
}

#[test]
fn a_node_whose_disk_is_full_to_the_last_byte_stops_nobody_and_recovers_with_space() {
    let (mut trial, mounts, _root) = trial("three nodes, a disk full to the last byte");
    for victim in [trial.leader(), (trial.leader() + 1) % 3] {
        let filled = trial.expect_down(victim);
        mounts[victim].fill(0);
        let gap = trial.gap_since(filled);
        trial.note(&format!("the disk of a node full to the last byte: {gap}"));
        trial.await_writes(200);
        mounts[victim].empty();
        // It may have ended, or refuse writes for good; either way its operator starts it again.
        trial.cluster.node_mut(victim).restart();
        trial.await_whole();
        trial.calm(10);
    }
    trial.finish().await_replicated(0);
}
