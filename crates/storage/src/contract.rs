//! What every implementation of [`Storage`] owes its callers: one suite, for the store itself and for adapters
//! that reach it over a network.

use bytes::Bytes;
use esker_rpc::{BlobBody, BodyAborted, Storage, StorageError};
use esker_types::{BlobId, ByteRange, CHUNK_BYTES, DataId, GroupId};
use futures::{FutureExt as _, StreamExt as _, stream};

const BLOCK: u64 = 64 << 10;
const FRAGMENT: u64 = 256 << 10;
const PIECE_BYTES_MAX: usize = 256 << 10;

/// A blob id; ids grow with `number`.
pub fn blob(number: u64) -> BlobId {
    BlobId { data: DataId::new(number, GroupId(1), number), chunk: 3 }
}

/// The bytes of blob `number`: no two blocks of any blobs are the same.
pub fn content(number: u64, length: u64) -> Bytes {
    let word = |at: u64| (number << 32 ^ at).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
    let mut bytes: Vec<u8> = (0..length.div_ceil(8)).flat_map(word).collect();
    bytes.truncate(usize::try_from(length).unwrap_or(usize::MAX));
    bytes.into()
}

/// A body of these bytes, in pieces of `piece` bytes.
pub fn body(bytes: Bytes, piece: usize) -> BlobBody {
    let count = bytes.len().div_ceil(piece);
    stream::iter((0..count).map(move |at| {
        let start = at * piece;
        Ok(bytes.slice(start..(start + piece).min(bytes.len())))
    }))
    .boxed()
}

