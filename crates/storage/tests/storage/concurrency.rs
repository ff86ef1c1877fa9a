//! Many at once: shared syncs, bounded memory, races between the same names.

use crate::support::{World, runtime};
use bytes::Bytes;
use esker_rpc::{Storage, StorageError};
use esker_storage::contract::{FENCE, blob, body, content, list, read_all};
use esker_storage::{SegmentStore, Throttle};
use futures::{StreamExt as _, future::join_all, stream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

async fn put(store: &SegmentStore, number: u64, length: u64) -> Result<u64, StorageError> {
    store.put(blob(number), FENCE, body(content(number, length), 100_000)).await
}

#[test]
fn concurrent_puts_share_syncs() {
    let (mut world, disk) = World::simulated();
    world.options.segment_bytes = 1 << 30;
    runtime().block_on(async {
        let (store, _) = world.open();
        let before = disk.counters().syncs;
        let results = join_all((0..400).map(|number| put(&store, number, 10_000))).await;
        assert!(results.iter().all(|result| *result == Ok(10_000)));
        let syncs = disk.counters().syncs - before;
        assert!(syncs < 200, "{syncs} syncs for 400 puts");
        for number in 0..400 {
            assert!(
                read_all(&store, blob(number), 10_000).await.as_deref() == Ok(&content(number, 10_000)[..])
            );
        }
    });
}

/// A put that is not driven any more, of a blob that is durable since. None if it learned of that.
async fn put_that_does_not_know<'s>(
    store: &'s SegmentStore,
    number: u64,
) -> Option<impl Future<Output = Result<u64, StorageError>> + 's> {
    let mut first = Box::pin(put(store, number, 10_000));
    loop {
        if futures::poll!(first.as_mut()).is_ready() {
            return None;
        }
        // Long enough for the committer to be done with what it was asked, if it was.
        for _ in 0..200 {
            if store.stat(&[blob(number)]).await.unwrap() == [Some(10_000)] {
                return Some(first);
            }
        }
    }
}

#[test]
fn a_blob_that_is_durable_stays_although_its_put_is_dropped() {
    let (world, _) = World::simulated();
    runtime().block_on(async {
        let (store, _) = world.open();
        let mut tries = 0..100;
        let (number, first) = loop {
            let number = tries.next().expect("one of so many puts is overtaken");
            if let Some(first) = put_that_does_not_know(&store, number).await {
                break (number, first);
            }
        };
        // As a pull does, somebody counts on the blob that was seen.
        drop(first);
        // The committer takes one request after the other: what the drop asked for is done when this is.
        store.delete(&[blob(1000)]).await.unwrap();
        assert!(read_all(&store, blob(number), 10_000).await.as_deref() == Ok(&content(number, 10_000)[..]));
    });
}

#[test]
fn a_put_waits_for_memory_before_it_takes_its_body() {
    let (mut world, _) = World::simulated();
    world.options.buffer_bytes = 3 * (256 << 10);
    runtime().block_on(async {
        let store = Arc::new(world.open().0);
        let begun = Arc::new(AtomicUsize::new(0));
        let (release, gate) = tokio::sync::watch::channel(false);
        let puts = (0..20).map(|number| {
            let (store, begun, mut gate) = (store.clone(), begun.clone(), gate.clone());
            tokio::spawn(async move {
                let body = stream::once(async move {
                    begun.fetch_add(1, Ordering::SeqCst);
                    gate.wait_for(|open| *open).await.unwrap();
                    Ok(Bytes::from_static(b"late"))
                });
                store.put(blob(number), FENCE, body.boxed()).await
            })
        });
        let puts: Vec<_> = puts.collect();
        while begun.load(Ordering::SeqCst) < 3 {
            tokio::task::yield_now().await;
        }
        // Enough turns for a fourth to begin, if it could.
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
        assert_eq!(begun.load(Ordering::SeqCst), 3, "one body for each buffer");
        release.send(true).unwrap();
        for put in puts {
            assert_eq!(put.await.unwrap(), Ok(4));
        }
    });
}

