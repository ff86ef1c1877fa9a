//! What every implementation of [`Storage`] owes its callers: one suite, for the store itself and for adapters
//! that reach it over a network.

mod puts;

use crate::{BlobBody, BlobInfo, BlobPage, GroupFilter, Storage, StorageError};
use bytes::Bytes;
use esker_types::{BlobId, ByteRange, CHUNK_BYTES, DataId, Fence, GroupId, PlacementEpoch, PlacementGroup};
use futures::{StreamExt as _, stream};

const BLOCK: u64 = 64 << 10;
const FRAGMENT: u64 = 256 << 10;
const PIECE_BYTES_MAX: usize = 256 << 10;

/// A state of a placement group that no later one follows.
pub const FENCE: Fence = fence(0, 1);

/// A state of a placement group.
pub const fn fence(group: u16, epoch: u64) -> Fence {
    Fence { group: PlacementGroup(group), epoch: PlacementEpoch(epoch) }
}

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

/// Every blob of a store, in pages of three.
pub async fn list(store: &dyn Storage) -> Result<Vec<BlobInfo>, StorageError> {
    list_filtered(store, None).await
}

async fn list_filtered(
    store: &dyn Storage,
    filter: Option<&GroupFilter>,
) -> Result<Vec<BlobInfo>, StorageError> {
    let (mut blobs, mut after) = (Vec::new(), None);
    loop {
        let page = store.list(filter, after, 3).await?;
        assert!(page.blobs.len() <= 3, "{} blobs", page.blobs.len());
        assert!(page.next.is_none_or(|next| after.is_none_or(|after| next > after)), "a list goes on");
        blobs.extend(page.blobs);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(blobs),
        }
    }
}

async fn put(store: &dyn Storage, number: u64, length: u64) {
    let stored = store.put(blob(number), FENCE, body(content(number, length), 100_000)).await;
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
    puts::run(&make).await;
    lists_can_be_of_some_groups(&make().await).await;
    lengths_are_told_in_the_order_of_the_question(&make().await).await;
    puts_of_an_earlier_state_than_the_acknowledged_one_are_refused(&make().await).await;
    usage_counts_what_is_stored(&make().await).await;
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
        assert_eq!(store.put(blob(number), FENCE, stream::iter(pieces).boxed()).await, Ok(length));
        assert!(read_all(store, blob(number), length).await.as_deref() == Ok(&content(number, length)[..]));
    }
}

async fn lists_are_ordered_and_resume(store: &dyn Storage) {
    for number in [5, 1, 4, 2, 3] {
        put(store, number, number * 10).await;
    }
    let infos = |numbers: std::ops::RangeInclusive<u64>| {
        numbers.map(|number| BlobInfo { blob: blob(number), length: number * 10 }).collect::<Vec<_>>()
    };
    let page = async |after, limit| store.list(None, after, limit).await.expect("a list");
    let last = |numbers| BlobPage { blobs: infos(numbers), next: None };
    assert_eq!(page(None, 10).await, last(1..=5));
    assert_eq!(page(None, 5).await, last(1..=5), "a full page may be the last");
    assert_eq!(page(None, 2).await, BlobPage { blobs: infos(1..=2), next: Some(blob(2)) });
    assert_eq!(page(Some(blob(2)), 2).await, BlobPage { blobs: infos(3..=4), next: Some(blob(4)) });
    assert_eq!(page(Some(blob(4)), 2).await, last(5..=5));
    assert_eq!(page(Some(blob(5)), 2).await.blobs, []);
    assert_eq!(page(None, 0).await.blobs, []);
}

