//! What storage nodes do for the other roles.

use async_trait::async_trait;
use bytes::Bytes;
use esker_types::{BlobId, ByteRange};
use futures::stream::BoxStream;

/// The sender of a blob's bytes gave up; the blob must not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the sender gave up")]
pub struct BodyAborted;

/// A blob's bytes as they arrive, in pieces of any size.
pub type BlobBody = BoxStream<'static, Result<Bytes, BodyAborted>>;

/// A blob's bytes as they are read: verified, in order, in pieces of at most 256 KiB.
pub type BlobReader = BoxStream<'static, Result<Bytes, StorageError>>;

/// Why a storage node did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    /// The blob is not there.
    #[error("no such blob")]
    NotFound,
    /// The blob's bytes do not verify.
    #[error("the blob is corrupt: {0}")]
    Corrupt(String),
    /// The range does not lie within the blob.
    #[error("the range lies outside of the blob")]
    OutOfRange,
    /// The disk is too full to accept data.
    #[error("the disk is full")]
    Full,
    /// The sender of the bytes gave up, so nothing was stored.
    #[error("the sender gave up")]
    Aborted,
    /// A blob of this name and another length is there: names are never reused.
    #[error("the blob exists")]
    Exists,
    /// The blob would be longer than a chunk may be.
    #[error("the blob is too long")]
    TooLong,
    /// The disk failed.
    #[error("the disk failed: {0}")]
    Failed(String),
}

/// A blob as lists show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobInfo {
    /// The blob.
    pub blob: BlobId,
    /// Its length in bytes.
    pub length: u64,
}

/// One storage node.
#[async_trait]
pub trait Storage: Send + Sync + 'static {
    /// Stores a blob of at most [`CHUNK_BYTES`](esker_types::CHUNK_BYTES) and returns its length once it is
    /// durable (fdatasync). If this fails, or the future is dropped, the blob does not exist afterwards.
    /// Memory stays bounded: bytes are taken from `body` only as fast as the disk accepts them.
    async fn put(&self, blob: BlobId, body: BlobBody) -> Result<u64, StorageError>;

    /// Reads a range of a blob. An error before the first piece is returned here, a later one in the stream.
    async fn get(&self, blob: BlobId, range: ByteRange) -> Result<BlobReader, StorageError>;

    /// Deletes blobs for good; blobs that are not there are fine. Durable on return. Only ever called for data
    /// in a committed garbage entry past its grace, or condemned.
    async fn delete(&self, blobs: &[BlobId]) -> Result<(), StorageError>;

    /// The blobs greater than `after`, in order, at most `limit`.
    async fn list(&self, after: Option<BlobId>, limit: usize) -> Result<Vec<BlobInfo>, StorageError>;
}
