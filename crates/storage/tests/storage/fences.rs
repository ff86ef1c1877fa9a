//! Acknowledged states of placement groups: no put of an earlier one succeeds, whatever happens.

use crate::support::crash::{Crasher, Image};
use crate::support::{World, runtime};
use esker_env::sim::rounds;
use esker_env::{Disk as _, DiskOperation, Fault, FaultDuration, Random as _, SeededRandom, SimDisk};
use esker_rpc::{Storage, StorageError};
use esker_storage::contract::{blob, body, content, fence, list, read_all};
use esker_storage::{IndexStart, OpenError, SegmentStore};
use esker_types::{Fence, PlacementEpoch};
use futures::{StreamExt as _, stream};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

fn fence_file(world: &World) -> PathBuf {
    world.root.join("fences")
}

async fn put(store: &SegmentStore, number: u64, at: Fence) -> Result<u64, StorageError> {
    store.put(blob(number), at, body(content(number, 3000), 1000)).await
}

fn stale(epoch: u64) -> Result<u64, StorageError> {
    Err(StorageError::Stale(PlacementEpoch(epoch)))
}

#[test]
fn fences_survive_a_kill_a_rebuild_and_a_lost_index() {
    let (world, _) = World::simulated();
    runtime().block_on(async {
        let (store, _) = world.open();
        put(&store, 1, fence(7, 1)).await.unwrap();
        store.fence(&[fence(7, 2), fence(9, 30)]).await.unwrap();
        store.fence(&[fence(9, 31)]).await.unwrap();
        drop(store);
        for open in [World::open, World::rebuild, |world: &World| world.without_index().open()] {
            let (store, _) = open(&world);
            assert_eq!(put(&store, 2, fence(7, 1)).await, stale(2));
            assert_eq!(put(&store, 2, fence(9, 30)).await, stale(31));
            assert_eq!(put(&store, 3, fence(9, 31)).await, Ok(3000));
            store.delete(&[blob(3)]).await.unwrap();
        }
    });
}

#[test]
fn a_body_that_is_still_coming_when_the_fence_is_acknowledged_is_refused_and_leaves_nothing() {
    let (world, _) = World::simulated();
    runtime().block_on(async {
        let store = Arc::new(world.open().0);
        let (finish, finished) = tokio::sync::oneshot::channel::<()>();
        let rest = stream::once(async move {
            finished.await.unwrap();
            Ok(content(1, 400_000).slice(300_000..))
        });
        let slow = body(content(1, 400_000).slice(..300_000), 1000).chain(rest).boxed();
        let writer = store.clone();
        let slow_put = tokio::spawn(async move { writer.put(blob(1), fence(0, 1), slow).await });
        store.fence(&[fence(0, 2)]).await.unwrap();
        finish.send(()).unwrap();
        assert_eq!(slow_put.await.unwrap(), stale(2));
        assert_eq!(read_all(&*store, blob(1), 400_000).await, Err(StorageError::NotFound));
        // The same bytes are welcome from one who knows the state.
        let again = body(content(1, 400_000), 1000);
        assert_eq!(store.put(blob(1), fence(0, 2), again).await, Ok(400_000));
        drop(store);
        let (store, _) = world.without_index().open();
        assert!(read_all(&store, blob(1), 400_000).await.as_deref() == Ok(&content(1, 400_000)[..]));
    });
}

#[test]
fn a_put_that_is_refused_takes_nothing_of_its_body() {
    let (world, _) = World::simulated();
    runtime().block_on(async {
        let (store, _) = world.open();
        store.fence(&[fence(0, 2)]).await.unwrap();
        let untouched = stream::once(async { panic!("the body was asked for") }).boxed();
        assert_eq!(store.put(blob(1), fence(0, 1), untouched).await, stale(2));
    });
}

/// Writers that race with the fence: those that succeed are in the list that is taken after it.
async fn race(seed: u64) -> (usize, usize) {
    let (world, _) = World::simulated();
    let store = Arc::new(world.open().0);
    let random = Arc::new(SeededRandom::new(seed));
    let enough = random.below(40);
    let writers = (0..4_u64).map(|task| {
        let (store, random) = (store.clone(), random.clone());
        tokio::spawn(async move {
            let mut stored = BTreeSet::new();
            for number in task * 100..task * 100 + 60 {
                let length = random.below(2000);
                match store.put(blob(number), fence(5, 1), body(content(number, length), 500)).await {
                    Ok(_) => drop(stored.insert(blob(number))),
                    Err(StorageError::Stale(PlacementEpoch(2))) => {}
                    Err(other) => panic!("{other}"),
                }
            }
            stored
        })
    });
    let writers: Vec<_> = writers.collect();
    while store.usage().await.unwrap().blobs < enough {
        tokio::task::yield_now().await;
    }
    store.fence(&[fence(5, 2)]).await.unwrap();
    let listed: BTreeSet<_> = list(&*store).await.unwrap().into_iter().map(|info| info.blob).collect();
    let mut stored = BTreeSet::new();
    for writer in writers {
        stored.extend(writer.await.unwrap());
    }
    assert_eq!(stored, listed, "seed {seed}: what was acknowledged, and what was there after the fence");
    let after: BTreeSet<_> = list(&*store).await.unwrap().into_iter().map(|info| info.blob).collect();
    assert_eq!(after, listed, "seed {seed}: nothing came later");
    (stored.len(), 240 - stored.len())
}

#[test]
fn what_is_listed_after_a_fence_is_all_that_earlier_puts_will_ever_have_stored() {
    runtime().block_on(async {
        let (mut stored, mut refused) = (0, 0);
        for seed in 0..rounds(25) {
            let counts = race(seed).await;
            stored += counts.0;
            refused += counts.1;
        }
        assert!(
            stored > 100 && refused > 1000,
            "{stored} stored, {refused} refused: the fences came in between"
        );
    });
}

