//! Nodes that stop in their tracks, with all their connections open.

use e2e::cluster::Options;
use e2e::report::by_length;
use e2e::trial::{Gaps, Trial};
use std::time::Duration;

/// Most that a gateway may be without an answer while a node is frozen.
const GAP_MAX: Duration = Duration::from_secs(8);

#[test]
fn leaders_and_followers_freeze_and_the_others_go_on() {
    let mut trial = Trial::start("three nodes, frozen in turn", Options::nodes(3));
    let mut gaps = Vec::new();
    for round in 0..by_length(2, 10) {
        let leader = trial.leader();
        let victim = if round % 2 == 0 { leader } else { (leader + 1) % 3 };
        let frozen = trial.expect_down(victim);
        trial.cluster.node(victim).pause();
        let gap = trial.gap_since(frozen);
        assert!(gap.writes <= GAP_MAX && gap.reads <= GAP_MAX, "after node {victim} froze: {gap}");
        gaps.push(gap);
        trial.calm(20);
        trial.cluster.node(victim).resume();
        trial.await_whole();
    }
    trial.note(&format!("SIGSTOP, {}", Gaps::distribution(&gaps)));
    trial.finish();
}
