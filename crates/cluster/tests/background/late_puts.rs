//! Puts that are under way while their group moves and what they have stored already is destroyed: whatever they are told,
//! those that join come to have what was acknowledged.

use crate::support::{Options, World};
use esker_rpc::StorageError;
use esker_types::{DataId, NodeId, NodeState};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

const FIRST: NodeId = NodeId(1);
const SECOND: NodeId = NodeId(2);
const THIRD: NodeId = NodeId(3);
const FOURTH: NodeId = NodeId(4);

type Upload = JoinHandle<Result<(DataId, Vec<NodeId>), StorageError>>;

/// One group on three nodes. It moves from the first to the fourth, and the first two are fenced. A put that began
/// before is stored on the first, will be refused by the second, and is still under way to the third, which does not
/// know of the move. The fourth has asked the first for a list, and not got it yet.
async fn joining_while_a_put_is_under_way() -> (World, Upload) {
    let mut world = World::start(Options { groups: 1, ..Options::default() }).await;
    // Its disk goes on, and is not fenced.
    world.kill(THIRD).await;
    world.cut_off(THIRD, false);
    for node in [SECOND, THIRD] {
        world.disk(node).hold_puts(true);
    }
    let client = Arc::clone(&world.client);
    let upload = tokio::spawn(async move { client.upload(100).await });
    world.until("the put is stored on one node", |world| world.disk(FIRST).blobs().len() == 1).await;
    world.disk(FIRST).hold_lists(true);
    world.add(FOURTH);
    world.set_state(FIRST, NodeState::Draining);
    let fenced = |world: &World| world.index.topology().placements[0].fenced == [FIRST, SECOND];
    world.until("two are fenced", fenced).await;
    world.disk(SECOND).hold_puts(false);
    world.until("the list is made", |world| world.disk(FIRST).lists_waiting() == 1).await;
    (world, upload)
}

/// The fourth gets the list, and has time to make what it wants of it. Then the put succeeds.
async fn the_put_succeeds(world: &mut World, upload: Upload) {
    world.disk(FIRST).hold_lists(false);
    world.pass(Duration::from_secs(3)).await;
    assert_eq!(world.index.topology().placements[0].copied, [], "a node is not fenced that may store a blob");
    world.disk(THIRD).hold_puts(false);
    let (_, late) = upload.await.unwrap().unwrap();
    assert!(late.contains(&SECOND), "{late:?}");
    world.restart(THIRD);
    world.settle().await;
    let (blob, length) = world.client.blobs()[0];
    for node in [SECOND, THIRD, FOURTH] {
        assert!(world.disk(node).has_whole(blob, length), "node {node}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_blob_whose_source_is_lost_before_it_is_fetched_is_not_taken_for_deleted() {
    let (mut world, upload) = joining_while_a_put_is_under_way().await;
    world.kill(FIRST).await;
    world.set_state(FIRST, NodeState::Lost);
    world.pass(Duration::from_secs(2)).await;
    the_put_succeeds(&mut world, upload).await;
}

#[tokio::test(start_paused = true)]
async fn a_blob_whose_source_decays_before_it_is_fetched_is_not_given_up_while_another_may_come() {
    let (mut world, upload) = joining_while_a_put_is_under_way().await;
    let blob = world.disk(FIRST).blobs()[0];
    world.disk(FIRST).rot(blob);
    the_put_succeeds(&mut world, upload).await;
}

#[tokio::test(start_paused = true)]
async fn a_blob_that_was_deleted_after_it_was_listed_holds_up_no_move() {
    let (world, upload) = joining_while_a_put_is_under_way().await;
    let blob = world.disk(FIRST).blobs()[0];
    upload.abort();
    world.disk(FIRST).lose(blob);
    world.disk(FIRST).hold_lists(false);
    let copied = |world: &World| world.index.topology().placements[0].replicas.contains(&FOURTH);
    world.until("the move is over", copied).await;
}
