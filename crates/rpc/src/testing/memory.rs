//! A storage node without a disk.

use crate::storage::{
    BlobBody, BlobInfo, BlobPage, BlobReader, GroupFilter, STAT_MAX, Storage, StorageError, StorageUsage,
};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use esker_types::{BlobId, ByteRange, CHUNK_BYTES, Fence, PlacementEpoch, PlacementGroup};
use futures::{StreamExt as _, stream};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

const PIECE_BYTES: usize = 256 << 10;

/// Keeps blobs in memory.
#[derive(Debug, Default)]
pub struct MemoryStorage {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    blobs: BTreeMap<BlobId, Bytes>,
    fences: BTreeMap<PlacementGroup, PlacementEpoch>,
}

impl State {
    fn check(&self, fence: Fence) -> Result<(), StorageError> {
        match self.fences.get(&fence.group) {
            Some(known) if *known > fence.epoch => Err(StorageError::Stale(*known)),
            _ => Ok(()),
        }
    }
}

impl MemoryStorage {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is stored, as a rotten disk does.
    pub fn replace(&self, blob: BlobId, bytes: Bytes) {
        self.state().blobs.insert(blob, bytes);
    }
}

async fn collect(mut body: BlobBody) -> Result<Bytes, StorageError> {
    let mut bytes = BytesMut::new();
    while let Some(piece) = body.next().await {
        bytes.extend_from_slice(&piece.map_err(|_| StorageError::Aborted)?);
        if bytes.len() as u64 > CHUNK_BYTES {
            return Err(StorageError::TooLong);
        }
    }
    Ok(bytes.freeze())
}

#[async_trait]
impl Storage for MemoryStorage {
    async fn put(&self, blob: BlobId, fence: Fence, body: BlobBody) -> Result<u64, StorageError> {
        self.state().check(fence)?;
        let bytes = collect(body).await?;
        let mut state = self.state();
        state.check(fence)?;
        let length = bytes.len() as u64;
        if state.blobs.get(&blob).is_some_and(|known| known.len() as u64 != length) {
            return Err(StorageError::Exists);
        }
        state.blobs.entry(blob).or_insert(bytes);
        Ok(length)
    }

    async fn get(&self, blob: BlobId, range: ByteRange) -> Result<BlobReader, StorageError> {
        let bytes = self.state().blobs.get(&blob).cloned().ok_or(StorageError::NotFound)?;
        let offset = |at| usize::try_from(at).map_err(|_| StorageError::OutOfRange);
        let (first, last) = (offset(range.first)?, offset(range.last)?);
        if first > last || last >= bytes.len() {
            return Err(StorageError::OutOfRange);
        }
        let mut left = bytes.slice(first..=last);
        let pieces = std::iter::from_fn(move || {
            let piece = left.split_to(left.len().min(PIECE_BYTES));
            (!piece.is_empty()).then_some(Ok(piece))
        });
        Ok(stream::iter(pieces).boxed())
    }

    async fn delete(&self, blobs: &[BlobId]) -> Result<(), StorageError> {
        let mut state = self.state();
        for blob in blobs {
            state.blobs.remove(blob);
        }
        Ok(())
    }

    async fn stat(&self, blobs: &[BlobId]) -> Result<Vec<Option<u64>>, StorageError> {
        assert!(blobs.len() <= STAT_MAX, "too many blobs");
        let state = self.state();
        Ok(blobs.iter().map(|blob| state.blobs.get(blob).map(|bytes| bytes.len() as u64)).collect())
    }

    async fn list(
        &self,
        filter: Option<&GroupFilter>,
        after: Option<BlobId>,
        limit: usize,
    ) -> Result<BlobPage, StorageError> {
        let state = self.state();
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let all = state.blobs.range((start, Bound::Unbounded));
        let mut all = all.filter(|(blob, _)| filter.is_none_or(|filter| filter.holds(**blob)));
        let info = |(blob, bytes): (&BlobId, &Bytes)| BlobInfo { blob: *blob, length: bytes.len() as u64 };
        let blobs: Vec<_> = all.by_ref().take(limit).map(info).collect();
        let next = blobs.last().filter(|_| all.next().is_some()).map(|info| info.blob);
        Ok(BlobPage { blobs, next })
    }

    async fn fence(&self, fences: &[Fence]) -> Result<(), StorageError> {
        assert!(fences.len() <= STAT_MAX, "too many fences");
        let mut state = self.state();
        for fence in fences {
            let known = state.fences.entry(fence.group).or_insert(fence.epoch);
            *known = fence.epoch.max(*known);
        }
        Ok(())
    }

    async fn usage(&self) -> Result<StorageUsage, StorageError> {
        let state = self.state();
        let live_bytes = state.blobs.values().map(|bytes| bytes.len() as u64).sum();
        let (blobs, capacity_bytes) = (state.blobs.len() as u64, 1 << 40);
        let free_bytes = capacity_bytes - live_bytes;
        Ok(StorageUsage { capacity_bytes, free_bytes, blobs, live_bytes, ..StorageUsage::default() })
    }
}
