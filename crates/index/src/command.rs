//! What the state machine can be told to do.
//!
//! A command carries everything that is not determined by the rows: times, ids and entropy are chosen before it
//! is proposed. Its encoding is what the Raft log stores, so it is versioned like every stored format.

use crate::codec::{Malformed, Reader, Writer};
use crate::records::{UploadChecksum, read_version_id, read_versioning, versioning_number, write_version_id};
use bytes::Bytes;
use esker_types::{
    BucketId, BucketName, Checksum, ChecksumType, DataId, ETag, ETagCondition, GroupId, ObjectChecksum,
    ObjectKey, RequestId, Timestamp, UploadId, VersionId, VersioningState, WriteCondition,
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
        write_body(&mut w, &self.body);
        w.finish().into()
    }

    /// Reads what [`Command::encode`] wrote.
    pub fn decode(bytes: Bytes) -> Result<Command, Malformed> {
        let (mut r, _) = Reader::versioned(bytes, "command", VERSION)?;
        let command = Command {
            request: RequestId::from_bytes(r.array()?),
            deadline: r.time()?,
            proposed_at: r.time()?,
            body: read_body(&mut r)?,
        };
        r.finish()?;
        Ok(command)
    }
}

fn write_target(w: &mut Writer, target: &Target) {
    w.u64(target.bucket.0).text(target.key.as_str());
}

fn read_target(r: &mut Reader) -> Result<Target, Malformed> {
    Ok(Target { bucket: BucketId(r.u64()?), key: ObjectKey::parse(r.text()?).map_err(|_| r.malformed())? })
}

fn write_etags(w: &mut Writer, condition: Option<&ETagCondition>) {
    match condition {
        None => w.u8(0),
        Some(ETagCondition::Any) => w.u8(1),
        Some(ETagCondition::Tags(tags)) => w.u8(2).list(tags, |w, tag| {
            w.etag(tag);
        }),
    };
}

fn read_etags(r: &mut Reader) -> Result<Option<ETagCondition>, Malformed> {
    match r.u8()? {
        0 => Ok(None),
        1 => Ok(Some(ETagCondition::Any)),
        2 => Ok(Some(ETagCondition::Tags(r.list(Reader::etag)?))),
        _ => Err(r.malformed()),
    }
}

fn write_condition(w: &mut Writer, condition: &WriteCondition) {
    write_etags(w, condition.if_match.as_ref());
    write_etags(w, condition.if_none_match.as_ref());
}

fn read_condition(r: &mut Reader) -> Result<WriteCondition, Malformed> {
    Ok(WriteCondition { if_match: read_etags(r)?, if_none_match: read_etags(r)? })
}

fn write_object(w: &mut Writer, object: &NewObject) {
    w.u64(object.size).etag(&object.etag);
    w.option(object.checksum.as_ref(), |w, c| {
        w.object_checksum(c);
    });
    w.pairs(&object.headers);
    match &object.data {
        NewData::Empty => w.u8(0),
        NewData::Inline(bytes) => w.u8(1).bytes(bytes),
        NewData::Stored(data) => w.u8(2).raw(data.as_bytes()),
    };
}

fn read_object(r: &mut Reader) -> Result<NewObject, Malformed> {
    Ok(NewObject {
        size: r.u64()?,
        etag: r.etag()?,
        checksum: r.option(Reader::object_checksum)?,
        headers: r.pairs()?,
        data: match r.u8()? {
            0 => NewData::Empty,
            1 => NewData::Inline(r.bytes()?),
            2 => NewData::Stored(DataId::from_bytes(r.array()?)),
            _ => return Err(r.malformed()),
        },
    })
}

fn write_version_option(w: &mut Writer, version: Option<VersionId>) {
    w.option(version, write_version_id);
}

fn write_upload_checksum(w: &mut Writer, checksum: Option<UploadChecksum>) {
    w.option(checksum, |w, c| {
        w.u8(crate::codec::algorithm_number(c.algorithm));
        w.u8(u8::from(c.kind == ChecksumType::Composite));
    });
}

