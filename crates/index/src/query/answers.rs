//! Answers.

use super::{GroupSummary, Topology, VersionMarker};
use crate::records::{DirectoryEntry, ManifestRecord, PartRecord, UploadRecord, VersionRecord};
use esker_types::{BucketId, BucketName, DataId, ObjectKey, Sequence, UploadId, VersioningState};

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The entry, unless the name is free. Entries in state `Creating` are included.
    Directory(Option<DirectoryEntry>),
    /// A page of buckets.
    Directories {
        /// In order.
        entries: Vec<(BucketName, DirectoryEntry)>,
        /// Whether there are more.
        more: bool,
    },
    /// The incarnation, unless it does not exist or is sealed.
    Bucket(Option<BucketSummary>),
    /// One version; none if the bucket does not exist or is sealed.
    Version(Option<VersionAnswer>),
    /// A page of versions; none if the bucket does not exist or is sealed.
    Versions(Option<VersionsPage>),
    /// A page of current objects; none if the bucket does not exist or is sealed.
    Current(Option<CurrentPage>),
    /// A page of uploads; none if the bucket does not exist or is sealed.
    Uploads(Option<UploadsPage>),
    /// A page of parts; none if the bucket or the upload does not exist.
    Parts(Option<PartsPage>),
    /// Garbage, oldest first.
    Garbage(Vec<GarbageWork>),
    /// Those that are not held.
    Unheld(Vec<DataId>),
    /// Unfinished buckets.
    Unfinished(Vec<Unfinished>),
    /// The topology; none if there is no newer one.
    Topology(Option<Topology>),
    /// Data ids and their lengths in bytes.
    Repairs(Vec<(DataId, u64)>),
    /// What the group counts.
    GroupSummary(GroupSummary),
}

/// What clients can see of an incarnation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketSummary {
    /// Its name.
    pub name: BucketName,
    /// Its owner.
    pub owner: String,
    /// Whether it keeps versions.
    pub versioning: VersioningState,
    /// The sequence of the last mutation.
    pub sequence: Sequence,
    /// How many versions and markers it holds.
    pub versions: u64,
    /// How many keys have a current object.
    pub objects: u64,
}

/// A version as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionEntry {
    /// The key.
    pub key: ObjectKey,
    /// Its place in the bucket's order.
    pub sequence: Sequence,
    /// The version.
    pub record: VersionRecord,
    /// Whether it is the newest of its key.
    pub latest: bool,
}

/// One version, or that there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionAnswer {
    /// The bucket's state, which decides what headers show.
    pub versioning: VersioningState,
    /// The version that was asked for.
    pub found: Option<VersionEntry>,
    /// Where its data is, if that was asked for and it has any.
    pub manifest: Option<ManifestRecord>,
    /// Whether the key has any version at all, markers included.
    pub key_exists: bool,
}

/// A page of versions.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct VersionsPage {
    /// Keys ascending, within a key newest first.
    pub entries: Vec<VersionEntry>,
    /// Ascending.
    pub common_prefixes: Vec<String>,
    /// Where the next page resumes, if there is one.
    pub next: Option<VersionMarker>,
}

/// A page of current objects.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct CurrentPage {
    /// Keys ascending; none is a delete marker.
    pub entries: Vec<VersionEntry>,
    /// Ascending.
    pub common_prefixes: Vec<String>,
    /// The last key or common prefix of this page, if there are more.
    pub next: Option<String>,
}

/// An upload as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadEntry {
    /// The key.
    pub key: ObjectKey,
    /// The upload.
    pub upload: UploadId,
    /// What was said when it was initiated.
    pub record: UploadRecord,
}

/// A page of uploads.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct UploadsPage {
    /// Keys ascending, within a key by upload id, which is by time.
    pub entries: Vec<UploadEntry>,
    /// Ascending.
    pub common_prefixes: Vec<String>,
    /// Where the next page resumes, if there is one.
    pub next: Option<(String, Option<UploadId>)>,
}

/// A page of parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartsPage {
    /// What was said when the upload was initiated.
    pub upload: UploadRecord,
    /// In order of their numbers.
    pub parts: Vec<PartRecord>,
    /// The last number of this page, if there are more.
    pub next: Option<u16>,
}

/// Data of one garbage entry that is to be deleted before the entry's next step is reclaimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GarbageWork {
    /// The entry's number.
    pub entry: u64,
    /// For the `Reclaim` command.
    pub reclaimed: u32,
    /// Data ids and their lengths in bytes; may be empty, for inline data.
    pub data: Vec<(DataId, u64)>,
}

/// A bucket whose creation or deletion stopped half-way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfinished {
    /// Created in the directory, not yet visible.
    Creating {
        /// Its name.
        name: BucketName,
        /// Its entry.
        entry: DirectoryEntry,
    },
    /// Sealed, not yet cleaned up.
    Sealed {
        /// Its name.
        name: BucketName,
        /// The incarnation.
        bucket: BucketId,
    },
}
