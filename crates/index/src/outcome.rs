//! What applying a command gave. Stored until the command's deadline has passed, so that a retry gets it again.

use crate::codec::{Malformed, Reader, Writer};
use crate::records::{Record, read_version_id, write_version_id};
use esker_types::{BucketId, ETag, GroupId, NodeId, ObjectChecksum, Sequence, Timestamp, VersionId};

/// What applying a command gave.
pub type Outcome = Result<Done, Refusal>;

/// A version that a command made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its id, if the bucket's state shows one to the writer (S3: only `Enabled` does).
    pub shown_id: Option<VersionId>,
    /// Its place in the bucket's order.
    pub sequence: Sequence,
    /// When it was ordered.
    pub last_modified: Timestamp,
    /// Its entity tag.
    pub etag: ETag,
    /// Its checksum.
    pub checksum: Option<ObjectChecksum>,
    /// For a copy: the id of the version that was copied, if its bucket shows ids.
    pub source_id: Option<VersionId>,
    /// Its length in bytes.
    pub size: u64,
}

/// What a command did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// `CreateBucket`: the name is taken for this incarnation.
    BucketCreating {
        /// The incarnation.
        bucket: BucketId,
        /// The group that will order it.
        group: GroupId,
    },
    /// It is done, and there is nothing to tell.
    Nothing,
    /// `PutObject`, `CopyObject`, `CompleteUpload`: a version was added.
    Written(Written),
    /// `DeleteObject`.
    Deleted {
        /// The id that the reply names: that of the new marker, or of the version removed.
        version: Option<VersionId>,
        /// Whether a marker was added, or the version removed was one.
        marker: Marker,
    },
    /// `PutPart`.
    PartWritten {
        /// When it was ordered.
        last_modified: Timestamp,
    },
    /// `Condemn`: these are in use, the others are condemned.
    Condemned {
        /// Positions, within the command's list, of the data ids that are in use.
        held: Vec<u32>,
    },
    /// `PurgeBucket`, `Reclaim`, `ForgetRepairs`: whether there is more to do.
    Step(Step),
}

/// What a deletion has to do with delete markers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marker {
    /// Nothing.
    None,
    /// It added one.
    Added,
    /// It removed one.
    Removed,
}

/// Progress of a job that is done in bounded steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Another step is needed.
    More,
    /// The job is done.
    Finished,
}

/// Why a command changed nothing that its sender asked for. Data that it named is settled all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It came after its deadline.
    #[error("the command came after its deadline")]
    Expired,
    /// No such incarnation, or it is sealed.
    #[error("the bucket does not exist")]
    NoSuchBucket,
    /// The account owns a bucket of this name; its incarnation may still be opening.
    #[error("the account owns this bucket already")]
    BucketAlreadyOwnedByYou {
        /// The incarnation.
        bucket: BucketId,
        /// Its group.
        group: GroupId,
    },
    /// Another account owns a bucket of this name.
    #[error("the bucket name is taken")]
    BucketAlreadyExists,
    /// The bucket holds versions or markers.
    #[error("the bucket is not empty")]
    BucketNotEmpty,
    /// The key has no current object.
    #[error("the key does not exist")]
    NoSuchKey,
    /// The named version does not exist.
    #[error("the version does not exist")]
    NoSuchVersion,
    /// The named source version is a delete marker.
    #[error("the source is a delete marker")]
    SourceIsDeleteMarker,
    /// A condition does not hold.
    #[error("a condition does not hold")]
    PreconditionFailed,
    /// A condition on the copy source does not hold.
    #[error("a condition on the source does not hold")]
    SourcePreconditionFailed,
    /// The upload does not exist, was completed or aborted, or is of another key.
    #[error("the upload does not exist")]
    NoSuchUpload,
    /// A named part does not exist or differs.
    #[error("part {number} does not exist or differs")]
    InvalidPart {
        /// Its number.
        number: u16,
    },
    /// A part that is not the last is too small.
    #[error("part {number} of {size} bytes is too small")]
    EntityTooSmall {
        /// Its number.
        number: u16,
        /// Its length in bytes.
        size: u64,
    },
    /// The parts are not in ascending order.
    #[error("the parts are not in ascending order")]
    InvalidPartOrder,
    /// The object would be larger than an object may be.
    #[error("the object is too large")]
    EntityTooLarge,
    /// The object's size is not the one that the client stated.
    #[error("the object's size is {actual} bytes")]
    SizeMismatch {
        /// The size in bytes.
        actual: u64,
    },
    /// The data that the command names was settled by an earlier command.
    #[error("the data was settled before")]
    DataSettled,
    /// A command may still be under way that names this data.
    #[error("it is too early to forget this data")]
    TooEarly,
    /// The command is not one that this state machine can apply.
    #[error("the command is malformed")]
    Malformed,
    /// The node was declared lost or removed, which is final.
    #[error("the node is gone for good")]
    NodeGone,
    /// The cluster does not know the node.
    #[error("the cluster does not know the node")]
    NoSuchNode,
    /// A placement group names the node.
    #[error("the node has data that is to be moved first")]
    NodeInUse,
    /// A placement names a node that takes no data: unknown, gone, or without the storage role.
    #[error("node {node} takes no data")]
    UnfitNode {
        /// The node.
        node: NodeId,
    },
    /// The cluster has as many nodes as it can have.
    #[error("the cluster has too many nodes")]
    TooManyNodes,
}

