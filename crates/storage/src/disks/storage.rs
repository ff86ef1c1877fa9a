//! [`Storage`] over all disks.

use super::NodeStore;
use super::choose::{Candidate, choose};
use super::merge::merge;
use super::unit::{Unit, UnitState};
use async_trait::async_trait;
use esker_rpc::{
    BlobBody, BlobPage, BlobReader, GroupFilter, Storage, StorageError, StorageUsage, Wholeness,
};
use esker_types::{BlobId, ByteRange, Fence};

/// A blob that keeps moving while it is read is looked up at most this often.
const LOOKUPS_MAX: usize = 8;

impl NodeStore {
    /// The disk that takes a blob: the sound one that has it, or else one that has room.
    async fn place(&self, blob: BlobId) -> Result<usize, StorageError> {
        self.look(move |units| {
            if let Some(holder) = units.sound_holder(blob)? {
                return Ok(holder);
            }
            let candidates: Vec<Candidate> =
                units.0.iter().enumerate().filter_map(|(at, unit)| unit.candidate(at)).collect();
            // The system disk says why nothing is taken.
            Ok(choose(blob, &candidates).unwrap_or(0))
        })
        .await
    }

    /// One attempt to read; none if the blob moved meanwhile.
    async fn try_get(&self, blob: BlobId, range: ByteRange) -> Option<Result<BlobReader, StorageError>> {
        let holders = {
            let _rows = self.rows().read().await;
            match self.look(move |units| units.holders(blob)).await {
                Ok(holders) => holders,
                Err(error) => return Some(Err(error)),
            }
        };
        let (mut failure, mut moved) = (None, false);
        for store in holders.readable.iter().filter_map(|at| self.unit(*at).store()) {
            match store.get(blob, range).await {
                Err(StorageError::NotFound) => moved = true,
                Err(error @ (StorageError::Corrupt(_) | StorageError::Failed(_))) => failure = Some(error),
                result => return Some(result),
            }
        }
        match (moved, failure, holders.out) {
            (true, _, _) => None,
            (false, Some(error), _) => Some(Err(error)),
            (false, None, Some(out)) => Some(Err(on_lost_disk(self.unit(out)))),
            (false, None, None) => Some(Err(self.absent())),
        }
    }

    /// What is said of a blob of which nothing is known. That it is not there is said only by a node that would know.
    fn absent(&self) -> StorageError {
        match self.lists() {
            Wholeness::Whole => StorageError::NotFound,
            Wholeness::Lacking => StorageError::Unavailable(
                "a disk is out of use, and what was on it is not all known yet".to_owned(),
            ),
        }
    }
}

fn on_lost_disk(unit: &Unit) -> StorageError {
    StorageError::Corrupt(format!("it is on the disk {}, which is out of use", unit.path))
}

#[async_trait]
impl Storage for NodeStore {
    async fn put(&self, blob: BlobId, fence: Fence, body: BlobBody) -> Result<u64, StorageError> {
        if let Some(only) = self.only() {
            let result = only.put(blob, fence, body).await;
            self.unit(0).note(&result);
            return result;
        }
        let turn = self.claims().enter(blob);
        let at = *turn.choice.get_or_try_init(|| self.place(blob)).await?;
        let unit = self.unit(at);
        let store = unit.store().unwrap_or_else(|| self.system());
        let result = store.put(blob, fence, body).await;
        unit.note(&result);
        let length = result?;
        if let Err(error) = self.settle(blob).await {
            // The rescue takes the rows away that are left.
            tracing::warn!(%error, ?blob, "a blob that is stored again keeps its row on a failed disk");
        }
        Ok(length)
    }

    async fn get(&self, blob: BlobId, range: ByteRange) -> Result<BlobReader, StorageError> {
        if let Some(only) = self.only() {
            let read = only.get(blob, range).await;
            return read.map_err(|error| if error == StorageError::NotFound { self.absent() } else { error });
        }
        for _ in 0..LOOKUPS_MAX {
            if let Some(result) = self.try_get(blob, range).await {
                return result;
            }
        }
        Err(self.absent())
    }

    async fn delete(&self, blobs: &[BlobId]) -> Result<(), StorageError> {
        if let Some(only) = self.only() {
            return only.delete(blobs).await;
        }
        self.health()?;
        let _alone = self.rows().write().await;
        let deletions = self.units().0.iter().enumerate().map(|(at, unit)| async move {
            match (&unit.state, unit.sound()) {
                (UnitState::In(_), Some(store)) => store.delete(blobs).await,
                // What it has of them is no more than dead bytes; if it comes back as it was before, it is an orphan.
                _ => self.units().disown(at, blobs).await,
            }
        });
        futures::future::join_all(deletions).await.into_iter().collect()
    }

    async fn stat(&self, blobs: &[BlobId]) -> Result<Vec<Option<u64>>, StorageError> {
        let blobs = blobs.to_vec();
        self.look(move |units| blobs.into_iter().map(|blob| units.stat(blob)).collect()).await
    }

    async fn list(
        &self,
        filter: Option<&GroupFilter>,
        after: Option<BlobId>,
        limit: usize,
    ) -> Result<BlobPage, StorageError> {
        let filter = filter.cloned();
        // Before the rows are read: a list that is made while the node becomes whole may be older than that.
        let wholeness = self.lists();
        let _rows = self.rows().read().await;
        let look = move |unit: &Unit| Ok(unit.index().list(filter.as_ref(), after, limit)?);
        let pages = self.look(move |units| {
            let used = units.0.iter().filter(|unit| unit.store().is_some());
            used.map(look).collect::<Result<Vec<BlobPage>, StorageError>>()
        });
        Ok(BlobPage { wholeness, ..merge(pages.await?, limit) })
    }

    async fn fence(&self, fences: &[Fence]) -> Result<(), StorageError> {
        self.system().persist_fences(fences).await?;
        let enforced = self.stores().map(|store| store.enforce_fences(fences));
        futures::future::join_all(enforced).await.into_iter().collect()
    }

    async fn usage(&self) -> Result<StorageUsage, StorageError> {
        let usage = self.look(super::usage::usage).await?;
        Ok(StorageUsage { wholeness: self.tracker().wholeness(), ..usage })
    }
}
