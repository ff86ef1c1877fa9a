//! Values that every part of Esker shares: names, identifiers, digests, ranges, conditions, limits.
//!
//! **Architecture Invariant:** nothing here knows how a value is stored, sent or obtained. No serde, no tokio,
//! no prost, no clock, no randomness: identifiers are built from bits that the caller hands in.

pub mod bucket;
pub mod checksum;
pub mod cluster;
pub mod condition;
pub mod data;
pub mod etag;
pub mod ids;
pub mod key;
pub mod limits;
pub mod placement;
pub mod range;
pub mod timestamp;
pub mod version;

pub use bucket::{BucketName, InvalidBucketName, VersioningState};
pub use checksum::{Checksum, ChecksumAlgorithm, ChecksumType, ObjectChecksum};
pub use cluster::{ClusterSettings, NodeInfo, NodeRole, NodeRoles, NodeState};
pub use condition::{ETagCondition, WriteCondition};
pub use data::{BlobId, CHUNK_BYTES, DataId, Extent, blobs_of};
pub use etag::{ETag, InvalidETag};
pub use ids::{BucketId, ClusterId, GroupId, ManifestId, NodeId, RequestId, UploadId};
pub use key::{InvalidObjectKey, ObjectKey};
pub use placement::{Fence, PlacementEpoch, PlacementGroup};
pub use range::{ByteRange, RangeSpec};
pub use timestamp::Timestamp;
pub use version::{InvalidVersionId, Sequence, VersionId, VersionUuid};
