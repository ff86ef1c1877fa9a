//! Space comes back, and the background loop finds what is to be done.

use crate::support::{World, runtime};
use esker_env::Disk as _;
use esker_rpc::Storage;
use esker_storage::contract::{blob, body, content, read_all};
use esker_storage::{SegmentStore, Throttle};
use std::sync::{Arc, Mutex};
use tokio_util::sync::CancellationToken;

async fn put(store: &SegmentStore, number: u64, length: u64) {
    assert_eq!(store.put(blob(number), body(content(number, length), 100_000)).await, Ok(length));
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
        store.put(blob(2), aborted).await.unwrap_err();
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
        assert_eq!(store.list(None, 9).await.unwrap().len(), 2);
        let last = store.segment_facts().await.unwrap().last().unwrap().number;
        let report = store.compact_segment(last, Throttle::Unlimited).await.unwrap();
        assert_eq!(report.tombstones_dropped, 1);
        store.close().await.unwrap();
        drop(store);
        assert_eq!(world.rebuild().0.list(None, 9).await.unwrap().len(), 2);
    });
}
