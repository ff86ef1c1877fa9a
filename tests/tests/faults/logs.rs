//! Logs whose end a crash tore, and logs that rotted.

use e2e::cluster::{Cluster, Options, PATIENCE};
use e2e::payload;
use e2e::report::by_length;
use e2e::trial::Trial;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

/// The file that the log of a node ends in.
fn log(cluster: &Cluster, index: usize) -> PathBuf {
    let folder = cluster.node(index).data_dir().join("wal");
    let files = std::fs::read_dir(folder).expect("the node has a log");
    let files = files.map(|entry| entry.expect("it is there").path());
    files.filter(|path| path.extension().is_some_and(|kind| kind == "wal")).max().expect("it has a file")
}

/// Where the zeros behind the last record begin.
fn end(path: &PathBuf) -> u64 {
    let bytes = std::fs::read(path).expect("it is ours");
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last as u64 + 1)
}

#[test]
fn a_record_that_a_crash_tore_is_cut_off_and_nothing_else_is() {
    let mut trial = Trial::start("three nodes, logs torn", Options::nodes(3));
    let rounds = by_length(3_u64, 12);
    for round in 0..rounds {
        let victim = usize::try_from(round % 3).expect("below 3");
        trial.kill(victim);
        let path = log(&trial.cluster, victim);
        let file = std::fs::OpenOptions::new().write(true).open(&path).expect("it is ours");
        // What a power cut leaves of a write that was under way.
        let torn = payload::bytes(round, usize::try_from(1 + round * 97 % 700).expect("a few"));
        file.write_all_at(&torn, end(&path)).expect("it is ours");
        trial.revive(victim);
        trial.calm(10);
    }
    trial.note(&format!("a torn record at the end of a log, {rounds} times"));
    trial.finish();
}

#[test]
fn a_node_whose_log_rotted_refuses_to_start_and_comes_back_from_nothing() {
    let mut trial = Trial::start("three nodes, a log rotten", Options::nodes(3));
    trial.await_writes(200);
    trial.kill(2);
    let path = log(&trial.cluster, 2);
    let bytes = std::fs::read(&path).expect("it is ours");
    let middle = end(&path) / 2;
    // What lies between two records is zeros, and says nothing.
    let record = (0_u64..).zip(&bytes).skip_while(|(at, byte)| *at < middle || **byte == 0).nth(40);
    let (at, byte) = record.expect("it is no end");
    let file = std::fs::OpenOptions::new().write(true).open(&path).expect("it is ours");
    file.write_all_at(&[byte ^ 1], at).expect("it is ours");
    trial.cluster.node_mut(2).start();
    let status = trial.cluster.node_mut(2).await_exit(PATIENCE);
    assert!(!status.success(), "{}", trial.cluster.node(2).logs());
    trial.calm(10);
    trial.cluster.node_mut(2).wipe();
    trial.revive(2);
    trial.calm(10);
    trial.finish().await_replicated(2);
}
