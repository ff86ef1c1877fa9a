//! What the state machine can be asked. Every answer is computed from one consistent view of the rows.

mod answers;
mod cluster;
mod encode;
mod encode_answer;

pub use answers::{
    Answer, BucketSummary, CurrentPage, GarbageWork, PartsPage, Unfinished, UploadEntry, UploadsPage,
    VersionAnswer, VersionEntry, VersionsPage,
};
pub use cluster::{GroupSummary, Topology};

pub use crate::records::{NodeRecord, PlacementState};

use esker_types::{BucketId, BucketName, DataId, NodeId, ObjectKey, Timestamp, UploadId, VersionId};

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// What a bucket's name stands for (group 0). Answered by [`Answer::Directory`].
    Directory {
        /// The name.
        name: BucketName,
    },
    /// The visible buckets in order of their names (group 0). Answered by [`Answer::Directories`].
    Directories {
        /// Names start with this.
        prefix: String,
        /// Names are greater than this.
        after: Option<String>,
        /// Most entries.
        limit: usize,
    },
    /// An incarnation's state. Answered by [`Answer::Bucket`].
    Bucket {
        /// The incarnation.
        bucket: BucketId,
    },
    /// One version. Answered by [`Answer::Version`].
    Version {
        /// The incarnation.
        bucket: BucketId,
        /// The key.
        key: ObjectKey,
        /// Which version; none for the current one.
        version: Option<VersionId>,
        /// What of it.
        detail: Detail,
    },
    /// ListObjectVersions. Answered by [`Answer::Versions`].
    Versions {
        /// The incarnation.
        bucket: BucketId,
        /// Which keys.
        filter: KeyFilter,
        /// Resume after this.
        after: Option<VersionMarker>,
        /// Most entries and common prefixes together.
        limit: usize,
    },
    /// ListObjects and ListObjectsV2. Answered by [`Answer::Current`].
    Current {
        /// The incarnation.
        bucket: BucketId,
        /// Which keys.
        filter: KeyFilter,
        /// Keys and common prefixes are greater than this.
        after: Option<String>,
        /// Most entries and common prefixes together.
        limit: usize,
    },
    /// ListMultipartUploads. Answered by [`Answer::Uploads`].
    Uploads {
        /// The incarnation.
        bucket: BucketId,
        /// Which keys.
        filter: KeyFilter,
        /// Resume after this key or, with an upload id, after this upload of it.
        after: Option<(String, Option<UploadId>)>,
        /// Most entries and common prefixes together.
        limit: usize,
    },
    /// ListParts. Answered by [`Answer::Parts`].
    Parts {
        /// The incarnation.
        bucket: BucketId,
        /// The key.
        key: ObjectKey,
        /// The upload.
        upload: UploadId,
        /// Part numbers are greater than this.
        after: u16,
        /// Most entries.
        limit: usize,
    },
    /// Garbage whose last user went before a time. Answered by [`Answer::Garbage`].
    Garbage {
        /// By the group's logical time.
        before: Timestamp,
        /// The number of an entry: only later ones are asked for.
        after: Option<u64>,
        /// Most entries.
        limit: usize,
    },
    /// Which of these the group does not hold, at most
    /// [`DATA_IDS_MAX`](crate::command::CommandBody::DATA_IDS_MAX). A hint: only `Condemn` decides. Answered by
    /// [`Answer::Unheld`].
    Unheld {
        /// The data ids.
        data: Vec<DataId>,
    },
    /// Buckets whose creation or deletion stopped half-way. Answered by [`Answer::Unfinished`].
    Unfinished {
        /// Most entries.
        limit: usize,
    },
    /// The nodes and where blobs belong (group 0). Answered by [`Answer::Topology`].
    Topology {
        /// The version that the asker knows; 0 if none.
        newer_than: u64,
    },
    /// The data that a node has to repair, in order of the ids. Answered by [`Answer::Repairs`].
    Repairs {
        /// The node.
        node: NodeId,
        /// Data ids are greater than this.
        after: Option<DataId>,
        /// Most entries.
        limit: usize,
    },
    /// What the group counts. Answered by [`Answer::GroupSummary`].
    GroupSummary,
}

/// How much of a version is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// The version's record.
    Record,
    /// Also where its data is.
    Manifest,
}

/// Which keys a list shows, and how it groups them.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct KeyFilter {
    /// Keys start with this; may be empty.
    pub prefix: String,
    /// Keys that have this after the prefix are grouped up to its first place there; not empty.
    pub delimiter: Option<String>,
}

/// Where a list of versions resumes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionMarker {
    /// A key or a common prefix; need not exist.
    pub key: String,
    /// Which of the key's versions was the last one shown; none for the key's oldest. An id that ends a page
    /// at the null version is a [`VersionUuid`](esker_types::VersionUuid) of its hidden sequence.
    pub version: Option<VersionId>,
}
