//! What does not belong on a node is deleted, and nothing else.

use crate::support::{Options, World};
use esker_types::{BlobId, DataId, GroupId, NodeId};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn uncommitted_data_is_deleted_on_every_node_once_it_is_old() {
    let orphan_age = Duration::from_secs(3600);
    let world = World::start(Options { orphan_age, ..Options::default() }).await;
    world.client.upload_many(100).await;
    let data = DataId::new(world.now().millis(), GroupId::DIRECTORY, 77);
    let orphan = BlobId { data, chunk: 0 };
    for node in [1, 2] {
        world.disk(NodeId(node)).plant(orphan, 100);
    }
    world.pass(Duration::from_secs(3000)).await;
    assert!(world.disk(NodeId(1)).has(orphan), "its upload might still be under way");
    world.pass(Duration::from_secs(3000)).await;
    assert!((1..=3).all(|node| !world.disk(NodeId(node)).has(orphan)));
    world.settle().await;
    assert!((1..=3).all(|node| world.disk(NodeId(node)).blobs().len() == 100));
}

#[tokio::test(start_paused = true)]
async fn a_stray_that_its_own_nodes_lack_is_handed_over_before_it_is_deleted() {
    let mut world = World::start(Options { nodes: 4, ..Options::default() }).await;
    world.client.upload_many(40).await;
    let (blob, length) = world.client.blobs()[0];
    let placed = world.placement_of(blob).replicas;
    let stranger = (1..=4).map(NodeId).find(|node| !placed.contains(node)).unwrap();
    world.kill(stranger).await;
    world.disk(stranger).plant(blob, length);
    for node in &placed {
        world.disk(*node).lose(blob);
    }
    assert_eq!(world.missing().len(), 3);
    world.restart(stranger);
    world.settle().await;
    assert!(!world.disk(stranger).has(blob));
}

#[tokio::test(start_paused = true)]
async fn a_stray_stays_until_most_of_its_own_nodes_say_that_they_have_it() {
    let mut world = World::start(Options { nodes: 4, ..Options::default() }).await;
    world.client.upload_many(40).await;
    let (blob, length) = world.client.blobs()[0];
    let placed = world.placement_of(blob).replicas;
    let stranger = (1..=4).map(NodeId).find(|node| !placed.contains(node)).unwrap();
    world.kill(stranger).await;
    world.disk(stranger).plant(blob, length);
    world.cut_off(placed[0], true);
    world.cut_off(placed[1], true);
    world.restart(stranger);
    world.pass(Duration::from_secs(600)).await;
    assert!(world.disk(stranger).has(blob));
    world.cut_off(placed[1], false);
    world.until("it is gone", |world| !world.disk(stranger).has(blob)).await;
}

#[tokio::test(start_paused = true)]
async fn a_damaged_stray_that_its_own_nodes_lack_stays_for_who_may_rescue_it() {
    let mut world = World::start(Options { nodes: 4, ..Options::default() }).await;
    world.client.upload_many(1).await;
    let (blob, length) = world.client.blobs()[0];
    let placed = world.placement_of(blob).replicas;
    let stranger = (1..=4).map(NodeId).find(|node| !placed.contains(node)).unwrap();
    world.kill(stranger).await;
    world.disk(stranger).plant(blob, length);
    world.disk(stranger).rot(blob);
    for node in &placed {
        world.disk(*node).lose(blob);
    }
    world.restart(stranger);
    world.pass(Duration::from_secs(600)).await;
    assert!(world.disk(stranger).has(blob));
}