/// The stored form of an outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutcomeRecord(pub Outcome);

fn read_bucket_and_group(r: &mut Reader) -> Result<(BucketId, GroupId), Malformed> {
    Ok((BucketId(r.u64()?), GroupId(r.u16()?)))
}

impl Record for OutcomeRecord {
    const NAME: &'static str = "outcome";

    fn write(&self, w: &mut Writer) {
        match &self.0 {
            Ok(done) => write_done(w, done),
            Err(refusal) => write_refusal(w, refusal),
        }
    }

    fn read(r: &mut Reader) -> Result<Self, Malformed> {
        Ok(OutcomeRecord(match r.u8()? {
            number @ 1..=99 => Ok(read_done(r, number)?),
            number => Err(read_refusal(r, number)?),
        }))
    }
}

fn write_done(w: &mut Writer, done: &Done) {
    match done {
        Done::BucketCreating { bucket, group } => {
            w.u8(1).u64(bucket.0).u16(group.0);
        }
        Done::Nothing => {
            w.u8(2);
        }
        Done::Written(written) => {
            w.u8(3).option(written.shown_id, write_version_id);
            w.u64(written.sequence.0).time(written.last_modified).etag(&written.etag);
            w.option(written.checksum.as_ref(), |w, c| {
                w.object_checksum(c);
            });
            w.option(written.source_id, write_version_id).u64(written.size);
        }
        Done::Deleted { version, marker } => {
            w.u8(4).option(*version, write_version_id).u8(match marker {
                Marker::None => 0,
                Marker::Added => 1,
                Marker::Removed => 2,
            });
        }
        Done::PartWritten { last_modified } => {
            w.u8(5).time(*last_modified);
        }
        Done::Condemned { held } => {
            w.u8(6).list(held, |w, i| {
                w.u32(*i);
            });
        }
        Done::Step(step) => {
            w.u8(7).u8(match step {
                Step::More => 0,
                Step::Finished => 1,
            });
        }
    }
}

