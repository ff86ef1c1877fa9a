//! Nodes that are gone for good leave no trace.

use crate::support::{Options, World};
use esker_types::{NodeId, NodeState};
use std::time::Duration;

const FOURTH: NodeId = NodeId(4);

#[tokio::test(start_paused = true)]
async fn what_is_recorded_for_a_node_is_forgotten_as_soon_as_it_is_gone() {
    let mut world = World::start(Options { nodes: 4, ..Options::default() }).await;
    // Not when it is looked at from time to time anyway.
    world.pass(Duration::from_secs(70)).await;
    world.kill(FOURTH).await;
    world.client.upload_many(30).await;
    assert!(world.index.summary().repairs > 0);
    world.set_state(FOURTH, NodeState::Lost);
    world.pass(Duration::from_secs(5)).await;
    assert_eq!(world.index.summary().repairs, 0);
    world.settle().await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_node_is_removed_once_no_placement_and_no_group_names_it() {
    let mut world = World::start(Options { nodes: 4, ..Options::default() }).await;
    world.client.upload_many(30).await;
    world.kill(FOURTH).await;
    world.unseat(NodeId(3));
    world.unseat(FOURTH);
    world.set_state(FOURTH, NodeState::Lost);
    world.settle().await;
    world.until("it is removed", |world| world.state_of(FOURTH) == NodeState::Removed).await;
    world.kill(NodeId(3)).await;
    world.set_state(NodeId(3), NodeState::Lost);
    world.pass(Duration::from_secs(600)).await;
    assert_eq!(world.state_of(NodeId(3)), NodeState::Lost, "sets name it, since nobody can take its place");
}

#[tokio::test(start_paused = true)]
async fn a_lost_node_stays_as_long_as_it_has_a_seat_in_a_group() {
    let mut world = World::start(Options { nodes: 4, ..Options::default() }).await;
    world.kill(FOURTH).await;
    world.set_state(FOURTH, NodeState::Lost);
    world.settle().await;
    world.pass(Duration::from_secs(600)).await;
    assert_eq!(world.state_of(FOURTH), NodeState::Lost);
    world.unseat(FOURTH);
    world.until("it is removed", |world| world.state_of(FOURTH) == NodeState::Removed).await;
}

#[tokio::test(start_paused = true)]
async fn nodes_that_are_silent_together_are_not_declared_lost_while_they_may_have_what_no_other_has() {
    let lost_after = Some(Duration::from_secs(600));
    let mut world = World::start(Options { nodes: 5, lost_after, ..Options::default() }).await;
    world.cut_off(NodeId(1), true);
    world.client.upload_many(100).await;
    world.kill(NodeId(4)).await;
    world.kill(NodeId(5)).await;
    world.cut_off(NodeId(1), false);
    world.pass(Duration::from_secs(3000)).await;
    for node in [NodeId(4), NodeId(5)] {
        assert_eq!(world.state_of(node), NodeState::Active);
    }
    world.restart(NodeId(4));
    world.restart(NodeId(5));
    world.settle().await;
}
