//! Full and failing disks.

use crate::support::{World, runtime};
use esker_env::{DiskOperation, Fault, FaultDuration, SimDisk};
use esker_rpc::{Storage, StorageError};
use esker_storage::contract::{FENCE, blob, body, content, list, read_all};
use esker_storage::{FreeSpace, SegmentStore, Throttle};
use std::io;

async fn put(store: &SegmentStore, number: u64, length: u64) -> Result<u64, StorageError> {
    store.put(blob(number), FENCE, body(content(number, length), 100_000)).await
}

async fn fill(store: &SegmentStore) -> u64 {
    for number in 0.. {
        match put(store, number, 200_000).await {
            Ok(_) => {}
            Err(StorageError::Full) => return number,
            Err(other) => panic!("{other}"),
        }
    }
    unreachable!("the disk has an end")
}

async fn all_whole(store: &SegmentStore, count: u64) {
    for number in 0..count {
        let bytes = read_all(store, blob(number), 200_000).await;
        assert!(bytes.as_deref() == Ok(&content(number, 200_000)[..]), "blob {number}");
    }
    assert_eq!(list(store).await.unwrap().len() as u64, count);
}

#[test]
fn a_disk_at_the_watermark_refuses_data_takes_deletes_and_then_data_again() {
    let (mut world, disk) = World::simulated();
    world.options.free_space = FreeSpace::Bytes(1 << 20);
    runtime().block_on(async {
        let (store, _) = world.open();
        disk.limit_free_space(4 << 20);
        let count = fill(&store).await;
        assert!((10..16).contains(&count), "{count}");
        let free = esker_env::Disk::space(&disk, &world.dir).unwrap().available_bytes;
        assert!(free >= 1 << 20, "the watermark was crossed: {free}");
        all_whole(&store, count).await;
        store.delete(&(0..count).step_by(2).map(blob).collect::<Vec<_>>()).await.unwrap();
        assert_eq!(put(&store, 1000, 200_000).await, Ok(200_000));
        drop(store);
        let (store, _) = world.open();
        assert_eq!(list(&store).await.unwrap().len() as u64, count / 2 + 1);
    });
}

#[test]
fn a_disk_without_any_space_still_takes_deletes() {
    let (world, disk) = World::simulated();
    runtime().block_on(async {
        let (store, _) = world.open();
        disk.limit_free_space(2 << 20);
        let count = fill(&store).await;
        disk.limit_free_space(0);
        all_whole(&store, count).await;
        for number in 0..count {
            store.delete(&[blob(number)]).await.unwrap();
        }
        assert_eq!(list(&store).await, Ok(vec![]));
        store.compact(Throttle::Unlimited).await.unwrap();
        drop(store);
        let (store, _) = world.rebuild();
        assert_eq!(list(&store).await, Ok(vec![]));
        assert!(fill(&store).await > 3, "space came back");
    });
}

fn inject(disk: &SimDisk, operation: DiskOperation, after: u64, kind: io::ErrorKind) {
    disk.inject(Fault { operation, after, kind, duration: FaultDuration::Once });
}

#[test]
fn running_out_of_space_within_a_blob_leaves_nothing_of_it() {
    for after in 0..4 {
        let (world, disk) = World::simulated();
        runtime().block_on(async {
            let (store, _) = world.open();
            put(&store, 1, 1000).await.unwrap();
            inject(&disk, DiskOperation::Write, after, io::ErrorKind::StorageFull);
            assert_eq!(put(&store, 2, 900_000).await, Err(StorageError::Full), "write {after}");
            assert_eq!(read_all(&store, blob(2), 900_000).await, Err(StorageError::NotFound));
            put(&store, 2, 900_000).await.unwrap();
            drop(store);
            let (store, _) = world.rebuild();
            let bytes = read_all(&store, blob(2), 900_000).await;
            assert!(bytes.as_deref() == Ok(&content(2, 900_000)[..]));
            assert_eq!(list(&store).await.unwrap().len(), 2);
        });
    }
}

#[test]
fn a_failed_sync_retires_the_disk_for_writes_and_reads_go_on() {
    let (world, disk) = World::simulated();
    runtime().block_on(async {
        let (store, _) = world.open();
        put(&store, 1, 5000).await.unwrap();
        inject(&disk, DiskOperation::Sync, 0, io::ErrorKind::Other);
        let failed = put(&store, 2, 5000).await;
        assert!(matches!(failed, Err(StorageError::Failed(_))), "{failed:?}");
        let syncs = disk.counters().syncs;
        for _ in 0..3 {
            assert!(matches!(put(&store, 3, 10).await, Err(StorageError::Failed(_))));
            assert!(matches!(store.delete(&[blob(1)]).await, Err(StorageError::Failed(_))));
        }
        assert_eq!(disk.counters().syncs, syncs, "a failed sync is not tried again");
        assert!(store.health().is_err());
        let bytes = read_all(&store, blob(1), 5000).await;
        assert!(bytes.as_deref() == Ok(&content(1, 5000)[..]));
        assert_eq!(read_all(&store, blob(2), 5000).await, Err(StorageError::NotFound));
        assert_eq!(list(&store).await.unwrap().len(), 1);
    });
}

#[test]
fn no_put_of_a_name_is_acknowledged_for_another_one_whose_sync_fails() {
    for _ in 0..40 {
        let (world, disk) = World::simulated();
        runtime().block_on(async {
            let store = std::sync::Arc::new(world.open().0);
            inject(&disk, DiskOperation::Sync, 0, io::ErrorKind::Other);
            let puts = (0..8).map(|_| {
                let store = store.clone();
                tokio::spawn(async move { put(&store, 1, 100).await })
            });
            for put in puts.collect::<Vec<_>>() {
                let result = put.await.unwrap();
                assert!(matches!(result, Err(StorageError::Failed(_))), "{result:?}");
            }
        });
    }
}

#[test]
fn failures_at_every_disk_operation_lose_nothing_acknowledged() {
    use DiskOperation::{Allocate, Open, PunchHole, Remove, Space, Sync, SyncDir, Truncate, Write};
    for operation in [Allocate, Open, PunchHole, Remove, Space, Sync, SyncDir, Truncate, Write] {
        for after in 0..12 {
            let (world, disk) = World::simulated();
            runtime().block_on(async {
                let (store, _) = world.open();
                inject(&disk, operation, after, io::ErrorKind::Other);
                let (mut stored, mut deleted) = (Vec::new(), Vec::new());
                for number in 0..8 {
                    if put(&store, number, 150_000).await.is_ok() {
                        stored.push(number);
                    }
                    if number % 3 == 2 && store.delete(&[blob(number - 1)]).await.is_ok() {
                        deleted.push(number - 1);
                    }
                    let _ = store.compact(Throttle::Unlimited).await;
                }
                drop(store);
                disk.clear_faults();
                let left = World {
                    disk: std::sync::Arc::new(disk.power_cut(&esker_env::SeededRandom::new(after))),
                    ..world
                };
                for attempt in 0..2 {
                    let world = left.without_index();
                    let (store, _) = world.open();
                    for number in &stored {
                        let bytes = read_all(&store, blob(*number), 150_000).await;
                        let asked = number % 3 == 1;
                        let whole = bytes.as_deref() == Ok(&content(*number, 150_000)[..]);
                        let absent = bytes == Err(StorageError::NotFound);
                        assert!(whole || asked && absent, "{operation} {after} {attempt}: blob {number}");
                        assert!(
                            !(whole && deleted.contains(number)),
                            "{operation} {after}: blob {number} is back"
                        );
                    }
                }
            });
        }
    }
}