fn read_upload_checksum(r: &mut Reader) -> Result<Option<UploadChecksum>, Malformed> {
    r.option(|r| {
        let algorithm = r.algorithm()?;
        let kind = match r.u8()? {
            0 => ChecksumType::FullObject,
            1 => ChecksumType::Composite,
            _ => return Err(r.malformed()),
        };
        Ok(UploadChecksum { algorithm, kind })
    })
}

fn write_body(w: &mut Writer, body: &CommandBody) {
    match body {
        CommandBody::CreateBucket { name, owner, group } => {
            w.u8(1).text(name.as_str()).text(owner).u16(group.0);
        }
        CommandBody::OpenBucket { bucket, name, owner } => {
            w.u8(2).u64(bucket.0).text(name.as_str()).text(owner);
        }
        CommandBody::ActivateBucket { name, bucket } => {
            w.u8(3).text(name.as_str()).u64(bucket.0);
        }
        CommandBody::SealBucket { bucket } => {
            w.u8(4).u64(bucket.0);
        }
        CommandBody::RemoveBucket { name, bucket } => {
            w.u8(5).text(name.as_str()).u64(bucket.0);
        }
        CommandBody::PurgeBucket { bucket } => {
            w.u8(6).u64(bucket.0);
        }
        CommandBody::PutVersioning { bucket, state } => {
            w.u8(7).u64(bucket.0).u8(versioning_number(*state));
        }
        CommandBody::Discard { data } => {
            w.u8(8).list(data, |w, (data, length)| {
                w.raw(data.as_bytes()).u64(*length);
            });
        }
        CommandBody::Condemn { data } => {
            w.u8(9).list(data, |w, data| {
                w.raw(data.as_bytes());
            });
        }
        CommandBody::Reclaim { entry, reclaimed } => {
            w.u8(10).u64(*entry).u32(*reclaimed);
        }
        _ => write_object_body(w, body),
    }
}

fn write_object_body(w: &mut Writer, body: &CommandBody) {
    match body {
        CommandBody::PutObject { target, object, condition, entropy } => {
            write_target(w.u8(20), target);
            write_object(w, object);
            write_condition(w, condition);
            w.u64(*entropy);
        }
        CommandBody::CopyObject {
            target,
            source,
            version,
            source_condition,
            headers,
            condition,
            entropy,
        } => {
            write_target(w.u8(21), target);
            write_target(w, source);
            write_version_option(w, *version);
            write_etags(w, source_condition.if_match.as_ref());
            write_etags(w, source_condition.if_none_match.as_ref());
            for date in [source_condition.if_modified_since, source_condition.if_unmodified_since] {
                w.option(date, |w, d| {
                    w.u64(d);
                });
            }
            w.option(headers.as_ref(), |w, h| {
                w.pairs(h);
            });
            write_condition(w, condition);
            w.u64(*entropy);
        }
        CommandBody::DeleteObject { target, version, condition, entropy } => {
            write_target(w.u8(22), target);
            write_version_option(w, *version);
            write_etags(w, condition.as_ref());
            w.u64(*entropy);
        }
        _ => write_upload_body(w, body),
    }
}

fn write_upload_body(w: &mut Writer, body: &CommandBody) {
    match body {
        CommandBody::CreateUpload { target, upload, headers, checksum } => {
            write_target(w.u8(30), target);
            w.raw(upload.as_bytes()).pairs(headers);
            write_upload_checksum(w, *checksum);
        }
        CommandBody::PutPart { target, upload, number, size, etag, checksum, data } => {
            write_target(w.u8(31), target);
            w.raw(upload.as_bytes()).u16(*number).u64(*size).etag(etag);
            w.option(checksum.as_ref(), |w, c| {
                w.checksum(c);
            });
            w.option(*data, |w, d| {
                w.raw(d.as_bytes());
            });
        }
        CommandBody::CompleteUpload { target, upload, parts, etag, checksum, size, condition, entropy } => {
            write_target(w.u8(32), target);
            w.raw(upload.as_bytes()).list(parts, |w, part| {
                w.u16(part.number).etag(&part.etag).option(part.checksum.as_ref(), |w, c| {
                    w.checksum(c);
                });
            });
            w.etag(etag).option(checksum.as_ref(), |w, c| {
                w.object_checksum(c);
            });
            w.option(*size, |w, s| {
                w.u64(s);
            });
            write_condition(w, condition);
            w.u64(*entropy);
        }
        CommandBody::AbortUpload { target, upload } => {
            write_target(w.u8(33), target);
            w.raw(upload.as_bytes());
        }
        _ => unreachable!("every other kind is written by the callers"),
    }
}

