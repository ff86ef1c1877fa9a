//! What commands are made of.

use bytes::Bytes;
use esker_types::{
    BucketId, Checksum, DataId, ETag, ETagCondition, NodeId, ObjectChecksum, ObjectKey, PlacementEpoch,
    PlacementGroup,
};

/// A key in a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The incarnation of the bucket.
    pub bucket: BucketId,
    /// The key.
    pub key: ObjectKey,
}

/// The data of a new object or part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewData {
    /// No bytes.
    Empty,
    /// The bytes themselves.
    Inline(Bytes),
    /// On the write quorum's disks already.
    Stored(StoredData),
}

/// Data that is durable on its write quorum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredData {
    /// Its id.
    pub data: DataId,
    /// The nodes that should have some of its blobs but did not in time: each gets a repair row. At most
    /// [`CommandBody::NODES_MAX`](super::CommandBody::NODES_MAX).
    pub late: Vec<NodeId>,
}

impl StoredData {
    /// Data that every node which should have it has.
    pub fn complete(data: DataId) -> StoredData {
        StoredData { data, late: Vec::new() }
    }
}

/// A new object, as far as the client decides it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewObject {
    /// Length in bytes.
    pub size: u64,
    /// MD5 of the body.
    pub etag: ETag,
    /// Its verified checksum.
    pub checksum: Option<ObjectChecksum>,
    /// Stored headers.
    pub headers: Vec<(String, String)>,
    /// Its bytes.
    pub data: NewData,
}

/// Conditions on the source of a copy. Dates are in whole seconds.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct CopyCondition {
    /// `x-amz-copy-source-if-match`.
    pub if_match: Option<ETagCondition>,
    /// `x-amz-copy-source-if-none-match`.
    pub if_none_match: Option<ETagCondition>,
    /// `x-amz-copy-source-if-modified-since`, seconds since the epoch.
    pub if_modified_since: Option<u64>,
    /// `x-amz-copy-source-if-unmodified-since`, seconds since the epoch.
    pub if_unmodified_since: Option<u64>,
}

/// One part that CompleteMultipartUpload names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompletePart {
    /// Its number.
    pub number: u16,
    /// The entity tag that UploadPart returned.
    pub etag: ETag,
    /// Its checksum, if the client repeats it.
    pub checksum: Option<Checksum>,
}

/// A change of the nodes of one placement group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedMove {
    /// The group.
    pub group: PlacementGroup,
    /// The epoch for which this was planned; at another one nothing is done.
    pub epoch: PlacementEpoch,
    /// The nodes that are to have the group's blobs, in order of preference.
    pub target: Vec<NodeId>,
}

/// A step of a garbage entry that is to be reclaimed: its next [`CommandBody::DATA_IDS_MAX`] data ids.
///
/// [`CommandBody::DATA_IDS_MAX`]: super::CommandBody::DATA_IDS_MAX
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReclaimStep {
    /// The entry's number.
    pub entry: u64,
    /// How many of its data ids were reclaimed before; another number changes nothing.
    pub reclaimed: u32,
}
