//! Nodes whose clock is wrong by an hour.

use e2e::cluster::Options;
use e2e::trial::Trial;

#[test]
fn a_node_that_restarts_an_hour_ahead_or_behind_changes_nothing_that_others_see() {
    let mut trial = Trial::start("three nodes, one an hour wrong", Options::nodes(3));
    for (victim, seconds) in [(trial.leader(), 3600), (0, -3600)] {
        let killed = trial.kill(victim);
        trial.cluster.node_mut(victim).set_clock_offset(seconds);
        trial.cluster.node_mut(victim).start();
        let gap = trial.gap_since(killed);
        trial.note(&format!("a node restarted {seconds} s wrong: {gap}"));
        // With the wrong node back, the others go on.
        trial.cluster.node(victim).await_line("wrong time", e2e::cluster::PATIENCE);
        trial.calm(30);
        trial.kill(victim);
        trial.cluster.node_mut(victim).set_clock_offset(0);
        trial.revive(victim);
    }
    trial.finish();
}
