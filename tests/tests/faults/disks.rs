//! Nodes with several disks, of which one fails.

use e2e::cluster::{Options, PATIENCE, Status};
use e2e::http;
use e2e::server::scratch_dir;
use e2e::trial::Trial;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The node whose disk fails, and who is asked about it.
const VICTIM: usize = 1;
const OTHER: usize = 0;
/// What `ioctl` needs to make a file system fail every operation from now on, as one does whose device is gone; 2 is the
/// way that writes nothing any more.
const SHUT_DOWN: &str = "import fcntl, os, struct, sys\n\
    fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack('I', 2))";

/// A file system of its own on a data directory.
struct Mount {
    at: PathBuf,
    image: PathBuf,
}

#[track_caller]
fn run(program: &str, args: &[&str]) {
    let done = Command::new(program).args(args).output();
    let done = done.unwrap_or_else(|error| panic!("{program} can't be run: {error}"));
    let text = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{program} {args:?} (it needs root on Linux): {text}");
}

fn text(path: &Path) -> &str {
    path.to_str().expect("test paths are text")
}

impl Mount {
    fn new(root: &Path, at: PathBuf) -> Mount {
        let image = root.join("image");
        let file = std::fs::File::create(&image).expect("it is ours");
        file.set_len(400 << 20).expect("it is ours");
        run("mkfs.ext4", &["-q", "-F", text(&image)]);
        std::fs::create_dir_all(&at).expect("it is ours");
        let mount = Mount { at, image };
        mount.mount();
        mount
    }

    fn mount(&self) {
        run("mount", &["-o", "loop", text(&self.image), text(&self.at)]);
    }

    /// Lets it fail.
    fn shut_down(&self) {
        run("python3", &["-c", SHUT_DOWN, text(&self.at)]);
    }

    /// Leaves an empty directory.
    fn unmount(&self) {
        run("umount", &[text(&self.at)]);
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.at).output();
    }
}

/// What a status says of the victim's data directories.
fn disk(status: &Status, address: &str) -> Value {
    let nodes = status.value()["nodes"].as_array().into_iter().flatten();
    nodes.into_iter().find(|node| node["address"] == address).map_or(Value::Null, |node| node["disk"].clone())
}

/// Awaits that the data disk of the victim is in this state, and that all that was on it is elsewhere.
fn await_repaired(trial: &Trial, state: &str, because: &str) {
    let address = trial.cluster.node(VICTIM).cluster_address();
    trial.cluster.await_status(OTHER, state, PATIENCE * 3, |status| {
        let disk = disk(status, &address);
        let dir = &disk["data_dirs"][1];
        let numbers = ["moving", "under_replicated", "repairs"].map(|name| status.data(name));
        let known = dir["reason"].as_str().is_some_and(|reason| reason.contains(because));
        let told = status.problems().iter().any(|problem| problem.contains("-disk-1"));
        if dir["state"] != state || !known || !told {
            Err(format!("not told of: {:?} {disk:#}", status.problems()))
        } else if disk["lacking"] != false || dir["blobs"] != 0 || numbers != [Some(0); 3] {
            Err(format!("not all is repaired: {numbers:?} {disk:#}"))
        } else {
            Ok(())
        }
    });
}

#[test]
fn a_data_disk_that_fails_is_taken_out_and_what_it_had_is_repaired() {
    let root = scratch_dir();
    let options = Options::nodes(3).data(root.path().to_owned()).disks(1);
    let mount = Mount::new(root.path(), root.path().join(format!("node-{}-disk-1", VICTIM + 1)));
    let mut trial = Trial::start("three nodes with two disks each, a disk that fails", options);
    trial.await_writes(400);
    let address = trial.cluster.node(VICTIM).cluster_address();
    let there = trial.cluster.await_status(OTHER, "blobs on both disks", PATIENCE, |status| {
        let blobs = disk(status, &address)["data_dirs"][1]["blobs"].as_u64();
        blobs.filter(|blobs| *blobs > 20).ok_or_else(|| format!("{blobs:?}"))
    });

    let failed = trial.now();
    mount.shut_down();
    let gap = trial.gap_since(failed);
    trial.note(&format!("a data disk with {there} blobs failed: {gap}"));
    await_repaired(&trial, "retired", "error");
    trial.await_writes(200);
    let victim = trial.cluster.node(VICTIM);
    assert!(!victim.has_ended(), "{}", victim.logs());
    let ready = victim.ready_text().expect("the node serves on");
    let told: Value = serde_json::from_str(&ready).expect("JSON");
    let remarked = told["remarks"][0].as_str().is_some_and(|remark| remark.contains("-disk-1"));
    assert!(told["status"] == "ok" && remarked, "{ready}");
    let metrics = http::metrics(victim);
    let in_use = |disk: &Path| format!("esker_storage_disk_in_use{{disk=\"{}\"}}", disk.display());
    let shows = |name: String, value: u64| {
        assert!(metrics.contains(&format!("{name} {value}\n")), "{name}: {metrics}")
    };
    shows(in_use(victim.data_dir()), 1);
    shows(in_use(&victim.disk_dir(1)), 0);
    let table = trial.cluster.admin(OTHER, &["status"]).stdout;
    assert!(table.contains("retired") && table.contains("node-2-disk-1"), "{table}");

    // The disk is not there at the next start: what was written since the failure is all on the other one.
    trial.kill(VICTIM);
    mount.unmount();
    trial.cluster.node_mut(VICTIM).start();
    await_repaired(&trial, "out", "empty");
    trial.expect_up(VICTIM);
    trial.await_served_since(trial.now());
    let left = std::fs::read_dir(&mount.at).expect("it is ours").count();
    assert_eq!(left, 0, "nothing is written where a disk is to be mounted");

    // A new one takes its place.
    let replaced = ["--replace-data-dir".to_owned(), mount.at.display().to_string()];
    trial.cluster.node_mut(VICTIM).add_args(&replaced);
    for _ in 0..2 {
        // The first start tells of the disk that was replaced; when all is made up for, the second forgets it.
        trial.kill(VICTIM);
        trial.cluster.node_mut(VICTIM).start();
        trial.cluster.await_status(OTHER, "all is there", PATIENCE * 3, |status| {
            match disk(status, &address) {
                disk if disk["lacking"] == false && disk["data_dirs"][1]["state"] == "sound" => Ok(()),
                disk => Err(format!("{disk:#}")),
            }
        });
    }
    trial.await_whole();
    trial.calm(10);
    let mut judged = trial.finish();
    judged.await_replicated(VICTIM);
    judged.read_all_without_each_other(VICTIM);
}
