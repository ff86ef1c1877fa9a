//! A storage node in memory. What it holds survives its process.

use super::bytes_of;
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use esker_rpc::testing;
use esker_rpc::{
    BlobBody, BlobInfo, BlobPage, BlobReader, BodyAborted, DiskState, GroupFilter, STAT_MAX, Storage,
    StorageError, StorageUsage,
};
use esker_types::{BlobId, ByteRange, Fence, PlacementEpoch, PlacementGroup};
use futures::StreamExt as _;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

const PIECE_BYTES: usize = 256 << 10;
/// So few that lists have many pages, and filtered ones empty pages.
const LOOKED_AT_FOR_A_PAGE: usize = 50;

#[derive(Default)]
struct Held {
    blobs: BTreeMap<BlobId, Bytes>,
    rotten: BTreeSet<BlobId>,
    fences: BTreeMap<PlacementGroup, PlacementEpoch>,
}

#[derive(Default)]
pub struct Disk {
    held: Mutex<Held>,
    cut_off: AtomicBool,
    full: AtomicBool,
    retired: AtomicBool,
    puts_held: watch::Sender<bool>,
    lists_held: watch::Sender<bool>,
    lists_waiting: AtomicU64,
    pub deleted: AtomicU64,
}

impl Disk {
    /// Whether others can reach it.
    pub fn set_cut_off(&self, cut_off: bool) {
        self.cut_off.store(cut_off, Ordering::SeqCst);
    }

    pub fn set_full(&self, full: bool) {
        self.full.store(full, Ordering::SeqCst);
    }

    /// Whether its disk takes nothing any more. Fences it still acknowledges.
    pub fn set_retired(&self, retired: bool) {
        self.retired.store(retired, Ordering::SeqCst);
    }

    /// Lets puts wait with all their bytes there, before they are stored or refused; or lets them go on.
    pub fn hold_puts(&self, hold: bool) {
        self.puts_held.send_replace(hold);
    }

    /// Lets lists wait that are made already, or lets them go on.
    pub fn hold_lists(&self, hold: bool) {
        self.lists_held.send_replace(hold);
    }

    /// How many lists wait.
    pub fn lists_waiting(&self) -> u64 {
        self.lists_waiting.load(Ordering::SeqCst)
    }

    pub fn blobs(&self) -> Vec<BlobId> {
        self.held.lock().unwrap().blobs.keys().copied().collect()
    }

    /// Whether it has exactly these bytes, and would give them.
    pub fn has_whole(&self, blob: BlobId, length: u64) -> bool {
        let held = self.held.lock().unwrap();
        !held.rotten.contains(&blob) && held.blobs.get(&blob).is_some_and(|b| *b == bytes_of(blob, length))
    }

    pub fn has(&self, blob: BlobId) -> bool {
        self.held.lock().unwrap().blobs.contains_key(&blob)
    }

    /// The latest state of a placement group that it acknowledged.
    pub fn fenced(&self, group: PlacementGroup) -> Option<PlacementEpoch> {
        self.held.lock().unwrap().fences.get(&group).copied()
    }

    /// Lets a blob decay.
    pub fn rot(&self, blob: BlobId) {
        self.held.lock().unwrap().rotten.insert(blob);
    }

    /// Loses a blob.
    pub fn lose(&self, blob: BlobId) {
        self.held.lock().unwrap().blobs.remove(&blob);
    }

    /// Puts a blob there as a gateway would that never committed it.
    pub fn plant(&self, blob: BlobId, length: u64) {
        self.held.lock().unwrap().blobs.insert(blob, bytes_of(blob, length));
    }

    fn check_writable(&self) -> Result<(), StorageError> {
        match self.retired.load(Ordering::SeqCst) {
            true => Err(StorageError::Failed("the disk is retired".to_owned())),
            false => Ok(()),
        }
    }

    fn check(&self, fence: Fence) -> Result<(), StorageError> {
        match self.held.lock().unwrap().fences.get(&fence.group) {
            Some(known) if *known > fence.epoch => Err(StorageError::Stale(*known)),
            _ => Ok(()),
        }
    }

    fn page(&self, filter: Option<&GroupFilter>, after: Option<BlobId>, limit: usize) -> BlobPage {
        let held = self.held.lock().unwrap();
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut rest = held.blobs.range((start, Bound::Unbounded));
        let looked_at: Vec<_> = rest.by_ref().take(limit.min(LOOKED_AT_FOR_A_PAGE)).collect();
        let next = rest.next().and_then(|_| looked_at.last()).map(|(blob, _)| **blob);
        let wanted =
            looked_at.into_iter().filter(|(blob, _)| filter.is_none_or(|filter| filter.holds(**blob)));
        let blobs =
            wanted.map(|(blob, bytes)| BlobInfo { blob: *blob, length: bytes.len() as u64 }).collect();
        BlobPage { blobs, next }
    }
}

