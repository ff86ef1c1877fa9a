//! Roles that other nodes may call before they have started: until then they are unavailable.

use async_trait::async_trait;
use esker_env::Clock;
use esker_index::outcome::Outcome;
use esker_index::query::{Answer, Query};
use esker_rpc::{
    BlobBody, BlobPage, BlobReader, GroupFilter, Metadata, MetadataError, Proposal, Storage, StorageError,
    StorageUsage,
};
use esker_types::{BlobId, ByteRange, Fence, GroupId, Timestamp};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// A storage node that may not have started yet.
pub(crate) struct LateStorage {
    storage: OnceLock<Arc<dyn Storage>>,
    closed: String,
}

impl LateStorage {
    /// One that is not open, and why.
    pub(crate) fn closed(why: impl Into<String>) -> LateStorage {
        LateStorage { storage: OnceLock::new(), closed: why.into() }
    }

    /// Opens it, for good.
    pub(crate) fn open(&self, storage: Arc<dyn Storage>) {
        // It starts once in a process.
        let _ = self.storage.set(storage);
    }

    fn inner(&self) -> Result<&dyn Storage, StorageError> {
        let closed = || StorageError::Unavailable(self.closed.clone());
        self.storage.get().map(|storage| &**storage).ok_or_else(closed)
    }
}

#[async_trait]
impl Storage for LateStorage {
    async fn put(&self, blob: BlobId, fence: Fence, body: BlobBody) -> Result<u64, StorageError> {
        self.inner()?.put(blob, fence, body).await
    }

    async fn get(&self, blob: BlobId, range: ByteRange) -> Result<BlobReader, StorageError> {
        self.inner()?.get(blob, range).await
    }

    async fn delete(&self, blobs: &[BlobId]) -> Result<(), StorageError> {
        self.inner()?.delete(blobs).await
    }

    async fn stat(&self, blobs: &[BlobId]) -> Result<Vec<Option<u64>>, StorageError> {
        self.inner()?.stat(blobs).await
    }

    async fn list(
        &self,
        filter: Option<&GroupFilter>,
        after: Option<BlobId>,
        limit: usize,
    ) -> Result<BlobPage, StorageError> {
        self.inner()?.list(filter, after, limit).await
    }

    async fn fence(&self, fences: &[Fence]) -> Result<(), StorageError> {
        self.inner()?.fence(fences).await
    }

    async fn usage(&self) -> Result<StorageUsage, StorageError> {
        self.inner()?.usage().await
    }
}

/// A metadata node that may not have started yet.
pub(crate) struct LateMetadata {
    metadata: OnceLock<Arc<dyn Metadata>>,
    closed: &'static str,
}

impl LateMetadata {
    /// One that is not open, and why.
    pub(crate) fn closed(why: &'static str) -> LateMetadata {
        LateMetadata { metadata: OnceLock::new(), closed: why }
    }

    /// Opens it, for good.
    pub(crate) fn open(&self, metadata: Arc<dyn Metadata>) {
        // It starts once in a process.
        let _ = self.metadata.set(metadata);
    }

    fn get(&self) -> Result<&dyn Metadata, MetadataError> {
        let closed = || MetadataError::Unavailable(self.closed.to_owned());
        self.metadata.get().map(|metadata| &**metadata).ok_or_else(closed)
    }
}

#[async_trait]
impl Metadata for LateMetadata {
    async fn propose(&self, group: GroupId, proposal: Proposal) -> Result<Outcome, MetadataError> {
        self.get()?.propose(group, proposal).await
    }

    async fn query(&self, group: GroupId, query: Query) -> Result<Answer, MetadataError> {
        self.get()?.query(group, query).await
    }

    fn leads(&self, group: GroupId) -> bool {
        self.get().is_ok_and(|metadata| metadata.leads(group))
    }
}

/// The cluster's time; until it is known, this process's own.
#[derive(Debug)]
pub(crate) struct LateClock {
    own: Arc<dyn Clock>,
    known: OnceLock<Arc<dyn Clock>>,
}

impl LateClock {
    pub(crate) fn own(own: Arc<dyn Clock>) -> LateClock {
        LateClock { own, known: OnceLock::new() }
    }

    /// Follows the cluster's time from now on.
    pub(crate) fn open(&self, clock: Arc<dyn Clock>) {
        // It becomes known once in a process.
        let _ = self.known.set(clock);
    }
}

impl Clock for LateClock {
    fn now(&self) -> Timestamp {
        self.known.get().unwrap_or(&self.own).now()
    }

    fn monotonic(&self) -> Duration {
        self.own.monotonic()
    }
}
