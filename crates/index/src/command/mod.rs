//! What the state machine can be told to do.
//!
//! A command carries everything that is not determined by the rows: times, ids and entropy are chosen before it
//! is proposed. Its encoding is what the Raft log stores, so it is versioned like every stored format.

mod decode;
mod encode;

use crate::codec::{Malformed, Reader, Writer};
use crate::records::UploadChecksum;
use bytes::Bytes;
use esker_types::{
    BucketId, BucketName, Checksum, DataId, ETag, ETagCondition, GroupId, ObjectChecksum, ObjectKey,
    RequestId, Timestamp, UploadId, VersionId, VersioningState, WriteCondition,
};

/// A command and what makes its application exact: applied in time or never, and at most once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Chosen by whoever wants the command done; the same in every retry.
    pub request: RequestId,
    /// The command is refused when the group's logical time is past this. At most
    /// [`Command::LIFETIME_MILLIS_MAX`] after the time when it was made.
    pub deadline: Timestamp,
    /// The leader's clock when it proposed the command, in whole milliseconds.
    pub proposed_at: Timestamp,
    /// What to do.
    pub body: CommandBody,
}

impl Command {
    /// Longest time between a command's making and its deadline. Garbage waits longer than this.
    pub const LIFETIME_MILLIS_MAX: u64 = 60_000;
}

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
    Stored(DataId),
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

/// The kinds of command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandBody {
    /// Takes a name (group 0). The bucket becomes visible by `ActivateBucket`.
    CreateBucket {
        /// The name.
        name: BucketName,
        /// The account that will own it.
        owner: String,
        /// The group that will order its versions.
        group: GroupId,
    },
    /// Opens an incarnation in the group that orders it; opening it again is fine.
    OpenBucket {
        /// The incarnation that `CreateBucket` gave out.
        bucket: BucketId,
        /// Its name.
        name: BucketName,
        /// Its owner.
        owner: String,
    },
    /// Makes an opened bucket visible (group 0).
    ActivateBucket {
        /// The name.
        name: BucketName,
        /// The incarnation; another one under the name is left alone.
        bucket: BucketId,
    },
    /// Closes an incarnation for good if it holds no version and no marker.
    SealBucket {
        /// The incarnation.
        bucket: BucketId,
    },
    /// Gives a sealed bucket's name back (group 0).
    RemoveBucket {
        /// The name.
        name: BucketName,
        /// The incarnation; another one under the name is left alone.
        bucket: BucketId,
    },
    /// Cleans up one step of a sealed incarnation: aborts an upload, or removes the incarnation.
    PurgeBucket {
        /// The incarnation.
        bucket: BucketId,
    },
    /// PutBucketVersioning.
    PutVersioning {
        /// The incarnation.
        bucket: BucketId,
        /// `Enabled` or `Suspended`.
        state: VersioningState,
    },
    /// PutObject.
    PutObject {
        /// Where.
        target: Target,
        /// What.
        object: NewObject,
        /// On which condition.
        condition: WriteCondition,
        /// For the version id.
        entropy: u64,
    },
    /// CopyObject that shares the source's data. The source is resolved when the command applies.
    CopyObject {
        /// Where to.
        target: Target,
        /// Where from; the bucket must be of the same group.
        source: Target,
        /// Which version; none for the current one.
        version: Option<VersionId>,
        /// On which condition of the source.
        source_condition: CopyCondition,
        /// Headers that replace the source's.
        headers: Option<Vec<(String, String)>>,
        /// On which condition of the target.
        condition: WriteCondition,
        /// For the version id.
        entropy: u64,
    },
    /// DeleteObject.
    DeleteObject {
        /// Where.
        target: Target,
        /// Which version; none to delete as the bucket's state says.
        version: Option<VersionId>,
        /// On which condition.
        condition: Option<ETagCondition>,
        /// For the delete marker's version id.
        entropy: u64,
    },
    /// CreateMultipartUpload.
    CreateUpload {
        /// Where.
        target: Target,
        /// The upload's id.
        upload: UploadId,
        /// Headers that the object will have.
        headers: Vec<(String, String)>,
        /// The checksum that parts will carry.
        checksum: Option<UploadChecksum>,
    },
    /// UploadPart.
    PutPart {
        /// Where.
        target: Target,
        /// The upload.
        upload: UploadId,
        /// The part's number.
        number: u16,
        /// Its length in bytes.
        size: u64,
        /// The MD5 of its bytes.
        etag: ETag,
        /// Its verified checksum.
        checksum: Option<Checksum>,
        /// Its data; none if it is empty.
        data: Option<DataId>,
    },
    /// CompleteMultipartUpload.
    CompleteUpload {
        /// Where.
        target: Target,
        /// The upload.
        upload: UploadId,
        /// The parts, in ascending order of their numbers.
        parts: Vec<CompletePart>,
        /// The object's tag, made of the parts' tags.
        etag: ETag,
        /// The object's checksum, made of the parts' checksums.
        checksum: Option<ObjectChecksum>,
        /// `x-amz-mp-object-size`.
        size: Option<u64>,
        /// On which condition.
        condition: WriteCondition,
        /// For the version id.
        entropy: u64,
    },
    /// AbortMultipartUpload.
    AbortUpload {
        /// Where.
        target: Target,
        /// The upload.
        upload: UploadId,
    },
    /// Gives up data that was stored but will not be committed.
    Discard {
        /// The data and its length in bytes.
        data: Vec<(DataId, u64)>,
    },
    /// Asks whether data is unreferenced; if so, no later command may commit it.
    Condemn {
        /// The data ids, at most [`CommandBody::DATA_IDS_MAX`].
        data: Vec<DataId>,
    },
    /// Reclaims one step of a garbage entry whose data is deleted on every replica.
    Reclaim {
        /// The entry's number.
        entry: u64,
        /// How many of its data ids were reclaimed before; another number changes nothing.
        reclaimed: u32,
    },
}

impl CommandBody {
    /// Most data ids that one command settles.
    pub const DATA_IDS_MAX: usize = 500;
}

const VERSION: u8 = 1;

impl Command {
    /// The bytes that the log stores.
    pub fn encode(&self) -> Bytes {
        let mut w = Writer::versioned(VERSION);
        w.raw(self.request.as_bytes()).time(self.deadline).time(self.proposed_at);
        encode::write_body(&mut w, &self.body);
        w.finish().into()
    }

    /// Reads what [`Command::encode`] wrote.
    pub fn decode(bytes: Bytes) -> Result<Command, Malformed> {
        let (mut r, _) = Reader::versioned(bytes, "command", VERSION)?;
        let command = Command {
            request: RequestId::from_bytes(r.array()?),
            deadline: r.time()?,
            proposed_at: r.time()?,
            body: decode::read_body(&mut r)?,
        };
        r.finish()?;
        Ok(command)
    }
}
