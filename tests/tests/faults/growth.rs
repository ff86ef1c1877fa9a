//! Nodes that are added, drained and removed under load.

use e2e::cluster::{Options, PATIENCE};
use e2e::trial::Trial;

#[test]
fn a_fourth_node_takes_its_share_under_load_and_gives_it_back_when_it_is_drained() {
    let mut trial = Trial::start("three nodes, a fourth comes and goes", Options::nodes(3));
    trial.await_writes(200);
    let fourth = trial.cluster.add();
    let address = trial.cluster.node(fourth).cluster_address();
    let share = trial.cluster.await_status(0, "the fourth has its share", PATIENCE, |status| {
        let node = status.active(&address).ok_or("it has not joined")?;
        match (status.data("moving"), status.data("to_move"), node.placement_groups) {
            (Some(0), Some(0), groups @ 80..) => Ok(groups),
            waiting => Err(format!("moving, to move, its groups: {waiting:?}")),
        }
    });
    assert!(share <= 112, "a quarter of 3 * 128 replicas, about: {share}");
    trial.use_gateway(fourth);
    trial.await_whole();
    trial.calm(20);
    trial.cluster.admin(0, &["node", "drain", &address]).success();
    trial.cluster.await_status(0, "the fourth is empty", PATIENCE, |status| {
        let node = status.nodes().into_iter().find(|node| node.address == address);
        let node = node.ok_or("it is unknown")?;
        match (status.data("moving"), node.placement_groups, node.blobs) {
            (Some(0), 0, Some(0)) => Ok(()),
            waiting => Err(format!("moving, its groups, its blobs: {waiting:?}")),
        }
    });
    trial.calm(20);
    trial.expect_down(fourth);
    trial.cluster.admin(0, &["node", "remove", &address]).success();
    trial.cluster.node_mut(fourth).await_exit(PATIENCE);
    trial.calm(20);
    trial.note(&format!("a fourth node got {share} of 128 placement groups, was drained and removed"));
    trial.finish();
}
