//! Nodes whose disks take nothing any more: their groups move elsewhere, from them too, and nothing moves to them.

use crate::support::{Options, World};
use esker_types::{NodeId, NodeState};
use std::time::Duration;

const SECOND: NodeId = NodeId(2);
const FOURTH: NodeId = NodeId(4);

#[tokio::test(start_paused = true)]
async fn the_groups_of_a_retired_disk_move_to_others_and_come_back_once_it_is_sound() {
    let mut world = World::start(Options { nodes: 4, ..Options::default() }).await;
    world.client.upload_many(200).await;
    world.disk(SECOND).set_retired(true);
    world.until("nothing is there any more", |world| !world.shares().contains_key(&SECOND)).await;
    world.client.upload_many(50).await;
    world.moved().await;
    assert!(!world.disk(SECOND).blobs().is_empty(), "it can't delete");
    // As after a restart with a new disk controller, say.
    world.kill(SECOND).await;
    world.disk(SECOND).set_retired(false);
    world.restart(SECOND);
    world.until("it is filled again", |world| world.shares().get(&SECOND) == Some(&96)).await;
    world.settle().await;
}

#[tokio::test(start_paused = true)]
async fn the_only_replica_moves_away_from_a_retired_disk() {
    let mut world = World::start(Options { nodes: 1, ..Options::default() }).await;
    world.client.upload_many(50).await;
    world.disk(NodeId(1)).set_retired(true);
    world.pass(Duration::from_secs(10)).await;
    world.add(SECOND);
    world.until("the other one has all", |world| world.shares().get(&SECOND) == Some(&128)).await;
    // A client may yet know the move only, and need both.
    world.pass(Duration::from_secs(2)).await;
    world.client.upload_many(50).await;
    world.client.read_all().await;
}

#[tokio::test(start_paused = true)]
async fn groups_that_move_to_a_disk_that_is_retired_meanwhile_go_back_or_elsewhere() {
    let mut world = World::start(Options::default()).await;
    world.client.upload_many(100).await;
    world.add(FOURTH);
    world.disk(FOURTH).set_retired(true);
    world.pass(Duration::from_secs(60)).await;
    assert_eq!((world.moving(), world.shares().get(&FOURTH)), (0, None));
    world.set_state(NodeId(1), NodeState::Draining);
    world.pass(Duration::from_secs(60)).await;
    assert_eq!((world.moving(), world.shares().get(&FOURTH)), (0, None));
    world.add(NodeId(5));
    world.until("the first one is empty", |world| !world.shares().contains_key(&NodeId(1))).await;
    assert_eq!(world.shares().get(&FOURTH), None);
}
