//! A disk that is retired after a failed fdatasync still acknowledges fences, so that its groups can move away, and keeps
//! what it promised by them.

use crate::support::{World, runtime};
use esker_env::sim::rounds;
use esker_env::{DiskOperation, Fault, FaultDuration, Random as _, SeededRandom, SimDisk};
use esker_rpc::{DiskState, Storage, StorageError};
use esker_storage::SegmentStore;
use esker_storage::contract::{blob, body, content, fence, list};
use esker_types::{Fence, PlacementEpoch};
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

async fn put(store: &SegmentStore, number: u64, at: Fence) -> Result<u64, StorageError> {
    store.put(blob(number), at, body(content(number, 3000), 1000)).await
}

async fn state_of(store: &SegmentStore) -> DiskState {
    store.usage().await.unwrap().disk
}

fn fail_syncs(disk: &SimDisk, after: u64, duration: FaultDuration) {
    disk.inject(Fault { operation: DiskOperation::Sync, after, kind: io::ErrorKind::Other, duration });
}

#[test]
fn a_retired_disk_acknowledges_fences_that_a_restart_remembers() {
    let (world, disk) = World::simulated();
    runtime().block_on(async {
        let (store, _) = world.open();
        put(&store, 1, fence(7, 1)).await.unwrap();
        assert_eq!(state_of(&store).await, DiskState::Sound);
        fail_syncs(&disk, 0, FaultDuration::Once);
        assert!(matches!(put(&store, 2, fence(7, 1)).await, Err(StorageError::Failed(_))));
        assert_eq!(state_of(&store).await, DiskState::Retired);
        assert_eq!(store.fence(&[fence(7, 2)]).await, Ok(()));
        assert_eq!(put(&store, 3, fence(7, 1)).await, put(&store, 3, fence(7, 2)).await, "no put succeeds");
        drop(store);
        // Not only in memory: the power fails.
        let cut = World { disk: Arc::new(disk.power_cut(&SeededRandom::new(1))), ..world.without_index() };
        for world in [&world, &cut] {
            let (store, _) = world.open();
            assert_eq!(state_of(&store).await, DiskState::Sound);
            let stale = Err(StorageError::Stale(PlacementEpoch(2)));
            assert_eq!(put(&store, 3, fence(7, 1)).await, stale);
            assert_eq!(put(&store, 3, fence(7, 2)).await, Ok(3000));
        }
    });
}

#[test]
fn a_fence_that_a_retired_disk_cannot_make_durable_is_refused_and_not_tried_again() {
    let (world, disk) = World::simulated();
    runtime().block_on(async {
        let (store, _) = world.open();
        fail_syncs(&disk, 0, FaultDuration::Once);
        assert!(matches!(put(&store, 1, fence(7, 1)).await, Err(StorageError::Failed(_))));
        fail_syncs(&disk, 0, FaultDuration::Once);
        assert!(matches!(store.fence(&[fence(7, 2)]).await, Err(StorageError::Failed(_))));
        let syncs = disk.counters().syncs;
        for _ in 0..3 {
            // It would succeed, and prove nothing.
            assert!(matches!(store.fence(&[fence(7, 2)]).await, Err(StorageError::Failed(_))));
        }
        assert_eq!(disk.counters().syncs, syncs);
    });
}

#[test]
fn a_store_that_is_closed_says_nothing_against_its_disk() {
    let (world, _) = World::simulated();
    runtime().block_on(async {
        let (store, _) = world.open();
        store.close().await.unwrap();
        assert_eq!(state_of(&store).await, DiskState::Sound);
        assert!(matches!(store.fence(&[fence(7, 2)]).await, Err(StorageError::Failed(_))));
    });
}

/// Writers while the disk is retired and then fenced: what they were told to be stored is in the list that is taken then.
/// Returns how many were stored.
async fn race(seed: u64) -> usize {
    let (world, disk) = World::simulated();
    let store = Arc::new(world.open().0);
    let random = SeededRandom::new(seed);
    fail_syncs(&disk, random.below(60), FaultDuration::Once);
    let writers = (0..4_u64).map(|task| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut stored = BTreeSet::new();
            for number in task * 100..task * 100 + 60 {
                match put(&store, number, fence(5, 1)).await {
                    Ok(_) => drop(stored.insert(blob(number))),
                    Err(StorageError::Failed(_) | StorageError::Stale(PlacementEpoch(2))) => {}
                    Err(other) => panic!("{other}"),
                }
            }
            stored
        })
    });
    let writers: Vec<_> = writers.collect();
    while state_of(&store).await == DiskState::Sound
        && !writers.iter().all(tokio::task::JoinHandle::is_finished)
    {
        tokio::task::yield_now().await;
    }
    store.fence(&[fence(5, 2)]).await.unwrap();
    let listed: BTreeSet<_> = list(&*store).await.unwrap().into_iter().map(|info| info.blob).collect();
    let mut stored = BTreeSet::new();
    for writer in writers {
        stored.extend(writer.await.unwrap());
    }
    assert!(stored.is_subset(&listed), "seed {seed}: {:?}", stored.difference(&listed));
    stored.len()
}

#[test]
fn what_is_listed_after_a_retired_disk_was_fenced_is_all_that_earlier_puts_have_stored() {
    runtime().block_on(async {
        let mut stored = 0;
        for seed in 0..rounds(40) {
            stored += race(seed).await;
        }
        assert!(stored > 100, "{stored} stored");
    });
}
