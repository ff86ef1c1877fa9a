//! Nodes that lost a disk of several, with a part of what they had.

use crate::support::{Options, World};
use esker_types::{BlobId, NodeId, NodeState};
use std::time::Duration;

const FIRST: NodeId = NodeId(1);
const SECOND: NodeId = NodeId(2);
const THIRD: NodeId = NodeId(3);
const FOURTH: NodeId = NodeId(4);

/// A part of all blobs.
fn some(blob: BlobId) -> bool {
    blob.data.as_bytes().iter().fold(0_u8, |sum, byte| sum ^ byte).count_ones() % 2 == 0
}

#[tokio::test(start_paused = true)]
async fn what_was_lost_with_a_disk_is_fetched_at_once() {
    let world = World::start(Options::default()).await;
    world.client.upload_many(200).await;
    world.settle().await;
    let before = world.disk(SECOND).blobs();
    world.disk(SECOND).lose_part(some);
    assert!(world.disk(SECOND).blobs().len() < before.len());
    world.until("it has all again", |world| world.disk(SECOND).is_whole()).await;
    assert_eq!(world.disk(SECOND).blobs(), before);
    world.settle().await;
}

#[tokio::test(start_paused = true)]
async fn a_loss_is_made_up_for_after_a_restart_too_and_a_second_one_as_well() {
    let mut world = World::start(Options::default()).await;
    world.client.upload_many(100).await;
    world.settle().await;
    let before = world.disk(SECOND).blobs();
    world.kill(SECOND).await;
    world.disk(SECOND).lose_part(some);
    world.restart(SECOND);
    world.until("it has all again", |world| world.disk(SECOND).is_whole()).await;
    world.disk(SECOND).lose_part(|blob| !some(blob));
    world.until("it has all once more", |world| world.disk(SECOND).is_whole()).await;
    assert_eq!(world.disk(SECOND).blobs(), before);
}

#[tokio::test(start_paused = true)]
async fn two_nodes_that_both_lost_something_complete_one_another() {
    let world = World::start(Options::default()).await;
    world.client.upload_many(200).await;
    world.settle().await;
    let before = world.disk(FIRST).blobs();
    world.disk(FIRST).lose_part(some);
    world.disk(SECOND).lose_part(|blob| !some(blob));
    world
        .until("both have all again", |world| world.disk(FIRST).is_whole() && world.disk(SECOND).is_whole())
        .await;
    world.settle().await;
    assert_eq!((world.disk(FIRST).blobs(), world.disk(SECOND).blobs()), (before.clone(), before));
}

/// What is on two nodes of three, of which one lost it and the other can't be asked, must not be left behind by a move to
/// which the lists of the first and the third would be enough.
#[tokio::test(start_paused = true)]
async fn no_move_counts_the_list_of_a_node_that_lost_something() {
    let mut world = World::start(Options::default()).await;
    world.cut_off(THIRD, true);
    world.client.upload_many(60).await;
    world.cut_off(FIRST, true);
    world.disk(SECOND).lose_part(|_| true);
    world.cut_off(THIRD, false);
    world.add(FOURTH);
    world.set_state(THIRD, NodeState::Draining);
    world.pass(Duration::from_secs(120)).await;
    assert!(!world.disk(SECOND).is_whole(), "the only node that has it all is silent");
    assert_eq!(world.shares().get(&FOURTH), None, "no group has come to its new nodes yet");
    world.cut_off(FIRST, false);
    world.until("it has all again", |world| world.disk(SECOND).is_whole()).await;
    world.until("the third is empty", |world| !world.shares().contains_key(&THIRD)).await;
    world.settle().await;
    world.client.read_all().await;
}
