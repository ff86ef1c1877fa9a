//! What all storage nodes together do for the other roles: blobs with replicas.

use crate::storage::{BlobBody, BlobReader, StorageError};
use async_trait::async_trait;
use esker_types::{BlobId, ByteRange, NodeId};

/// A blob that is durable on its write quorum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBlob {
    /// Its length in bytes.
    pub length: u64,
    /// Nodes of its placement group that don't have it as far as is known. They belong into the commit, as repair
    /// work.
    pub late: Vec<NodeId>,
}

/// The blobs of a cluster, wherever their replicas are.
#[async_trait]
pub trait BlobStore: Send + Sync + 'static {
    /// Stores a blob of at most [`CHUNK_BYTES`](esker_types::CHUNK_BYTES) on its write quorum. If this fails, or
    /// the future is dropped, replicas may have the blob: its data must be discarded. Memory stays bounded: bytes are
    /// taken from `body` only as fast as the replicas accept them.
    async fn put(&self, blob: BlobId, body: BlobBody) -> Result<StoredBlob, StorageError>;

    /// Reads a range of a blob from a replica that verifies, and goes on with another one if it fails half-way.
    async fn get(&self, blob: BlobId, range: ByteRange) -> Result<BlobReader, StorageError>;

    /// Deletes blobs on every node that may have one of them. Fails if a node did not confirm; to be tried again then.
    /// Only ever called for data in a committed garbage entry past its grace.
    async fn delete(&self, blobs: &[BlobId]) -> Result<(), StorageError>;
}