#[test]
fn a_body_that_never_ends_is_given_up() {
    let (mut world, _) = World::simulated();
    world.options.put_time_max = std::time::Duration::from_millis(20);
    runtime().block_on(async {
        let (store, _) = world.open();
        let endless = body(content(1, 300_000), 1000).chain(stream::pending()).boxed();
        assert_eq!(store.put(blob(1), FENCE, endless).await, Err(StorageError::Aborted));
        assert_eq!(read_all(&store, blob(1), 300_000).await, Err(StorageError::NotFound));
    });
}

#[test]
fn puts_of_one_name_at_once_all_succeed_and_leave_one_blob() {
    let (world, _) = World::simulated();
    runtime().block_on(async {
        let (store, _) = world.open();
        let results = join_all((0..16).map(|_| put(&store, 1, 70_000))).await;
        assert!(results.iter().all(|result| *result == Ok(70_000)), "{results:?}");
        store.delete(&[blob(1)]).await.unwrap();
        store.close().await.unwrap();
        drop(store);
        let (store, report) = world.rebuild();
        assert_eq!((report.blobs_added, report.duplicates), (0, 0));
        assert_eq!(list(&store).await, Ok(vec![]));
    });
}

#[test]
fn dropping_puts_at_any_moment_leaves_whole_blobs_or_none_even_after_a_rebuild() {
    let (world, _) = World::simulated();
    runtime().block_on(async {
        let store = Arc::new(world.open().0);
        let mut kept = Vec::new();
        for number in 0..200_u64 {
            let length = 300_000 + number;
            let task = {
                let store = store.clone();
                tokio::spawn(async move { put(&store, number, length).await })
            };
            for _ in 0..number % 40 * 20 {
                tokio::task::yield_now().await;
            }
            task.abort();
            // What a put answered, or what could be seen, stays.
            let seen = store.stat(&[blob(number)]).await.unwrap() == [Some(length)];
            let answered = task.await.is_ok_and(|result| result == Ok(length));
            if seen || answered {
                kept.push(blob(number));
            }
        }
        store.close().await.unwrap();
        let left = list(&*store).await.unwrap();
        let names: Vec<_> = left.iter().map(|info| info.blob).collect();
        assert!(kept.iter().all(|blob| names.contains(blob)), "{} kept, {} left", kept.len(), names.len());
        assert!(names.len() < 200, "some were dropped in time");
        drop(store);
        for open in [World::open, World::rebuild] {
            let (store, _) = open(&world);
            assert_eq!(list(&store).await.as_ref(), Ok(&left));
            for number in 0..200 {
                let bytes = read_all(&store, blob(number), 300_000 + number).await;
                let whole = bytes.as_deref() == Ok(&content(number, 300_000 + number)[..]);
                assert_eq!(whole, names.contains(&blob(number)), "blob {number}");
                assert!(whole || bytes == Err(StorageError::NotFound), "blob {number}");
            }
        }
    });
}

#[test]
fn compaction_deletes_puts_and_reads_run_at_once() {
    let (world, _) = World::simulated();
    runtime().block_on(async {
        let store = Arc::new(world.open().0);
        let writers = (0..4_u64).map(|task| {
            let store = store.clone();
            tokio::spawn(async move {
                for number in task * 100..task * 100 + 40 {
                    let length = 1000 + number * 700;
                    assert_eq!(put(&store, number, length).await, Ok(length));
                    let bytes = read_all(&*store, blob(number), length).await;
                    assert!(bytes.as_deref() == Ok(&content(number, length)[..]), "blob {number}: {bytes:?}");
                    if number % 2 == 0 {
                        store.delete(&[blob(number)]).await.unwrap();
                        assert_eq!(
                            read_all(&*store, blob(number), length).await,
                            Err(StorageError::NotFound)
                        );
                    }
                }
            })
        });
        let writers: Vec<_> = writers.collect();
        let mut removed = 0;
        while !writers.iter().all(tokio::task::JoinHandle::is_finished) {
            removed += store.compact(Throttle::Unlimited).await.unwrap();
        }
        for writer in writers {
            writer.await.unwrap();
        }
        assert!(removed > 3, "{removed} segments compacted");
        for task in 0..4_u64 {
            for number in (task * 100..task * 100 + 40).filter(|number| number % 2 == 1) {
                let length = 1000 + number * 700;
                let bytes = read_all(&*store, blob(number), length).await;
                assert!(bytes.as_deref() == Ok(&content(number, length)[..]), "blob {number}");
            }
        }
    });
}