/// Reads a range to its end.
pub async fn read(store: &dyn Storage, blob: BlobId, range: ByteRange) -> Result<Vec<u8>, StorageError> {
    let mut reader = store.get(blob, range).await?;
    let mut bytes = Vec::new();
    while let Some(piece) = reader.next().await {
        let piece = piece?;
        assert!((1..=PIECE_BYTES_MAX).contains(&piece.len()), "a piece has {} bytes", piece.len());
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

/// Reads all of a blob of this length, or, if it is empty, finds it in a list.
pub async fn read_all(store: &dyn Storage, id: BlobId, length: u64) -> Result<Vec<u8>, StorageError> {
    match ByteRange::whole(length) {
        Some(range) => read(store, id, range).await,
        None => match store.get(id, ByteRange { first: 0, last: 0 }).await {
            Err(StorageError::OutOfRange) => Ok(Vec::new()),
            Err(error) => Err(error),
            Ok(_) => panic!("an empty blob has a byte"),
        },
    }
}

async fn put(store: &dyn Storage, number: u64, length: u64) {
    let stored = store.put(blob(number), body(content(number, length), 100_000)).await;
    assert_eq!(stored, Ok(length), "put of {length} bytes");
}

/// Runs every case, each on a fresh store.
pub async fn run<S: Storage>(make: impl AsyncFn() -> S) {
    blobs_read_as_they_were_written(&make().await).await;
    ranges_are_exact_at_every_block_boundary(&make().await).await;
    ranges_outside_are_refused(&make().await).await;
    bodies_may_come_in_any_pieces(&make().await).await;
    lists_are_ordered_and_resume(&make().await).await;
    deleted_blobs_are_gone_and_may_come_back(&make().await).await;
    names_are_not_reused(&make().await).await;
    bodies_that_are_aborted_or_too_long_leave_nothing(&make().await).await;
    dropped_puts_leave_nothing(&make().await).await;
}

async fn blobs_read_as_they_were_written(store: &dyn Storage) {
    let around = [BLOCK, FRAGMENT, 2 * FRAGMENT].into_iter().flat_map(|n| [n - 1, n, n + 1]);
    let lengths: Vec<u64> = [0, 1, 7, 8].into_iter().chain(around).chain([CHUNK_BYTES]).collect();
    for (number, length) in (0..).zip(&lengths) {
        put(store, number, *length).await;
    }
    for (number, length) in (0..).zip(&lengths) {
        let bytes = read_all(store, blob(number), *length).await;
        assert!(bytes.as_deref() == Ok(&content(number, *length)[..]), "{length} bytes");
    }
}

async fn ranges_are_exact_at_every_block_boundary(store: &dyn Storage) {
    let length = 2 * FRAGMENT + BLOCK + 5;
    put(store, 1, length).await;
    let whole = content(1, length);
    let edges: Vec<u64> =
        (0..=length / BLOCK).flat_map(|block| [(block * BLOCK).saturating_sub(1), block * BLOCK]).collect();
    for &first in &edges {
        for last in edges.iter().copied().chain([length - 1]).filter(|last| *last >= first) {
            let bytes = read(store, blob(1), ByteRange { first, last }).await;
            let wanted = whole.slice(to_usize(first)..=to_usize(last));
            assert!(bytes.as_deref() == Ok(&wanted[..]), "{first}..={last}");
        }
    }
}

fn to_usize(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

async fn ranges_outside_are_refused(store: &dyn Storage) {
    put(store, 1, 10).await;
    for (first, last) in [(0, 10), (10, 10), (9, u64::MAX), (5, 4)] {
        let result = read(store, blob(1), ByteRange { first, last }).await;
        assert_eq!(result, Err(StorageError::OutOfRange), "{first}..={last}");
    }
    assert_eq!(read(store, blob(2), ByteRange { first: 0, last: 0 }).await, Err(StorageError::NotFound));
}

async fn bodies_may_come_in_any_pieces(store: &dyn Storage) {
    let length = FRAGMENT + 1000;
    for (number, piece) in (0..).zip([1, 1000, to_usize(FRAGMENT), to_usize(length)]) {
        let mut pieces: Vec<_> = body(content(number, length), piece).collect().await;
        pieces.insert(0, Ok(Bytes::new()));
        pieces.push(Ok(Bytes::new()));
        assert_eq!(store.put(blob(number), stream::iter(pieces).boxed()).await, Ok(length));
        assert!(read_all(store, blob(number), length).await.as_deref() == Ok(&content(number, length)[..]));
    }
}

async fn lists_are_ordered_and_resume(store: &dyn Storage) {
    for number in [5, 1, 4, 2, 3] {
        put(store, number, number * 10).await;
    }
    let listed = |after, limit| async move {
        let infos = store.list(after, limit).await.expect("a list");
        infos.into_iter().map(|info| (info.blob, info.length)).collect::<Vec<_>>()
    };
    let all: Vec<_> = (1..=5).map(|number| (blob(number), number * 10)).collect();
    assert_eq!(listed(None, 10).await, all);
    assert_eq!(listed(None, 2).await, all[..2]);
    assert_eq!(listed(Some(blob(2)), 2).await, all[2..4]);
    assert_eq!(listed(Some(blob(5)), 2).await, []);
    assert_eq!(listed(None, 0).await, []);
}

async fn deleted_blobs_are_gone_and_may_come_back(store: &dyn Storage) {
    for number in 1..=3 {
        put(store, number, FRAGMENT + number).await;
    }
    assert_eq!(store.delete(&[blob(1), blob(99), blob(2)]).await, Ok(()));
    assert_eq!(store.delete(&[blob(1)]).await, Ok(()), "deleting twice is fine");
    assert_eq!(store.delete(&[]).await, Ok(()));
    for number in [1, 2] {
        let result = read_all(store, blob(number), FRAGMENT).await;
        assert_eq!(result, Err(StorageError::NotFound));
    }
    assert_eq!(store.list(None, 10).await.map(|infos| infos.len()), Ok(1));
    put(store, 1, FRAGMENT + 1).await;
    for number in [1, 3] {
        let length = FRAGMENT + number;
        assert!(read_all(store, blob(number), length).await.as_deref() == Ok(&content(number, length)[..]));
    }
}

async fn names_are_not_reused(store: &dyn Storage) {
    put(store, 1, 1000).await;
    put(store, 1, 1000).await;
    let other = store.put(blob(1), body(content(2, 999), 100)).await;
    assert_eq!(other, Err(StorageError::Exists));
    assert!(read_all(store, blob(1), 1000).await.as_deref() == Ok(&content(1, 1000)[..]));
    assert_eq!(store.list(None, 10).await.map(|infos| infos.len()), Ok(1));
}

async fn bodies_that_are_aborted_or_too_long_leave_nothing(store: &dyn Storage) {
    for sent in [0, 10, FRAGMENT, FRAGMENT + 10] {
        let aborted = body(content(1, sent), 100_000).chain(stream::iter([Err(BodyAborted)])).boxed();
        assert_eq!(store.put(blob(1), aborted).await, Err(StorageError::Aborted), "after {sent} bytes");
    }
    let too_long = body(content(1, CHUNK_BYTES + 1), 1 << 20);
    assert_eq!(store.put(blob(1), too_long).await, Err(StorageError::TooLong));
    assert_eq!(store.list(None, 10).await, Ok(Vec::new()));
    put(store, 1, CHUNK_BYTES).await;
}

async fn dropped_puts_leave_nothing(store: &dyn Storage) {
    let stalled = body(content(1, FRAGMENT + 10), 1000).chain(stream::pending()).boxed();
    // Polled until nothing moves any more: a read of another blob takes its turn behind it.
    let mut put_1 = Box::pin(store.put(blob(1), stalled));
    assert_eq!(put_1.as_mut().now_or_never(), None);
    put(store, 2, 10).await;
    assert_eq!(put_1.as_mut().now_or_never(), None);
    drop(put_1);
    assert_eq!(read_all(store, blob(1), FRAGMENT).await, Err(StorageError::NotFound));
    put(store, 1, 77).await;
    assert!(read_all(store, blob(1), 77).await.as_deref() == Ok(&content(1, 77)[..]));
}
