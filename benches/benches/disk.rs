//! What reaches a disk: the log under Raft, and blobs in segments. On the file system of the temporary directory,
//! with real syncs.
#![allow(missing_docs, reason = "criterion's macros make public functions")]

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use esker_env::{Clock, Disk, OsDisk, OsRandom, Random, SystemClock};
use esker_kv::{EngineKind, Options};
use esker_rpc::Storage as _;
use esker_storage::{ClusterChoice, Components, DataDir, IndexStart, SegmentStore, StorageOptions};
use esker_types::{BlobId, ByteRange, DataId, Fence, GroupId, PlacementEpoch, PlacementGroup};
use esker_wal::{Record, Wal, WalOptions};
use futures::{StreamExt as _, stream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const MIB: usize = 1 << 20;
/// The payload of an entry: the command of a small put.
const ENTRY_BYTES: usize = 512;
/// A group purges its log now and then, or the disk fills.
const PURGE_EVERY: u64 = 256;
/// Blobs that were put and are then deleted together, off the clock.
const PUTS_PER_DELETE: usize = 32;
/// A placement group that never moves.
const FENCE: Fence = Fence { group: PlacementGroup(0), epoch: PlacementEpoch(1) };

fn disk() -> Arc<dyn Disk> {
    Arc::new(OsDisk)
}

fn random() -> Arc<dyn Random> {
    Arc::new(OsRandom)
}

/// The group's entry at `index`, and from time to time a purge of those before.
fn step(group: u16, index: u64, payload: &Bytes) -> Vec<Record> {
    let mut records = vec![Record::Entry { group, index, payload: payload.clone() }];
    if index.is_multiple_of(PURGE_EVERY) {
        records.push(Record::Purge { group, upto_index: index - 1, payload: Bytes::new() });
    }
    records
}

/// Threads that each append to a group of their own and wait until it is on disk.
fn log(c: &mut Criterion) {
    let mut group = c.benchmark_group("log append, synced");
    group.throughput(Throughput::Elements(1));
    for threads in [1_u16, 16] {
        let dir = tempfile::tempdir().expect("a directory");
        let options = WalOptions::new([7; 32]);
        let (wal, _) = Wal::open(&disk(), &random(), dir.path(), &options).expect("the log opens");
        let next: Vec<AtomicU64> = (0..threads).map(|_| AtomicU64::new(1)).collect();
        let payload = Bytes::from(vec![7; ENTRY_BYTES]);
        let append = |thread: u16, count: u64| {
            for _ in 0..count {
                let index = next[usize::from(thread)].fetch_add(1, Ordering::Relaxed);
                wal.append_synced_blocking(step(thread, index, &payload)).expect("the disk works");
            }
        };
        group.bench_function(BenchmarkId::new("threads", threads), |b| {
            b.iter_custom(|count| {
                let each = count.div_ceil(u64::from(threads));
                let clock = SystemClock::new();
                std::thread::scope(|scope| {
                    (0..threads).for_each(|thread| drop(scope.spawn(move || append(thread, each))));
                });
                // Of the appends that were asked for, not of those that the division added.
                clock.monotonic().mul_f64(count as f64 / (each * u64::from(threads)) as f64)
            });
        });
    }
    group.finish();
}

fn open(root: &Path) -> SegmentStore {
    let (disk, random) = (disk(), random());
    let engine = esker_kv::open(EngineKind::Fjall, &root.join("kv"), &Options::default()).expect("it opens");
    let dir = DataDir::open_or_create(&*disk, &root.join("data"), ClusterChoice::FoundOrNew, &*random);
    let components = Components {
        disk,
        engine,
        dir: Arc::new(dir.expect("a directory")),
        random,
        clock: Arc::new(SystemClock::new()),
    };
    SegmentStore::open(components, StorageOptions::default(), IndexStart::Recover).expect("it opens").0
}

fn blob(number: u64) -> BlobId {
    BlobId { data: DataId::new(number, GroupId(1), number), chunk: 0 }
}

/// Puts a blob that comes in pieces as a gateway sends them.
async fn put(store: &SegmentStore, blob: BlobId, bytes: &Bytes) {
    let piece = |at: usize| Ok(bytes.slice(at..at + (64 << 10)));
    let pieces: Vec<_> = (0..MIB).step_by(64 << 10).map(piece).collect();
    assert_eq!(store.put(blob, FENCE, stream::iter(pieces).boxed()).await, Ok(MIB as u64));
}

/// Puts blobs one after the other, and deletes them off the clock.
async fn time_puts(store: &SegmentStore, next: &AtomicU64, bytes: &Bytes, count: u64) -> Duration {
    let clock = SystemClock::new();
    let mut elapsed = Duration::ZERO;
    let blobs: Vec<BlobId> = (0..count).map(|_| blob(next.fetch_add(1, Ordering::Relaxed))).collect();
    for blobs in blobs.chunks(PUTS_PER_DELETE) {
        let start = clock.monotonic();
        for blob in blobs {
            put(store, *blob, bytes).await;
        }
        elapsed += clock.monotonic() - start;
        store.delete(blobs).await.expect("they go");
    }
    elapsed
}

async fn get(store: &SegmentStore, blob: BlobId, range: ByteRange) {
    let mut reader = store.get(blob, range).await.expect("it is there");
    let mut length = 0;
    while let Some(piece) = reader.next().await {
        length += piece.expect("it verifies").len() as u64;
    }
    assert_eq!(length, range.last - range.first + 1);
}

fn blobs(c: &mut Criterion) {
    let mut group = c.benchmark_group("blob");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build();
    let runtime = runtime.expect("a runtime");
    let dir = tempfile::tempdir().expect("a directory");
    let _guard = runtime.enter();
    let store = open(dir.path());
    let bytes = Bytes::from(vec![7; MIB]);
    let next = AtomicU64::new(1);
    group.throughput(Throughput::Bytes(MIB as u64));
    group.bench_function("put 1 MiB, synced", |b| {
        b.iter_custom(|count| runtime.block_on(time_puts(&store, &next, &bytes, count)));
    });
    runtime.block_on(put(&store, blob(0), &bytes));
    let whole = ByteRange { first: 0, last: MIB as u64 - 1 };
    group.bench_function("get 1 MiB, verified", |b| b.iter(|| runtime.block_on(get(&store, blob(0), whole))));
    let range = ByteRange { first: 500_000, last: 500_000 + (64 << 10) - 1 };
    group.throughput(Throughput::Bytes(64 << 10));
    group.bench_function("get 64 KiB of it", |b| b.iter(|| runtime.block_on(get(&store, blob(0), range))));
    group.finish();
    runtime.block_on(store.close()).expect("it closes");
}

criterion_group! { name = benches; config = bench::criterion(); targets = log, blobs }
criterion_main!(benches);