fn read_name(r: &mut Reader) -> Result<BucketName, Malformed> {
    BucketName::parse(&r.text()?).map_err(|_| r.malformed())
}

fn read_bucket(r: &mut Reader) -> Result<BucketId, Malformed> {
    Ok(BucketId(r.u64()?))
}

fn read_upload(r: &mut Reader) -> Result<UploadId, Malformed> {
    Ok(UploadId::from_bytes(r.array()?))
}

fn read_data(r: &mut Reader) -> Result<DataId, Malformed> {
    Ok(DataId::from_bytes(r.array()?))
}

fn read_body(r: &mut Reader) -> Result<CommandBody, Malformed> {
    Ok(match r.u8()? {
        1 => CommandBody::CreateBucket { name: read_name(r)?, owner: r.text()?, group: GroupId(r.u16()?) },
        2 => CommandBody::OpenBucket { bucket: read_bucket(r)?, name: read_name(r)?, owner: r.text()? },
        3 => CommandBody::ActivateBucket { name: read_name(r)?, bucket: read_bucket(r)? },
        4 => CommandBody::SealBucket { bucket: read_bucket(r)? },
        5 => CommandBody::RemoveBucket { name: read_name(r)?, bucket: read_bucket(r)? },
        6 => CommandBody::PurgeBucket { bucket: read_bucket(r)? },
        7 => CommandBody::PutVersioning { bucket: read_bucket(r)?, state: read_versioning(r)? },
        8 => CommandBody::Discard { data: r.list(|r| Ok((read_data(r)?, r.u64()?)))? },
        9 => CommandBody::Condemn { data: r.list(read_data)? },
        10 => CommandBody::Reclaim { entry: r.u64()?, reclaimed: r.u32()? },
        20 => CommandBody::PutObject {
            target: read_target(r)?,
            object: read_object(r)?,
            condition: read_condition(r)?,
            entropy: r.u64()?,
        },
        21 => CommandBody::CopyObject {
            target: read_target(r)?,
            source: read_target(r)?,
            version: r.option(read_version_id)?,
            source_condition: CopyCondition {
                if_match: read_etags(r)?,
                if_none_match: read_etags(r)?,
                if_modified_since: r.option(Reader::u64)?,
                if_unmodified_since: r.option(Reader::u64)?,
            },
            headers: r.option(Reader::pairs)?,
            condition: read_condition(r)?,
            entropy: r.u64()?,
        },
        22 => CommandBody::DeleteObject {
            target: read_target(r)?,
            version: r.option(read_version_id)?,
            condition: read_etags(r)?,
            entropy: r.u64()?,
        },
        30 => CommandBody::CreateUpload {
            target: read_target(r)?,
            upload: read_upload(r)?,
            headers: r.pairs()?,
            checksum: read_upload_checksum(r)?,
        },
        31 => CommandBody::PutPart {
            target: read_target(r)?,
            upload: read_upload(r)?,
            number: r.u16()?,
            size: r.u64()?,
            etag: r.etag()?,
            checksum: r.option(Reader::checksum)?,
            data: r.option(read_data)?,
        },
        32 => CommandBody::CompleteUpload {
            target: read_target(r)?,
            upload: read_upload(r)?,
            parts: r.list(|r| {
                Ok(CompletePart { number: r.u16()?, etag: r.etag()?, checksum: r.option(Reader::checksum)? })
            })?,
            etag: r.etag()?,
            checksum: r.option(Reader::object_checksum)?,
            size: r.option(Reader::u64)?,
            condition: read_condition(r)?,
            entropy: r.u64()?,
        },
        33 => CommandBody::AbortUpload { target: read_target(r)?, upload: read_upload(r)? },
        _ => return Err(r.malformed()),
    })
}