async fn lists_can_be_of_some_groups(store: &dyn Storage) {
    for number in 0..40 {
        put(store, number, number).await;
    }
    let of = std::num::NonZeroU16::new(4).expect("not zero");
    let filter =
        |groups: &[u16]| GroupFilter { of, groups: groups.iter().copied().map(PlacementGroup).collect() };
    let mut together = Vec::new();
    for group in 0..4 {
        let filter = filter(&[group]);
        let blobs = list_filtered(store, Some(&filter)).await.expect("a list");
        assert!(blobs.iter().all(|info| filter.holds(info.blob)), "group {group}");
        assert!(!blobs.is_empty(), "40 blobs fall into all of 4 groups");
        together.extend(blobs);
    }
    together.sort_by_key(|info| info.blob);
    assert_eq!(list(store).await, Ok(together.clone()));
    let two = filter(&[1, 3]);
    let wanted: Vec<_> = together.into_iter().filter(|info| two.holds(info.blob)).collect();
    assert_eq!(list_filtered(store, Some(&two)).await, Ok(wanted));
    assert_eq!(list_filtered(store, Some(&filter(&[]))).await, Ok(Vec::new()));
}

async fn lengths_are_told_in_the_order_of_the_question(store: &dyn Storage) {
    for number in [0, 2, 3] {
        put(store, number, number * 100).await;
    }
    store.delete(&[blob(3)]).await.expect("it goes");
    let asked = [blob(2), blob(1), blob(0), blob(3), blob(2)];
    assert_eq!(store.stat(&asked).await, Ok(vec![Some(200), None, Some(0), None, Some(200)]));
    assert_eq!(store.stat(&[]).await, Ok(Vec::new()));
}

async fn puts_of_an_earlier_state_than_the_acknowledged_one_are_refused(store: &dyn Storage) {
    let put_at = async |number, at| store.put(blob(number), at, body(content(number, 10), 10)).await;
    assert_eq!(put_at(1, fence(3, 5)).await, Ok(10));
    assert_eq!(store.fence(&[fence(3, 6), fence(4, 9)]).await, Ok(()));
    assert_eq!(store.fence(&[fence(3, 2)]).await, Ok(()), "an earlier state is ignored");
    assert_eq!(put_at(2, fence(3, 5)).await, Err(StorageError::Stale(PlacementEpoch(6))));
    assert_eq!(
        put_at(1, fence(3, 5)).await,
        Err(StorageError::Stale(PlacementEpoch(6))),
        "what is there too"
    );
    assert_eq!(put_at(2, fence(4, 8)).await, Err(StorageError::Stale(PlacementEpoch(9))));
    let blobs = list(store).await.expect("a list");
    assert_eq!(blobs, [BlobInfo { blob: blob(1), length: 10 }], "nothing was stored");
    assert_eq!(put_at(2, fence(3, 6)).await, Ok(10), "the acknowledged state itself");
    assert_eq!(put_at(3, fence(3, 7)).await, Ok(10), "a later one");
    assert_eq!(put_at(4, fence(5, 1)).await, Ok(10), "another group");
    assert_eq!(store.fence(&[]).await, Ok(()));
}

async fn usage_counts_what_is_stored(store: &dyn Storage) {
    let usage = async || store.usage().await.expect("the usage");
    assert_eq!((usage().await.blobs, usage().await.live_bytes), (0, 0));
    put(store, 1, 1000).await;
    put(store, 2, FRAGMENT + 1).await;
    put(store, 2, FRAGMENT + 1).await;
    let full = usage().await;
    assert_eq!((full.blobs, full.live_bytes), (2, 1000 + FRAGMENT + 1));
    assert!(full.free_bytes <= full.capacity_bytes, "{full:?}");
    store.delete(&[blob(2), blob(3)]).await.expect("it goes");
    assert_eq!((usage().await.blobs, usage().await.live_bytes), (1, 1000));
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
    assert_eq!(list(store).await.map(|infos| infos.len()), Ok(1));
    put(store, 1, FRAGMENT + 1).await;
    for number in [1, 3] {
        let length = FRAGMENT + number;
        assert!(read_all(store, blob(number), length).await.as_deref() == Ok(&content(number, length)[..]));
    }
}