/// What was promised of each group, with the step of the promise.
type Promises = BTreeMap<u16, Vec<(u64, u64)>>;

async fn fence_and_put(store: &SegmentStore, crasher: &Crasher, promises: &Mutex<Promises>, seed: u64) {
    let random = SeededRandom::new(seed);
    for step in 0..30 {
        let fences: Vec<Fence> = (0..=random.below(3))
            .map(|_| fence(u16::try_from(random.below(4)).unwrap(), random.below(6) + step))
            .collect();
        store.fence(&fences).await.unwrap();
        let acknowledged = crasher.acknowledged.fetch_add(1, Ordering::SeqCst) + 1;
        for fence in fences {
            promises.lock().unwrap().entry(fence.group.0).or_default().push((acknowledged, fence.epoch.0));
        }
        if random.chance(1, 2) {
            // Late enough for every fence that there will be.
            assert_eq!(put(store, seed * 1000 + step, fence(0, 1000)).await, Ok(3000));
        }
    }
}

async fn check_image(image: Image, promises: &Promises) {
    let mut world = World::new(image.disk.clone());
    world.engine = image.engine;
    world.random = Arc::new(SeededRandom::new(99));
    for world in [&world, &world.without_index()] {
        let (store, _) = world.open();
        for (group, promises) in promises {
            let kept = promises.iter().filter(|(step, _)| *step <= image.promised);
            let Some(epoch) = kept.map(|(_, epoch)| *epoch).max().filter(|epoch| *epoch > 0) else {
                continue;
            };
            let result = put(&store, 1 << 40, fence(*group, epoch - 1)).await;
            assert!(
                matches!(result, Err(StorageError::Stale(known)) if known.0 >= epoch),
                "group {group} was acknowledged at {epoch} and takes {}: {result:?}",
                epoch - 1
            );
        }
    }
}

#[test]
fn an_acknowledged_fence_is_never_forgotten_when_the_power_fails_at_any_moment() {
    let mut count = 0;
    for seed in 0..rounds(6) {
        let crasher = Crasher::new(seed);
        let mut world = World::new(crasher.disk());
        world.engine = crasher.engine();
        let promises = Arc::new(Mutex::new(Promises::new()));
        runtime().block_on(async {
            let store = Arc::new(world.open().0);
            crasher.arm(8);
            let tasks = (0..2).map(|task| {
                let (store, crasher, promises) = (store.clone(), crasher.clone(), promises.clone());
                tokio::spawn(
                    async move { fence_and_put(&store, &crasher, &promises, seed * 2 + task + 1).await },
                )
            });
            for task in tasks.collect::<Vec<_>>() {
                task.await.unwrap();
            }
            crasher.arm(0);
            let mut images = crasher.take_images();
            images.push(crasher.cut());
            count += images.len();
            let promises = std::mem::take(&mut *promises.lock().unwrap());
            for image in images {
                check_image(image, &promises).await;
            }
        });
    }
    assert!(count > 100, "only {count} images");
}

#[test]
fn a_fence_that_cannot_be_made_durable_is_not_acknowledged() {
    for (operation, retires) in [
        (DiskOperation::Open, false),
        (DiskOperation::Write, false),
        (DiskOperation::Rename, false),
        (DiskOperation::Sync, true),
        (DiskOperation::SyncDir, true),
    ] {
        let (world, disk) = World::simulated();
        runtime().block_on(async {
            let (store, _) = world.open();
            store.fence(&[fence(1, 5)]).await.unwrap();
            let (kind, duration) = (io::ErrorKind::Other, FaultDuration::Once);
            disk.inject(Fault { operation, after: 0, kind, duration });
            let failed = store.fence(&[fence(1, 6)]).await;
            assert!(matches!(failed, Err(StorageError::Failed(_))), "{operation}: {failed:?}");
            assert_eq!(store.health().is_err(), retires, "{operation}: a failed sync is not tried again");
            let again = store.fence(&[fence(1, 6)]).await;
            assert_eq!(again.is_err(), retires, "{operation}");
            drop(store);
            let (store, _) = world.open();
            let known = if retires { 5 } else { 6 };
            let result = put(&store, 1, fence(1, known - 1)).await;
            assert!(matches!(result, Err(StorageError::Stale(_))), "{operation}: {result:?}");
        });
    }
}

#[test]
fn a_damaged_fence_file_keeps_the_node_from_starting() {
    let (world, disk) = World::simulated();
    runtime().block_on(async {
        let (store, _) = world.open();
        store.fence(&[fence(1, 5), fence(2, 6)]).await.unwrap();
    });
    let path = fence_file(&world);
    let length = disk.metadata(&path).unwrap().unwrap().len;
    assert_eq!(length, 16 + 2 * 10 + 4);
    for offset in 0..length {
        let copy = disk.copy();
        copy.flip_bits(&path, offset, 4).unwrap();
        assert!(matches!(open(&world, copy), Err(OpenError::Fences { .. })), "byte {offset}");
    }
    for length in 0..length {
        let copy = disk.copy();
        copy.open(&path, esker_env::OpenMode::ReadWrite).unwrap().truncate(length).unwrap();
        assert!(matches!(open(&world, copy), Err(OpenError::Fences { .. })), "cut at {length}");
    }
}

fn open(world: &World, disk: SimDisk) -> Result<(), OpenError> {
    let world = World { disk: Arc::new(disk), ..world.without_index() };
    SegmentStore::open(world.components(), world.options.clone(), IndexStart::Recover).map(drop)
}
