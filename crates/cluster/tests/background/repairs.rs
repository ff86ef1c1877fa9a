//! What was late, damaged or lost comes to be complete again.

use crate::support::{Options, World};
use esker_types::{CHUNK_BYTES, NodeId, NodeState};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn three_nodes_of_which_one_misses_writes_and_comes_back() {
    let world = World::start(Options::default()).await;
    world.client.upload_many(20).await;
    world.cut_off(NodeId(2), true);
    world.client.upload_many(300).await;
    let (_, late) = world.client.upload(2 * CHUNK_BYTES + 17).await.unwrap();
    assert_eq!(late, [NodeId(2)]);
    assert_eq!(world.index.summary().repairs, 301);
    assert!(world.missing().iter().all(|(_, node)| *node == NodeId(2)));
    assert_eq!(world.missing().len(), 303);
    world.cut_off(NodeId(2), false);
    world.settle().await;
    let status = world.process(NodeId(2)).background.status();
    assert_eq!((status.repairs_done, status.pulled_blobs, status.audits), (301, 303, 1));
}

#[tokio::test(start_paused = true)]
async fn repairs_wait_until_a_node_that_has_the_data_can_be_reached() {
    let world = World::start(Options::default()).await;
    world.cut_off(NodeId(3), true);
    world.client.upload_many(10).await;
    world.cut_off(NodeId(1), true);
    world.cut_off(NodeId(2), true);
    world.cut_off(NodeId(3), false);
    world.pass(Duration::from_secs(60)).await;
    assert_eq!(world.index.summary().repairs, 10, "nobody could be asked, so nothing is known to be gone");
    world.cut_off(NodeId(2), false);
    world.settle().await;
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_delays_repairs_and_loses_none() {
    let world = World::start(Options::default()).await;
    world.disk(NodeId(3)).set_full(true);
    world.client.upload_many(30).await;
    world.pass(Duration::from_secs(60)).await;
    assert_eq!(world.index.summary().repairs, 30);
    world.disk(NodeId(3)).set_full(false);
    world.settle().await;
}

#[tokio::test(start_paused = true)]
async fn a_repair_of_data_that_was_deleted_meanwhile_is_done_once_its_group_forgot_the_data() {
    let world = World::start(Options::default()).await;
    world.cut_off(NodeId(3), true);
    let data = world.client.upload_many(3).await;
    world.cut_off(NodeId(3), false);
    world.cut_off(NodeId(1), true);
    world.cut_off(NodeId(2), true);
    world.pass(Duration::from_secs(10)).await;
    world.cut_off(NodeId(1), false);
    world.cut_off(NodeId(2), false);
    world.client.forget(data[0]).await;
    world.pass(Duration::from_secs(120)).await;
    assert_eq!(
        world.index.summary().repairs,
        1,
        "its blobs are nowhere, but its garbage is not reclaimed yet"
    );
    world.reclaim_garbage();
    world.settle().await;
}

#[tokio::test(start_paused = true)]
async fn a_wiped_node_under_a_new_id_is_rebuilt_in_full() {
    let mut world = World::start(Options::default()).await;
    world.client.upload_many(400).await;
    world.kill(NodeId(3)).await;
    world.add(NodeId(4));
    world.set_state(NodeId(3), NodeState::Lost);
    world.settle().await;
    assert_eq!(world.shares()[&NodeId(4)], 128);
    assert_eq!(world.disk(NodeId(4)).blobs().len(), 400);
}

#[tokio::test(start_paused = true)]
async fn damaged_and_missing_blobs_that_were_reported_are_replaced() {
    let world = World::start(Options::default()).await;
    world.client.upload_many(20).await;
    let blobs = world.client.blobs();
    let ((rotten, _), (lost, _), (whole, _)) = (blobs[3], blobs[4], blobs[5]);
    let disk = world.disk(NodeId(2));
    disk.rot(rotten);
    disk.lose(lost);
    assert_eq!(world.missing().len(), 2);
    for blob in [rotten, lost, whole] {
        world.report(NodeId(2), blob);
        world.report(NodeId(1), blob);
    }
    world.until("both are whole again", |world| world.missing().is_empty()).await;
    assert_eq!(world.process(NodeId(2)).background.status().damage_repaired, 2);
    assert_eq!(world.process(NodeId(1)).background.status().damage_repaired, 0);
}

#[tokio::test(start_paused = true)]
async fn a_damaged_blob_is_replaced_once_a_whole_replica_can_be_reached() {
    let world = World::start(Options::default()).await;
    world.client.upload_many(1).await;
    let (blob, length) = world.client.blobs()[0];
    world.disk(NodeId(1)).rot(blob);
    world.disk(NodeId(2)).rot(blob);
    world.cut_off(NodeId(3), true);
    world.report(NodeId(1), blob);
    world.pass(Duration::from_secs(60)).await;
    assert_eq!(world.process(NodeId(1)).background.status().damage_pending, 1);
    world.cut_off(NodeId(3), false);
    world.until("it is whole", |world| world.disk(NodeId(1)).has_whole(blob, length)).await;
    assert!(!world.disk(NodeId(2)).has_whole(blob, length), "nobody reported it there");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_starts_fetches_what_it_lacks_for_whatever_reason() {
    let mut world = World::start(Options::default()).await;
    world.client.upload_many(200).await;
    world.kill(NodeId(2)).await;
    for (blob, _) in world.client.blobs().into_iter().step_by(3) {
        world.disk(NodeId(2)).lose(blob);
    }
    assert_eq!(world.missing().len(), 67);
    world.restart(NodeId(2));
    world.settle().await;
}

#[tokio::test(start_paused = true)]
async fn a_node_compares_itself_with_its_peers_again_and_again() {
    let options = Options { audit_interval: Duration::from_secs(600), ..Options::default() };
    let world = World::start(options).await;
    world.client.upload_many(10).await;
    let (blob, length) = world.client.blobs()[0];
    world.disk(NodeId(2)).lose(blob);
    world.pass(Duration::from_secs(500)).await;
    assert!(!world.disk(NodeId(2)).has(blob));
    world.pass(Duration::from_secs(200)).await;
    assert!(world.disk(NodeId(2)).has_whole(blob, length));
}
