//! How much of a blob is in memory while it is stored.

use crate::support::{Fault, World, blob, state};
use bytes::Bytes;
use esker_cluster::StoreOptions;
use esker_rpc::{BlobBody, BlobStore as _};
use futures::{StreamExt as _, stream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const PIECE_BYTES: usize = 64 << 10;
const PIECES: usize = 128;
const KEPT_BYTES: usize = 256 << 10;

/// Counts the bytes of a body that are in memory now, and the most there were.
#[derive(Debug, Default)]
struct Meter {
    now: AtomicUsize,
    most: AtomicUsize,
    made: AtomicUsize,
}

/// A piece that is counted as long as anybody has it.
struct Piece(Vec<u8>, Arc<Meter>);

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.1.now.fetch_sub(self.0.len(), Ordering::SeqCst);
    }
}

fn metered(meter: &Arc<Meter>) -> BlobBody {
    let meter = Arc::clone(meter);
    stream::iter(0..PIECES)
        .map(move |_| {
            let now = meter.now.fetch_add(PIECE_BYTES, Ordering::SeqCst) + PIECE_BYTES;
            meter.most.fetch_max(now, Ordering::SeqCst);
            meter.made.fetch_add(1, Ordering::SeqCst);
            Ok(Bytes::from_owner(Piece(vec![7; PIECE_BYTES], Arc::clone(&meter))))
        })
        .boxed()
}

fn world() -> World {
    let mut options = StoreOptions::default();
    options.write.kept_bytes_max = KEPT_BYTES;
    World::start(3, vec![state(0, 1, &[1, 2, 3], &[])], options)
}

/// What may be in memory: the kept beginning, the pieces that wait in the lanes, one being handed over, and one that
/// the slowest replica has taken.
const BOUND: usize = KEPT_BYTES + (2 + 3) * PIECE_BYTES;

#[tokio::test(start_paused = true)]
async fn a_stalled_replica_does_not_make_the_blob_pile_up() {
    let world = world();
    world.node(3).on_puts(Fault::Stall(10 * PIECE_BYTES));
    let meter = Arc::new(Meter::default());
    let stored = world.store.put(blob(1), metered(&meter)).await.expect("a quorum");
    assert_eq!((stored.length, stored.late.len()), ((PIECES * PIECE_BYTES) as u64, 1));
    let most = meter.most.load(Ordering::SeqCst);
    assert!(most <= BOUND, "{most} bytes of {BOUND}");
    assert_eq!(meter.now.load(Ordering::SeqCst), 0, "nothing is kept afterwards");
}

#[tokio::test(start_paused = true)]
async fn no_more_is_taken_from_the_body_than_the_replicas_take() {
    let world = world();
    world.node(2).on_puts(Fault::Stall(10 * PIECE_BYTES));
    world.node(3).on_puts(Fault::Stall(10 * PIECE_BYTES));
    let meter = Arc::new(Meter::default());
    world.store.put(blob(1), metered(&meter)).await.expect_err("no quorum");
    let made = meter.made.load(Ordering::SeqCst);
    assert!((10..=10 + 2 + 2).contains(&made), "{made} pieces were made");
    assert!(meter.most.load(Ordering::SeqCst) <= BOUND);
    assert_eq!(meter.now.load(Ordering::SeqCst), 0);
}
