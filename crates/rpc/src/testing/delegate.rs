//! Storage nodes that stand before others: what they do differently is written down, and nothing else.

use crate::storage::{BlobBody, BlobPage, BlobReader, GroupFilter, Storage, StorageError, StorageUsage};
use async_trait::async_trait;
use esker_types::{BlobId, ByteRange, Fence};

/// A storage node that leaves to another one whatever it does not do itself. Whoever implements this is a [`Storage`];
/// files that call the methods of both should name this one by its path, since they have the same names.
#[async_trait]
pub trait Delegate: Send + Sync + 'static {
    /// The other one. An error is the answer to whatever is left to it.
    fn inner(&self) -> Result<&dyn Storage, StorageError>;

    /// [`Storage::put`].
    async fn put(&self, blob: BlobId, fence: Fence, body: BlobBody) -> Result<u64, StorageError> {
        self.inner()?.put(blob, fence, body).await
    }

    /// [`Storage::get`].
    async fn get(&self, blob: BlobId, range: ByteRange) -> Result<BlobReader, StorageError> {
        self.inner()?.get(blob, range).await
    }

    /// [`Storage::delete`].
    async fn delete(&self, blobs: &[BlobId]) -> Result<(), StorageError> {
        self.inner()?.delete(blobs).await
    }

    /// [`Storage::stat`].
    async fn stat(&self, blobs: &[BlobId]) -> Result<Vec<Option<u64>>, StorageError> {
        self.inner()?.stat(blobs).await
    }

    /// [`Storage::list`].
    async fn list(
        &self,
        filter: Option<&GroupFilter>,
        after: Option<BlobId>,
        limit: usize,
    ) -> Result<BlobPage, StorageError> {
        self.inner()?.list(filter, after, limit).await
    }

    /// [`Storage::fence`].
    async fn fence(&self, fences: &[Fence]) -> Result<(), StorageError> {
        self.inner()?.fence(fences).await
    }

    /// [`Storage::usage`].
    async fn usage(&self) -> Result<StorageUsage, StorageError> {
        self.inner()?.usage().await
    }
}

#[async_trait]
impl<D: Delegate> Storage for D {
    async fn put(&self, blob: BlobId, fence: Fence, body: BlobBody) -> Result<u64, StorageError> {
        Delegate::put(self, blob, fence, body).await
    }

    async fn get(&self, blob: BlobId, range: ByteRange) -> Result<BlobReader, StorageError> {
        Delegate::get(self, blob, range).await
    }

    async fn delete(&self, blobs: &[BlobId]) -> Result<(), StorageError> {
        Delegate::delete(self, blobs).await
    }

    async fn stat(&self, blobs: &[BlobId]) -> Result<Vec<Option<u64>>, StorageError> {
        Delegate::stat(self, blobs).await
    }

    async fn list(
        &self,
        filter: Option<&GroupFilter>,
        after: Option<BlobId>,
        limit: usize,
    ) -> Result<BlobPage, StorageError> {
        Delegate::list(self, filter, after, limit).await
    }

    async fn fence(&self, fences: &[Fence]) -> Result<(), StorageError> {
        Delegate::fence(self, fences).await
    }

    async fn usage(&self) -> Result<StorageUsage, StorageError> {
        Delegate::usage(self).await
    }
}