fn read_done(r: &mut Reader, number: u8) -> Result<Done, Malformed> {
    Ok(match number {
        1 => {
            let (bucket, group) = read_bucket_and_group(r)?;
            Done::BucketCreating { bucket, group }
        }
        2 => Done::Nothing,
        3 => Done::Written(Written {
            shown_id: r.option(read_version_id)?,
            sequence: Sequence(r.u64()?),
            last_modified: r.time()?,
            etag: r.etag()?,
            checksum: r.option(Reader::object_checksum)?,
            source_id: r.option(read_version_id)?,
            size: r.u64()?,
        }),
        4 => Done::Deleted {
            version: r.option(read_version_id)?,
            marker: match r.u8()? {
                0 => Marker::None,
                1 => Marker::Added,
                2 => Marker::Removed,
                _ => return Err(r.malformed()),
            },
        },
        5 => Done::PartWritten { last_modified: r.time()? },
        6 => Done::Condemned { held: r.list(Reader::u32)? },
        7 => Done::Step(match r.u8()? {
            0 => Step::More,
            1 => Step::Finished,
            _ => return Err(r.malformed()),
        }),
        _ => return Err(r.malformed()),
    })
}

fn write_refusal(w: &mut Writer, refusal: &Refusal) {
    match *refusal {
        Refusal::Expired => w.u8(100),
        Refusal::NoSuchBucket => w.u8(101),
        Refusal::BucketAlreadyOwnedByYou { bucket, group } => w.u8(102).u64(bucket.0).u16(group.0),
        Refusal::BucketAlreadyExists => w.u8(103),
        Refusal::BucketNotEmpty => w.u8(104),
        Refusal::NoSuchKey => w.u8(105),
        Refusal::NoSuchVersion => w.u8(106),
        Refusal::SourceIsDeleteMarker => w.u8(107),
        Refusal::PreconditionFailed => w.u8(108),
        Refusal::SourcePreconditionFailed => w.u8(109),
        Refusal::NoSuchUpload => w.u8(110),
        Refusal::InvalidPart { number } => w.u8(111).u16(number),
        Refusal::EntityTooSmall { number, size } => w.u8(112).u16(number).u64(size),
        Refusal::InvalidPartOrder => w.u8(113),
        Refusal::EntityTooLarge => w.u8(114),
        Refusal::SizeMismatch { actual } => w.u8(115).u64(actual),
        Refusal::DataSettled => w.u8(116),
        Refusal::Malformed => w.u8(117),
        Refusal::TooEarly => w.u8(118),
        Refusal::NodeGone => w.u8(119),
        Refusal::NoSuchNode => w.u8(120),
        Refusal::NodeInUse => w.u8(121),
        Refusal::UnfitNode { node } => w.u8(122).u64(node.0),
        Refusal::TooManyNodes => w.u8(123),
    };
}

fn read_refusal(r: &mut Reader, number: u8) -> Result<Refusal, Malformed> {
    Ok(match number {
        100 => Refusal::Expired,
        101 => Refusal::NoSuchBucket,
        102 => {
            let (bucket, group) = read_bucket_and_group(r)?;
            Refusal::BucketAlreadyOwnedByYou { bucket, group }
        }
        103 => Refusal::BucketAlreadyExists,
        104 => Refusal::BucketNotEmpty,
        105 => Refusal::NoSuchKey,
        106 => Refusal::NoSuchVersion,
        107 => Refusal::SourceIsDeleteMarker,
        108 => Refusal::PreconditionFailed,
        109 => Refusal::SourcePreconditionFailed,
        110 => Refusal::NoSuchUpload,
        111 => Refusal::InvalidPart { number: r.u16()? },
        112 => Refusal::EntityTooSmall { number: r.u16()?, size: r.u64()? },
        113 => Refusal::InvalidPartOrder,
        114 => Refusal::EntityTooLarge,
        115 => Refusal::SizeMismatch { actual: r.u64()? },
        116 => Refusal::DataSettled,
        117 => Refusal::Malformed,
        118 => Refusal::TooEarly,
        119 => Refusal::NodeGone,
        120 => Refusal::NoSuchNode,
        121 => Refusal::NodeInUse,
        122 => Refusal::UnfitNode { node: NodeId(r.u64()?) },
        123 => Refusal::TooManyNodes,
        _ => return Err(r.malformed()),
    })
}
