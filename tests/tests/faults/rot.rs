//! Bytes that a disk changed.

use e2e::cluster::Options;
use e2e::payload::Payload;
use e2e::trial::Trial;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// How many bytes of a replica are changed.
const FLIPS: u64 = 40;

#[test]
fn changed_bytes_of_a_replica_are_never_read_and_are_repaired() {
    let mut trial = Trial::start("three nodes, bytes of one changed", Options::nodes(3));
    trial.await_writes(600);
    trial.kill(1);
    let flipped = flip(&trial.cluster.node(1).data_dir().join("segments"));
    trial.note(&format!("{flipped} bytes of the segments of one node were changed"));
    trial.revive(1);
    trial.calm(20);
    let mut judged = trial.finish();
    judged.read_all_through(1);
    judged.await_replicated(1);
    judged.read_all_without_each_other(1);
    // A node that scrubs it all again from its start finds nothing.
    judged.cluster.node_mut(1).restart();
    judged.cluster.await_healthy();
    judged.read_all_through(1);
    let lines = judged.cluster.node(1).lines();
    let damaged: Vec<_> = lines.iter().filter(|line| line.contains("do not verify")).collect();
    assert!(damaged.is_empty(), "{damaged:?}");
}

/// Changes bytes where there is data; how many.
fn flip(segments: &Path) -> u64 {
    let mut random = Payload::new(17);
    let mut flipped = 0;
    let files = std::fs::read_dir(segments).expect("the node has segments");
    for path in files.map(|entry| entry.expect("it is there").path()).filter(|path| path.is_file()) {
        let file = std::fs::OpenOptions::new().write(true).open(&path).expect("it is ours");
        let bytes = std::fs::read(&path).expect("it is ours");
        // Behind the last blob lies space that was only reserved.
        let Some(last) = bytes.iter().rposition(|byte| *byte != 0) else { continue };
        for _ in 0..FLIPS {
            let at = random.next_word() % (last as u64 + 1);
            let byte = bytes[usize::try_from(at).expect("it is in the file")];
            file.write_all_at(&[byte ^ 0x20], at).expect("it is ours");
            flipped += 1;
        }
    }
    flipped
}
