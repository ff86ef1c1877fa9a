//! Space comes back, and the background loop finds what is to be done.

use crate::support::{World, runtime};
use esker_env::Disk as _;
use esker_rpc::{Storage, StorageError};
use esker_storage::contract::{FENCE, blob, body, content, list, read_all};
use esker_storage::{SegmentStore, Throttle};
use std::sync::{Arc, Mutex};
use tokio_util::sync::CancellationToken;

async fn put(store: &SegmentStore, number: u64, length: u64) {
    assert_eq!(store.put(blob(number), FENCE, body(content(number, length), 100_000)).await, Ok(length));
}

#[test]
fn deleting_a_large_blob_gives_its_space_back_at_once() {
    let (mut world, disk) = World::simulated();
    world.options.segment_bytes = 64 << 20;
    runtime().block_on(async {
        let (store, _) = world.open();
        put(&store, 1, 8 << 20).await;
        put(&store, 2, 300_000).await;
        let before = disk.space(&world.dir).unwrap().available_bytes;
        store.delete(&[blob(1)]).await.unwrap();
        let freed = disk.space(&world.dir).unwrap().available_bytes - before;
        // Each of the 32 fragments keeps the blocks that it shares with its neighbours.
        assert!(freed > (8 << 20) - 32 * 2 * 4096, "{freed} bytes came back");
        assert!(read_all(&store, blob(2), 300_000).await.as_deref() == Ok(&content(2, 300_000)[..]));
        drop(store);
        let (store, report) = world.open();
        assert_eq!((report.bad_fragments, report.skipped_bytes), (0, 0), "a scan steps over the holes");
        assert!(read_all(&store, blob(2), 300_000).await.is_ok());
    });
}

#[test]
fn an_aborted_put_gives_its_space_back_at_once() {
    let (mut world, disk) = World::simulated();
    world.options.segment_bytes = 64 << 20;
    runtime().block_on(async {
        use futures::{StreamExt as _, stream};
        let (store, _) = world.open();
        put(&store, 1, 10).await;
        let aborted = body(content(2, 3 << 20), 100_000);
        let aborted = aborted.chain(stream::iter([Err(esker_rpc::BodyAborted)])).boxed();
        store.put(blob(2), FENCE, aborted).await.unwrap_err();
        // Answered by the same thread, after it.
        store.delete(&[blob(9)]).await.unwrap();
        store.delete(&[blob(9)]).await.unwrap();
        assert!(disk.counters().punched_bytes > 2 << 20);
    });
}

#[test]
fn the_background_loop_compacts_and_reports_damage_until_it_is_stopped() {
    let (world, disk) = World::simulated();
    runtime().block_on(async {
        let (store, _) = world.open();
        for number in 0..200 {
            put(&store, number, 20_000).await;
        }
        store.delete(&(0..200).filter(|number| number % 5 > 0).map(blob).collect::<Vec<_>>()).await.unwrap();
        let victim = content(100, 20_000);
        for path in world.segment_files() {
            let bytes = esker_env::read_file(&disk, &path, 1 << 30).unwrap().unwrap();
            if let Some(at) = bytes.windows(32).position(|window| *window == victim[..32]) {
                disk.flip_bits(&path, at as u64, 1).unwrap();
            }
        }
        let files = world.segment_files().len();
        let shutdown = CancellationToken::new();
        let found = Arc::new(Mutex::new(Vec::new()));
        let reported = |blobs: &[_]| {
            found.lock().unwrap().extend_from_slice(blobs);
            shutdown.cancel();
        };
        store.run_maintenance(&shutdown, reported).await;
        assert_eq!(*found.lock().unwrap(), [blob(100)]);
        assert!(world.segment_files().len() * 2 < files, "{} of {files} files", world.segment_files().len());
    });
}

/// Flips a bit of a blob, wherever it is.
fn damage(world: &World, disk: &esker_env::SimDisk, number: u64, length: u64) {
    let victim = content(number, length);
    let mut hits = 0;
    for path in world.segment_files() {
        let bytes = esker_env::read_file(disk, &path, 1 << 30).unwrap().unwrap();
        if let Some(at) = bytes.windows(32).position(|window| *window == victim[..32]) {
            disk.flip_bits(&path, at as u64, 1).unwrap();
            hits += 1;
        }
    }
    assert_eq!(hits, 1);
}

