//! A disk of several that fails while it is used.

use crate::support::node::{Node, blobs_on, put, retire};
use crate::support::runtime;
use esker_env::{DiskOperation, FaultDuration};
use esker_rpc::{DiskCondition, DiskState, Losses as _, Storage, StorageError, Wholeness};
use esker_storage::contract::{blob, content, fence, list, read_all};
use esker_storage::{NodeStore, Rescue};
use esker_types::{BlobId, PlacementEpoch};

async fn conditions(store: &NodeStore) -> Vec<DiskCondition> {
    store.usage().await.unwrap().disks.iter().map(|disk| disk.condition).collect()
}

async fn fill(store: &NodeStore, count: u64) {
    for number in 0..count {
        assert_eq!(put(store, number, 1000 + number).await, Ok(1000 + number));
    }
}

async fn all_read(store: &NodeStore, count: u64) {
    for number in 0..count {
        let bytes = read_all(store, blob(number), 1000 + number).await;
        assert!(bytes.as_deref() == Ok(&content(number, 1000 + number)[..]), "blob {number}");
    }
}

#[test]
fn every_disk_gets_blobs_and_a_blob_that_is_put_again_stays_where_it_is() {
    runtime().block_on(async {
        let store = Node::with_disks(3).open();
        fill(&store, 90).await;
        let before = [blobs_on(&store, 0).await, blobs_on(&store, 1).await, blobs_on(&store, 2).await];
        assert!(before.iter().all(|blobs| *blobs > 10) && before.iter().sum::<u64>() == 90, "{before:?}");
        fill(&store, 90).await;
        let after = [blobs_on(&store, 0).await, blobs_on(&store, 1).await, blobs_on(&store, 2).await];
        assert_eq!(before, after);
    });
}

#[test]
fn what_is_on_a_disk_whose_fdatasync_failed_is_read_listed_not_claimed_and_copied_away() {
    for disk in 0..3 {
        let node = Node::with_disks(3);
        runtime().block_on(async {
            let store = node.open();
            fill(&store, 60).await;
            let there = blobs_on(&store, disk).await;
            retire(&node, &store, disk, 1000).await;
            let usage = store.usage().await.unwrap();
            assert_eq!(usage.disks[disk].condition, DiskCondition::Retired);
            assert_eq!((usage.disk, usage.disks[disk].blobs >= there), (DiskState::Sound, true));
            assert_eq!((store.health(), store.remarks().len()), (Ok(()), 1));
            all_read(&store, 60).await;
            assert!(list(&store).await.unwrap().len() >= 60);
            let names: Vec<BlobId> = (0..60).map(blob).collect();
            let claimed = store.stat(&names).await.unwrap().iter().flatten().count() as u64;
            assert_eq!(claimed, 60 - there);
            // New blobs go elsewhere.
            for number in 2000..2040 {
                assert_eq!(put(&store, number, 10).await, Ok(10));
            }
            assert_eq!(store.rescue_once().await, Rescue::Done);
            assert_eq!(blobs_on(&store, disk).await, 0);
            assert_eq!(store.stat(&names).await.unwrap().iter().flatten().count(), 60);
            all_read(&store, 60).await;
            // A restart takes it into use again, and nothing is lost or twice.
            drop(store);
            node.disk.clear_faults();
            let store = node.open();
            assert!(conditions(&store).await.iter().all(|condition| *condition == DiskCondition::Sound));
            all_read(&store, 60).await;
            let listed: Vec<_> = list(&store).await.unwrap().into_iter().map(|info| info.blob).collect();
            assert!(listed.is_sorted_by(|a, b| a < b), "each once, in order");
        });
    }
}