#[async_trait]
impl Storage for Disk {
    async fn put(&self, blob: BlobId, fence: Fence, mut body: BlobBody) -> Result<u64, StorageError> {
        self.check(fence)?;
        let mut bytes = BytesMut::new();
        while let Some(piece) = body.next().await {
            let Ok(piece) = piece.map_err(|BodyAborted| ()) else { return Err(StorageError::Aborted) };
            assert!(!piece.is_empty() && piece.len() <= PIECE_BYTES);
            bytes.extend_from_slice(&piece);
            tokio::task::yield_now().await;
        }
        let _ = self.puts_held.subscribe().wait_for(|held| !held).await;
        if self.full.load(Ordering::SeqCst) {
            return Err(StorageError::Full);
        }
        self.check_writable()?;
        self.check(fence)?;
        let mut held = self.held.lock().unwrap();
        if held.blobs.get(&blob).is_some_and(|old| old.len() != bytes.len()) {
            return Err(StorageError::Exists);
        }
        let length = bytes.len() as u64;
        held.blobs.insert(blob, bytes.freeze());
        held.rotten.remove(&blob);
        Ok(length)
    }

    async fn get(&self, blob: BlobId, range: ByteRange) -> Result<BlobReader, StorageError> {
        tokio::task::yield_now().await;
        let held = self.held.lock().unwrap();
        let bytes = held.blobs.get(&blob).cloned().ok_or(StorageError::NotFound)?;
        let (first, last) = (usize::try_from(range.first).unwrap(), usize::try_from(range.last).unwrap());
        if last >= bytes.len() {
            return Err(StorageError::OutOfRange);
        }
        let bytes = bytes.slice(first..=last);
        let mut pieces: Vec<Result<Bytes, StorageError>> =
            bytes.chunks(PIECE_BYTES).map(|piece| Ok(bytes.slice_ref(piece))).collect();
        if held.rotten.contains(&blob) {
            pieces.pop();
            pieces.push(Err(StorageError::Corrupt("rotten".to_owned())));
        }
        Ok(futures::stream::iter(pieces).boxed())
    }

    async fn delete(&self, blobs: &[BlobId]) -> Result<(), StorageError> {
        self.check_writable()?;
        let mut held = self.held.lock().unwrap();
        for blob in blobs {
            if held.blobs.remove(blob).is_some() {
                self.deleted.fetch_add(1, Ordering::SeqCst);
            }
            held.rotten.remove(blob);
        }
        Ok(())
    }

    async fn stat(&self, blobs: &[BlobId]) -> Result<Vec<Option<u64>>, StorageError> {
        assert!(blobs.len() <= STAT_MAX);
        tokio::task::yield_now().await;
        let held = self.held.lock().unwrap();
        Ok(blobs.iter().map(|blob| held.blobs.get(blob).map(|bytes| bytes.len() as u64)).collect())
    }

    async fn list(
        &self,
        filter: Option<&GroupFilter>,
        after: Option<BlobId>,
        limit: usize,
    ) -> Result<BlobPage, StorageError> {
        tokio::task::yield_now().await;
        let page = self.page(filter, after, limit);
        self.lists_waiting.fetch_add(1, Ordering::SeqCst);
        let _ = self.lists_held.subscribe().wait_for(|held| !held).await;
        self.lists_waiting.fetch_sub(1, Ordering::SeqCst);
        Ok(page)
    }

    async fn fence(&self, fences: &[Fence]) -> Result<(), StorageError> {
        let mut held = self.held.lock().unwrap();
        for fence in fences {
            let known = held.fences.entry(fence.group).or_insert(fence.epoch);
            *known = fence.epoch.max(*known);
        }
        Ok(())
    }

    async fn usage(&self) -> Result<StorageUsage, StorageError> {
        let held = self.held.lock().unwrap();
        let live_bytes = held.blobs.values().map(|bytes| bytes.len() as u64).sum();
        let disk = if self.check_writable().is_ok() { DiskState::Sound } else { DiskState::Retired };
        Ok(StorageUsage { blobs: held.blobs.len() as u64, live_bytes, disk, ..StorageUsage::default() })
    }
}

/// A disk as other nodes reach it.
pub struct Remote {
    pub disk: Arc<Disk>,
    /// The disk of the node that asks, since that node may be cut off.
    pub from: Option<Arc<Disk>>,
}

#[async_trait]
impl testing::Delegate for Remote {
    fn inner(&self) -> Result<&dyn Storage, StorageError> {
        let cut_off = |disk: &Arc<Disk>| disk.cut_off.load(Ordering::SeqCst);
        if cut_off(&self.disk) || self.from.as_ref().is_some_and(cut_off) {
            Err(StorageError::Unavailable("cut off".to_owned()))
        } else {
            Ok(&*self.disk)
        }
    }

    async fn put(&self, blob: BlobId, fence: Fence, body: BlobBody) -> Result<u64, StorageError> {
        let length = self.inner()?.put(blob, fence, body).await?;
        // The answer is cut off, too.
        self.inner().map(|_| length)
    }
}