#[test]
fn damage_that_a_read_finds_is_told_at_once_and_not_claimed_until_it_is_repaired() {
    let (mut world, disk) = World::simulated();
    world.options.maintenance_interval = std::time::Duration::from_secs(3600);
    runtime().block_on(async {
        let store = Arc::new(world.open().0);
        for number in 0..3 {
            put(&store, number, 20_000).await;
        }
        damage(&world, &disk, 1, 20_000);
        let (told, mut telling) = tokio::sync::mpsc::unbounded_channel();
        let shutdown = CancellationToken::new();
        let (background, stop) = (store.clone(), shutdown.clone());
        let maintenance = tokio::spawn(async move {
            background.run_maintenance(&stop, move |blobs| told.send(blobs.to_vec()).unwrap()).await;
        });
        assert_eq!(telling.recv().await, Some(vec![blob(1)]), "found by scrubbing");
        assert_eq!(store.stat(&[blob(0), blob(1)]).await, Ok(vec![Some(20_000), None]));
        // Scrubbing has seen this one, and comes back in a week.
        damage(&world, &disk, 2, 20_000);
        assert!(matches!(read_all(&*store, blob(2), 20_000).await, Err(StorageError::Corrupt(_))));
        assert_eq!(telling.recv().await, Some(vec![blob(2)]), "found by the read");
        for number in [1, 2] {
            put(&store, number, 20_000).await;
        }
        assert_eq!(store.stat(&[blob(1), blob(2)]).await, Ok(vec![Some(20_000); 2]));
        shutdown.cancel();
        maintenance.await.unwrap();
        assert!(telling.try_recv().is_err());
    });
}

#[test]
fn a_sector_that_cannot_be_read_is_damage_that_a_put_repairs() {
    let (world, disk) = World::simulated();
    runtime().block_on(async {
        let (store, _) = world.open();
        put(&store, 1, 20_000).await;
        let (operation, kind) = (esker_env::DiskOperation::Read, std::io::ErrorKind::Other);
        let fault = esker_env::Fault { operation, after: 0, kind, duration: esker_env::FaultDuration::Once };
        disk.inject(fault);
        assert!(matches!(read_all(&store, blob(1), 20_000).await, Err(StorageError::Failed(_))));
        assert_eq!(store.stat(&[blob(1)]).await, Ok(vec![None]));
        disk.inject(fault);
        let writes = disk.counters().syncs;
        put(&store, 1, 20_000).await;
        assert!(disk.counters().syncs > writes, "it was stored again");
        assert_eq!(store.stat(&[blob(1)]).await, Ok(vec![Some(20_000)]));
        assert!(read_all(&store, blob(1), 20_000).await.as_deref() == Ok(&content(1, 20_000)[..]));
    });
}

#[test]
fn scrubbing_reads_no_faster_than_it_may() {
    let (world, _) = World::simulated();
    runtime().block_on(async {
        let (store, _) = world.open();
        for number in 0..10 {
            put(&store, number, 20_000).await;
        }
        let start = tokio::time::Instant::now();
        let throttle = Throttle::BytesPerSecond(1_000_000);
        let mut bytes = 0;
        while bytes < 200_000 {
            let report = store.scrub_step(50_000, throttle).await.unwrap();
            assert!(report.bytes <= 60_000, "a step reads about what it is asked to: {report:?}");
            bytes += report.bytes;
        }
        assert!(start.elapsed().as_millis() >= 200, "{:?}", start.elapsed());
    });
}

#[test]
fn tombstones_go_with_the_last_segment_that_they_speak_of() {
    let (world, _) = World::simulated();
    runtime().block_on(async {
        let (store, _) = world.open();
        // Segment 0 keeps a small blob, and with it the fragments of a deleted one.
        put(&store, 1, 200_000).await;
        put(&store, 2, 5000).await;
        put(&store, 3, 250_000).await;
        store.delete(&[blob(1)]).await.unwrap();
        store.close().await.unwrap();
        drop(store);
        let (store, _) = world.open();
        let segments: Vec<u64> =
            store.segment_facts().await.unwrap().iter().map(|facts| facts.number).collect();
        let tombstone_in = *segments.last().unwrap();
        let report = store.compact_segment(tombstone_in, Throttle::Unlimited).await.unwrap();
        assert_eq!((report.removed, report.tombstones_dropped), (true, 0), "segment 0 still lists it");
        let report = store.compact_segment(0, Throttle::Unlimited).await.unwrap();
        assert!(report.removed);
        store.close().await.unwrap();
        drop(store);
        let (store, _) = world.rebuild();
        assert_eq!(list(&store).await.unwrap().len(), 2);
        let last = store.segment_facts().await.unwrap().last().unwrap().number;
        let report = store.compact_segment(last, Throttle::Unlimited).await.unwrap();
        assert_eq!(report.tombstones_dropped, 1);
        store.close().await.unwrap();
        drop(store);
        assert_eq!(list(&world.rebuild().0).await.unwrap().len(), 2);
    });
}
