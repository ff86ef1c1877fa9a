//! Storing a blob on its replicas.

use crate::support::{Fault, World, blob, body, content, state};
use bytes::Bytes;
use esker_cluster::StoreOptions;
use esker_rpc::{BlobStore as _, BodyAborted, StorageError, StoredBlob};
use esker_types::{NodeId, NodeState, PlacementEpoch};
use futures::{FutureExt as _, StreamExt as _, stream};
use std::time::Duration;
use tokio::time::Instant;

const LENGTH: usize = 12_345;

fn stored(late: &[u64]) -> Result<StoredBlob, StorageError> {
    stored_of(LENGTH, late)
}

fn stored_of(length: usize, late: &[u64]) -> Result<StoredBlob, StorageError> {
    Ok(StoredBlob { length: length as u64, late: late.iter().copied().map(NodeId).collect() })
}

fn unavailable() -> StorageError {
    StorageError::Unavailable("injected".to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_blob_is_on_every_replica_when_all_are_well() {
    let world = World::new(3).await;
    for length in [0, 1, 999, 1000, 1001, LENGTH] {
        let id = blob(length as u64);
        assert_eq!(world.put(id, length).await, stored_of(length, &[]));
        assert_eq!(world.holders(id, length), [1, 2, 3]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_fails_is_late_and_costs_no_time() {
    for fault in [
        Fault::Refuse(unavailable()),
        Fault::Fail(3000, unavailable()),
        Fault::Fail(usize::MAX, StorageError::Full),
        Fault::Short(5),
    ] {
        let world = World::new(3).await;
        world.node(2).on_puts(fault);
        let begun = Instant::now();
        assert_eq!(world.put(blob(1), LENGTH).await, stored(&[2]));
        assert_eq!(begun.elapsed(), Duration::ZERO);
        world.check(blob(1), LENGTH).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_takes_no_bytes_is_given_up_after_a_moment() {
    let world = World::new(3).await;
    world.node(3).on_puts(Fault::Stall(2000));
    let begun = Instant::now();
    assert_eq!(world.put(blob(1), LENGTH).await, stored(&[3]));
    assert_eq!(begun.elapsed(), Duration::from_millis(500));
    world.node(3).ended.subscribe().wait_for(|(ended, _)| *ended == 1).await.unwrap();
    assert_eq!(world.holders(blob(1), LENGTH), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_trickles_does_not_set_the_pace() {
    let world = World::new(3).await;
    world.node(3).on_puts(Fault::Trickle(Duration::from_millis(400)));
    let begun = Instant::now();
    assert_eq!(world.put(blob(1), 100_000).await, stored_of(100_000, &[3]));
    assert!(begun.elapsed() <= Duration::from_millis(2_500), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_trickles_as_a_whole_is_waited_for() {
    let world = World::new(3).await;
    for node in [1, 2, 3] {
        world.node(node).on_puts(Fault::Trickle(Duration::from_millis(900)));
    }
    assert_eq!(world.put(blob(1), LENGTH).await, stored(&[]));
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_syncs_late_is_late_and_still_gets_the_blob() {
    let world = World::new(3).await;
    world.node(3).on_puts(Fault::Stall(LENGTH + 1));
    let begun = Instant::now();
    assert_eq!(world.put(blob(1), LENGTH).await, stored(&[3]));
    assert_eq!(begun.elapsed(), Duration::from_millis(100));
    assert_eq!(world.holders(blob(1), LENGTH), [1, 2]);
    world.node(3).release();
    world.node(3).ended.subscribe().wait_for(|(ended, _)| *ended == 1).await.unwrap();
    assert_eq!(world.holders(blob(1), LENGTH), [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn late_replicas_are_not_waited_for_without_end() {
    let world = World::new(3).await;
    world.node(3).on_puts(Fault::Stall(LENGTH + 1));
    assert_eq!(world.put(blob(1), LENGTH).await, stored(&[3]));
    let begun = Instant::now();
    world.node(3).ended.subscribe().wait_for(|(ended, _)| *ended == 1).await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_known_to_be_away_costs_no_time() {
    let world = World::new(3).await;
    world.node(3).on_puts(Fault::Stall(2000));
    assert_eq!(world.put(blob(1), LENGTH).await, stored(&[3]));
    for number in 2..10 {
        let begun = Instant::now();
        assert_eq!(world.put(blob(number), LENGTH).await, stored(&[3]));
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
    world.node(3).heal();
    // sleep: time itself is the event; it is paused, and so passes at once.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(world.put(blob(10), LENGTH).await, stored(&[]));
    assert_eq!(world.put(blob(11), LENGTH).await, stored(&[]));
}

#[tokio::test(start_paused = true)]
async fn without_a_write_quorum_a_put_fails_at_once() {
    let world = World::new(3).await;
    world.node(1).on_puts(Fault::Refuse(StorageError::Full));
    world.node(2).down();
    let begun = Instant::now();
    assert_eq!(world.put(blob(1), LENGTH).await, Err(StorageError::Full));
    world.node(1).down();
    assert_eq!(world.put(blob(1), LENGTH).await, Err(unavailable()));
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_put_whose_write_quorum_stalls_fails_in_the_end() {
    for stall_at in [0, 2000, LENGTH + 1] {
        let world = World::new(3).await;
        for node in [2, 3] {
            world.node(node).on_puts(Fault::Stall(stall_at));
        }
        let begun = Instant::now();
        let result = world.put(blob(1), LENGTH).await;
        assert!(matches!(result, Err(StorageError::Unavailable(_))), "{result:?}");
        assert!(begun.elapsed() <= Duration::from_secs(11), "{:?}", begun.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_gives_up_leaves_nothing() {
    let world = World::new(3).await;
    let bytes = content(blob(1), LENGTH);
    let aborted = body(&bytes).chain(stream::iter([Err(BodyAborted)])).boxed();
    assert_eq!(world.store.put(blob(1), aborted).await, Err(StorageError::Aborted));
    for node in [1, 2, 3] {
        world.node(node).ended.subscribe().wait_for(|(ended, _)| *ended == 1).await.unwrap();
    }
    assert_eq!(world.holders(blob(1), LENGTH), []);
}

#[tokio::test(start_paused = true)]
async fn a_put_that_is_dropped_leaves_nothing() {
    let world = World::new(3).await;
    let bytes = content(blob(1), LENGTH);
    let mut put = world.store.put(blob(1), body(&bytes).chain(stream::pending()).boxed());
    assert!(put.as_mut().now_or_never().is_none());
    drop(put);
    for node in [1, 2, 3] {
        world.node(node).ended.subscribe().wait_for(|(ended, _)| *ended == 1).await.unwrap();
        assert_eq!(world.node(node).has(blob(1)), None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_pauses_is_not_a_replica_that_stalls() {
    let world = World::new(3).await;
    let bytes = content(blob(1), LENGTH);
    let pauses = body(&bytes).then(|piece| async {
        // sleep: time itself is the event; it is paused, and so passes at once.
        tokio::time::sleep(Duration::from_secs(20)).await;
        piece
    });
    assert_eq!(world.store.put(blob(1), pauses.boxed()).await, stored(&[]));
}

/// Puts a group on nodes 2, 3, 4 behind the back of a process that thinks it is on 1, 2, 3.
async fn moved_world() -> World {
    let world = World::placed(4, vec![state(0, 1, &[1, 2, 3], &[])]).await;
    world.topology.change(|topology| topology.placements = vec![state(0, 3, &[2, 3, 4], &[])]);
    for node in [1, 2, 3, 4] {
        world.fence(node, 0, 3).await;
    }
    world
}

#[tokio::test(start_paused = true)]
async fn a_small_blob_follows_its_group_to_where_it_has_moved() {
    let world = moved_world().await;
    assert_eq!(world.put(blob(1), LENGTH).await, stored(&[]));
    assert_eq!(world.holders(blob(1), LENGTH), [2, 3, 4]);
}

#[tokio::test(start_paused = true)]
async fn a_blob_of_which_too_much_is_gone_fails_once_and_only_once() {
    let length = 3 << 20;
    let mut options = StoreOptions::default();
    options.write.kept_bytes_max = 100_000;
    let world = World::start(3, vec![state(0, 1, &[1, 2, 3], &[])], options);
    world.views.refresh().await.unwrap();
    // The nodes find out in the middle of the put.
    for node in [1, 2, 3] {
        world.node(node).on_puts(Fault::Fail(length / 2, StorageError::Stale(PlacementEpoch(2))));
    }
    world.topology.change(|topology| topology.placements = vec![state(0, 2, &[1, 2, 3], &[])]);
    assert_eq!(world.put(blob(1), length).await, Err(StorageError::Stale(PlacementEpoch(2))));
    let epoch = world.views.latest().unwrap().placements()[0].epoch;
    assert_eq!(epoch, PlacementEpoch(2), "the next put knows better");
}

#[tokio::test(start_paused = true)]
async fn a_placement_that_nobody_else_knows_is_not_tried_forever() {
    let world = World::new(3).await;
    for node in [1, 2, 3] {
        world.fence(node, 0, 7).await;
    }
    assert_eq!(world.put(blob(1), LENGTH).await, Err(StorageError::Stale(PlacementEpoch(7))));
}

#[tokio::test(start_paused = true)]
async fn one_fenced_replica_is_late_as_long_as_the_others_are_a_quorum() {
    let world = World::new(3).await;
    world.fence(2, 0, 9).await;
    assert_eq!(world.put(blob(1), LENGTH).await, stored(&[2]));
}

#[tokio::test(start_paused = true)]
async fn while_a_group_moves_both_sets_must_have_a_majority() {
    let placements = || vec![state(0, 2, &[1, 2, 3], &[3, 4, 5])];
    let world = World::placed(5, placements()).await;
    assert_eq!(world.put(blob(1), LENGTH).await, stored(&[]));
    assert_eq!(world.holders(blob(1), LENGTH), [1, 2, 3, 4, 5]);

    world.node(1).down();
    world.node(4).down();
    assert_eq!(world.put(blob(2), LENGTH).await, stored(&[4]), "1 will be no replica any more");

    for majority in [[1, 2], [4, 5], [3, 4], [1, 3]] {
        let world = World::placed(5, placements()).await;
        majority.iter().for_each(|node| world.node(*node).down());
        assert_eq!(world.put(blob(1), LENGTH).await, Err(unavailable()), "without {majority:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn lost_nodes_are_not_asked_and_too_few_others_fail_at_once() {
    let world = World::new(3).await;
    let lose = |number: usize| {
        world.topology.change(|topology| topology.nodes[number - 1].1.state = NodeState::Lost);
    };
    lose(2);
    world.views.refresh().await.unwrap();
    // Nor is anything recorded for them: whoever takes their place copies all.
    assert_eq!(world.put(blob(1), LENGTH).await, stored(&[]));
    assert_eq!(world.node(2).asked("put"), 0);
    lose(3);
    world.views.refresh().await.unwrap();
    let begun = Instant::now();
    let result = world.put(blob(2), LENGTH).await;
    assert!(matches!(result, Err(StorageError::Unavailable(_))), "{result:?}");
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_put_waits_for_the_first_placement_for_a_while() {
    let world = World::start(3, Vec::new(), StoreOptions::default());
    let bytes = content(blob(1), LENGTH);
    let (put, ()) = tokio::join!(world.store.put(blob(1), body(&bytes)), async {
        // sleep: time itself is the event; it is paused, and so passes at once.
        tokio::time::sleep(Duration::from_secs(2)).await;
        world.topology.change(|topology| topology.placements = vec![state(0, 1, &[1, 2, 3], &[])]);
    });
    assert_eq!(put, stored(&[]));

    let world = World::start(3, Vec::new(), StoreOptions::default());
    let result = world.store.put(blob(1), body(&Bytes::new())).await;
    assert!(matches!(result, Err(StorageError::Unavailable(_))), "{result:?}");
}