#[test]
fn a_disk_that_became_read_only_is_taken_out_after_a_few_writes() {
    let node = Node::with_disks(2);
    runtime().block_on(async {
        let store = node.open();
        fill(&store, 20).await;
        node.fail(1, DiskOperation::Write, FaultDuration::Forever);
        let mut failures = 0;
        for number in 100..160 {
            match put(&store, number, 10).await {
                Ok(_) => {}
                Err(StorageError::Failed(_)) => failures += 1,
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!((failures, conditions(&store).await[1]), (3, DiskCondition::Retired));
        all_read(&store, 20).await;
    });
}

#[test]
fn what_cannot_be_read_on_a_failed_disk_waits_for_another_replica() {
    let node = Node::with_disks(2);
    runtime().block_on(async {
        let store = node.open();
        fill(&store, 40).await;
        let there = blobs_on(&store, 1).await;
        retire(&node, &store, 1, 1000).await;
        node.fail(1, DiskOperation::Read, FaultDuration::Forever);
        assert_eq!(store.rescue_once().await, Rescue::Done, "nothing more can be done here");
        let left = blobs_on(&store, 1).await;
        assert!(left >= there && left > 0);
        for number in 0..40 {
            if store.stat(&[blob(number)]).await.unwrap() == [None] {
                let read = read_all(&store, blob(number), 1000 + number).await;
                assert!(matches!(read, Err(StorageError::Failed(_) | StorageError::Corrupt(_))), "{read:?}");
                assert_eq!(put(&store, number, 1000 + number).await, Ok(1000 + number));
            }
        }
        all_read(&store, 40).await;
        assert_eq!(blobs_on(&store, 1).await, left - there);
    });
}

#[test]
fn a_loss_is_told_when_a_disk_fails_and_is_over_when_the_node_was_compared() {
    let node = Node::with_disks(2);
    runtime().block_on(async {
        let store = std::sync::Arc::new(node.open());
        fill(&store, 20).await;
        let stop = tokio_util::sync::CancellationToken::new();
        let maintenance = tokio::spawn({
            let (store, stop) = (store.clone(), stop.clone());
            async move { store.run_maintenance(&stop, |_| {}).await }
        });
        let mut pending = store.pending();
        assert_eq!(*pending.borrow_and_update(), None);
        retire(&node, &store, 1, 1000).await;
        let loss = pending.wait_for(Option::is_some).await.unwrap().expect("there is one");
        assert_eq!(store.usage().await.unwrap().wholeness, Wholeness::Lacking);
        assert_eq!(store.list(None, None, 1).await.unwrap().wholeness, Wholeness::Whole, "all can be read");
        store.made_up(loss).await.unwrap();
        assert_eq!(*pending.borrow_and_update(), None);
        while store.usage().await.unwrap().wholeness == Wholeness::Lacking {
            tokio::task::yield_now().await;
        }
        assert_eq!(blobs_on(&store, 1).await, 0, "maintenance copies what can be read");
        stop.cancel();
        maintenance.await.unwrap();
    });
}

#[test]
fn a_deleted_blob_of_a_failed_disk_is_gone_at_once() {
    let node = Node::with_disks(2);
    runtime().block_on(async {
        let store = node.open();
        fill(&store, 30).await;
        retire(&node, &store, 1, 1000).await;
        let names: Vec<BlobId> = (0..30).map(blob).collect();
        assert_eq!(store.delete(&names).await, Ok(()));
        for number in 0..30 {
            assert_eq!(read_all(&store, blob(number), 1000).await, Err(StorageError::NotFound));
        }
        assert!(list(&store).await.unwrap().iter().all(|info| !names.contains(&info.blob)));
    });
}

#[test]
fn where_every_disk_failed_the_node_is_retired_and_read() {
    let node = Node::with_disks(2);
    runtime().block_on(async {
        let store = node.open();
        fill(&store, 20).await;
        retire(&node, &store, 1, 1000).await;
        retire(&node, &store, 0, 3000).await;
        let usage = store.usage().await.unwrap();
        assert_eq!((usage.disk, usage.capacity_bytes > 0), (DiskState::Retired, true));
        assert!(store.health().is_err());
        assert!(matches!(put(&store, 1, 1001).await, Err(StorageError::Failed(_))));
        assert!(matches!(store.delete(&[blob(1)]).await, Err(StorageError::Failed(_))));
        all_read(&store, 20).await;
        let names: Vec<BlobId> = (0..20).map(blob).collect();
        assert_eq!(store.stat(&names).await.unwrap().iter().flatten().count(), 20);
        assert_eq!(store.fence(&[fence(3, 9)]).await, Ok(()), "the file of fences is sound");
    });
}

#[test]
fn a_fence_holds_on_every_disk_and_after_a_restart() {
    let node = Node::with_disks(3);
    runtime().block_on(async {
        let store = node.open();
        assert_eq!(store.fence(&[fence(3, 6)]).await, Ok(()));
        let check = async |store: &NodeStore, first: u64| {
            for number in first..first + 30 {
                let stale = store
                    .put(blob(number), fence(3, 5), esker_storage::contract::body(content(number, 10), 10))
                    .await;
                assert_eq!(stale, Err(StorageError::Stale(PlacementEpoch(6))));
            }
        };
        check(&store, 0).await;
        drop(store);
        check(&node.open(), 0).await;
        node.pull_out(1);
        check(&node.open(), 0).await;
        node.disk.clear_faults();
        check(&node.open(), 0).await;
    });
}
