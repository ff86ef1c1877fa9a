//! Deleting blobs everywhere.

use crate::support::{Fault, World, blob, record, state};
use esker_cluster::HealthOptions;
use esker_rpc::{BlobStore as _, StorageError};
use esker_types::{BlobId, NodeId, NodeInfo, NodeRole, NodeRoles, NodeState};
use std::time::Duration;

fn blobs(numbers: std::ops::Range<u64>) -> Vec<BlobId> {
    numbers.map(blob).collect()
}

#[tokio::test(start_paused = true)]
async fn every_node_is_told_whether_it_is_a_replica_or_not() {
    let world = World::placed(4, vec![state(0, 1, &[1, 2], &[])]).await;
    for number in 0..2500 {
        world.everywhere(blob(number), 1);
    }
    assert_eq!(world.store.delete(&blobs(0..2500)).await, Ok(()));
    for node in 1..=4 {
        assert!(blobs(0..2500).into_iter().all(|blob| world.node(node).has(blob).is_none()));
        assert_eq!(world.node(node).asked("delete"), 3, "in batches");
    }
    assert_eq!(world.store.delete(&[]).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn one_node_that_does_not_confirm_is_enough_to_fail_and_the_others_do_not_repeat_their_work() {
    let world = World::new(3).await;
    for (asked, fault) in
        [(1, Fault::Refuse(StorageError::Failed("injected".to_owned()))), (2, Fault::Stall(0))]
    {
        world.node(2).on_deletes(fault);
        for again in ["the first time", "a node that has just failed is left alone"] {
            let result = world.store.delete(&blobs(0..10)).await;
            assert!(matches!(result, Err(StorageError::Unavailable(_))), "{result:?}");
            assert_eq!(world.node(2).asked("delete"), asked, "{again}");
        }
        tokio::time::advance(HealthOptions::default().pause_max).await;
    }
    world.node(2).heal();
    assert_eq!(world.store.delete(&blobs(0..10)).await, Ok(()));
    for node in 1..=3 {
        assert_eq!(*world.node(node).deletions.lock().unwrap(), blobs(0..10), "once on node {node}");
    }
    // What was confirmed by all is forgotten: asking again asks again.
    assert_eq!(world.store.delete(&blobs(0..10)).await, Ok(()));
    assert_eq!(world.node(1).deletions.lock().unwrap().len(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_stalled_node_does_not_hold_up_a_deletion_without_end() {
    let world = World::new(3).await;
    world.node(3).on_deletes(Fault::Stall(0));
    let begun = tokio::time::Instant::now();
    assert!(world.store.delete(&blobs(0..10)).await.is_err());
    assert_eq!(begun.elapsed(), Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn nodes_that_are_gone_are_not_asked_but_all_others_are_that_may_have_data() {
    let world = World::placed(6, vec![state(0, 1, &[1, 2], &[3])]).await;
    let gateway = NodeRoles::new([NodeRole::Gateway]).unwrap();
    world.topology.change(|topology| {
        let mut set = |number: u64, node_state, roles| {
            let (id, mut record) = record(NodeId(number), node_state);
            record.info = NodeInfo { roles, ..record.info };
            let at = usize::try_from(number).unwrap() - 1;
            topology.nodes[at] = (id, record);
        };
        set(2, NodeState::Draining, NodeRoles::ALL);
        // It was told to keep no data any more, and still has some.
        set(3, NodeState::Active, gateway);
        set(4, NodeState::Lost, NodeRoles::ALL);
        set(5, NodeState::Removed, NodeRoles::ALL);
        set(6, NodeState::Active, gateway);
    });
    world.views.refresh().await.unwrap();
    assert_eq!(world.store.delete(&blobs(0..1)).await, Ok(()));
    let asked: Vec<usize> = (1..=6).map(|node| world.node(node).asked("delete")).collect();
    assert_eq!(asked, [1, 1, 1, 0, 0, 0]);
}
