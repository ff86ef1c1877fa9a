//! Nodes that miss writes, and nodes that lose everything.

use e2e::cluster::Options;
use e2e::trial::Trial;

#[test]
fn a_node_that_missed_a_thousand_writes_gets_all_of_their_data() {
    let mut trial = Trial::start("three nodes, one away for 1,000 writes", Options::nodes(3));
    trial.kill(2);
    trial.await_writes(1_000);
    trial.revive(2);
    trial.calm(10);
    let mut judged = trial.finish();
    judged.await_replicated(2);
    judged.read_all_without_each_other(2);
}

#[test]
fn a_node_whose_directory_was_deleted_under_load_is_rebuilt() {
    let mut trial = Trial::start("three nodes, one directory deleted", Options::nodes(3));
    trial.await_writes(300);
    trial.kill(1);
    trial.cluster.node_mut(1).wipe();
    trial.revive(1);
    trial.calm(10);
    let mut judged = trial.finish();
    judged.await_replicated(1);
    judged.read_all_without_each_other(1);
}
