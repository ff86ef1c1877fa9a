//! What storage nodes do for the other roles.

use async_trait::async_trait;
use bytes::Bytes;
use esker_types::{BlobId, ByteRange, Fence, PlacementEpoch, PlacementGroup};
use futures::stream::BoxStream;
use std::collections::BTreeSet;
use std::num::NonZeroU16;

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
    /// The node has acknowledged a later state of the blob's placement group than the caller knows: nothing was
    /// stored, and the caller should look at the map again.
    #[error("the placement is out of date: the node knows epoch {}", .0.0)]
    Stale(PlacementEpoch),
    /// The node can't be reached, or did not answer in time. A put may have stored the blob all the same.
    #[error("the storage node is unavailable: {0}")]
    Unavailable(String),
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

/// Some of a cluster's placement groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupFilter {
    /// How many groups the cluster has.
    pub of: NonZeroU16,
    /// Those that are meant.
    pub groups: BTreeSet<PlacementGroup>,
}

impl GroupFilter {
    /// Whether a blob is of one of the groups.
    pub fn holds(&self, blob: BlobId) -> bool {
        self.groups.contains(&PlacementGroup::of(blob, self.of))
    }
}

/// A page of a node's blobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobPage {
    /// In order of their names.
    pub blobs: Vec<BlobInfo>,
    /// Where the next page resumes; none if this was the last. A page of a filtered list may be empty and yet not
    /// be the last, since a node looks at a bounded number of blobs for each.
    pub next: Option<BlobId>,
}

/// Whether a node's disk takes blobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum DiskState {
    /// It does, as far as there is room.
    #[default]
    Sound,
    /// A write could not be made durable, and nobody knows what the disk makes of the next one. What it has can be
    /// read; it takes no blob and deletes none until the node is started again.
    Retired,
}

/// What a node has room for, and what it holds. Bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct StorageUsage {
    /// Size of the disk.
    pub capacity_bytes: u64,
    /// What is free on it.
    pub free_bytes: u64,
    /// Blobs that are stored.
    pub blobs: u64,
    /// Their bytes.
    pub live_bytes: u64,
    /// Bytes in segments that are not live: deleted, and not yet given back to the disk.
    pub dead_bytes: u64,
    /// What scrubbing has come to.
    pub scrubbed: Scrubbed,
    /// Whether it takes blobs at all.
    pub disk: DiskState,
}

/// What a node's scrubbing has read since the node started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Scrubbed {
    /// Blobs.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Blobs among them that were found damaged. One that is not repaired may be counted again in each round.
    pub damaged: u64,
    /// Times that the last blob was reached.
    pub rounds: u64,
    /// When the data was begun that this round has come to, in milliseconds since the epoch; none between two rounds.
    /// Blobs are read in this order, the oldest first.
    pub reached_millis: Option<u64>,
}

/// One storage node.
#[async_trait]
pub trait Storage: Send + Sync + 'static {
    /// Stores a blob of at most [`CHUNK_BYTES`](esker_types::CHUNK_BYTES) and returns its length once it is
    /// durable (fdatasync). Memory stays bounded: bytes are taken from `body` only as fast as the disk accepts them.
    ///
    /// A body that did not come to its end leaves nothing, nor does a put that is refused. Otherwise, if this fails or
    /// the future is dropped, the blob may be there, whole, or not. Once it is, nothing but [`delete`](Self::delete)
    /// takes it away: not even the put that wrote it, since others may have been told of it. One that nobody wanted in
    /// the end is an orphan, which is condemned before it is deleted.
    ///
    /// `fence` is the blob's placement group as the caller knows it; [`StorageError::Stale`] if the node has
    /// acknowledged a later one. The check counts when the blob becomes durable, not only when the put begins.
    async fn put(&self, blob: BlobId, fence: Fence, body: BlobBody) -> Result<u64, StorageError>;

    /// Reads a range of a blob. An error before the first piece is returned here, a later one in the stream.
    async fn get(&self, blob: BlobId, range: ByteRange) -> Result<BlobReader, StorageError>;

    /// Deletes blobs for good; blobs that are not there are fine. Durable on return. Only ever called for data
    /// in a committed garbage entry past its grace, or condemned, or, after a committed move, on a node that its
    /// placement group has left.
    async fn delete(&self, blobs: &[BlobId]) -> Result<(), StorageError>;

    /// The lengths of blobs; none for those that are not there. At most [`STAT_MAX`].
    async fn stat(&self, blobs: &[BlobId]) -> Result<Vec<Option<u64>>, StorageError>;

    /// The blobs greater than `after`, in order, at most `limit`; only those of some groups if there is a filter.
    async fn list(
        &self,
        filter: Option<&GroupFilter>,
        after: Option<BlobId>,
        limit: usize,
    ) -> Result<BlobPage, StorageError>;

    /// Acknowledges states of placement groups. Durable on return: from then on no put with an earlier epoch of
    /// these groups succeeds, and every one that did is listed. An earlier epoch than the acknowledged one is
    /// ignored. A [retired](DiskState::Retired) disk acknowledges, too, as long as it can do so durably.
    async fn fence(&self, fences: &[Fence]) -> Result<(), StorageError>;

    /// What the node has room for.
    async fn usage(&self) -> Result<StorageUsage, StorageError>;
}

/// Most blobs that one [`Storage::stat`] asks about, and most fences of one [`Storage::fence`].
pub const STAT_MAX: usize = 1000;
