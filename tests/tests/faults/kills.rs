//! Nodes that are killed while clients write and read.

use e2e::cluster::Options;
use e2e::report::by_length;
use e2e::trial::{Gaps, Trial};
use std::time::Duration;

/// Most that a gateway may be without an answer while another node takes over.
const GAP_MAX: Duration = Duration::from_secs(6);

/// Most that a node may need for the few writes that it missed.
const WHOLE_MAX: Duration = Duration::from_secs(20);

#[test]
fn each_node_in_turn_is_killed_and_nothing_acknowledged_is_lost() {
    let mut trial = Trial::start("three nodes, each killed in turn", Options::nodes(3));
    for victim in 0..3 {
        let killed = trial.kill(victim);
        let gap = trial.gap_since(killed);
        assert!(gap.writes <= GAP_MAX && gap.reads <= GAP_MAX, "after node {victim} was killed: {gap}");
        trial.calm(30);
        let whole = trial.revive(victim);
        assert!(whole <= WHOLE_MAX, "what node {victim} missed was there only after {whole:?}");
        trial.calm(30);
    }
    trial.finish();
}

#[test]
fn leaders_are_killed_again_and_again_and_writes_go_on_soon() {
    let mut trial = Trial::start("three nodes, leaders killed", Options::nodes(3));
    let gaps: Vec<Gaps> = (0..by_length(5, 50))
        .map(|_| {
            let leader = trial.leader();
            let killed = trial.kill(leader);
            let gap = trial.gap_since(killed);
            assert!(gap.writes <= GAP_MAX && gap.reads <= GAP_MAX, "after the leader was killed: {gap}");
            trial.calm(10);
            trial.revive(leader);
            gap
        })
        .collect();
    trial.note(&format!("kill -9 of the leader, {}", Gaps::distribution(&gaps)));
    trial.finish();
}

#[test]
fn any_two_of_five_nodes_may_be_dead() {
    let options = Options::nodes(5).args(&["--replicas", "5", "--voters", "5"]);
    let mut trial = Trial::start("five nodes, two killed", options);
    for pair in [[0, 1], [2, 3], [4, 0]].iter().take(by_length(2, 3)) {
        let killed = trial.now();
        for victim in pair {
            trial.kill(*victim);
        }
        let gap = trial.gap_since(killed);
        trial.note(&format!("two of five killed at once: {gap}"));
        assert!(gap.writes <= GAP_MAX && gap.reads <= GAP_MAX, "after {pair:?} were killed: {gap}");
        trial.calm(20);
        pair.iter().for_each(|victim| trial.cluster.node_mut(*victim).start());
        trial.await_whole();
    }
    trial.finish();
}
