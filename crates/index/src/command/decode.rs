//! Commands from bytes. Every length is checked before it is used; no bytes make this panic.

use super::{
    CommandBody, CompletePart, CopyCondition, NewData, NewObject, ReclaimStep, StoredData, Target, cluster,
};
use crate::codec::{Malformed, Reader};
use crate::records::{read_nodes, read_upload_checksum, read_version_id, read_versioning};
use esker_types::{
    BucketId, BucketName, DataId, ETagCondition, GroupId, ObjectKey, UploadId, WriteCondition,
};

pub(super) fn read_body(r: &mut Reader) -> Result<CommandBody, Malformed> {
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
        13 => CommandBody::ReclaimSteps {
            steps: r.list(|r| Ok(ReclaimStep { entry: r.u64()?, reclaimed: r.u32()? }))?,
        },
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
            data: match r.u8()? {
                0 => None,
                1 => Some(StoredData::complete(read_data(r)?)),
                2 => Some(read_late(r)?),
                _ => return Err(r.malformed()),
            },
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
        number => cluster::read_body(r, number)?,
    })
}

fn read_target(r: &mut Reader) -> Result<Target, Malformed> {
    Ok(Target { bucket: BucketId(r.u64()?), key: ObjectKey::parse(r.text()?).map_err(|_| r.malformed())? })
}

fn read_etags(r: &mut Reader) -> Result<Option<ETagCondition>, Malformed> {
    match r.u8()? {
        0 => Ok(None),
        1 => Ok(Some(ETagCondition::Any)),
        2 => Ok(Some(ETagCondition::Tags(r.list(Reader::etag)?))),
        _ => Err(r.malformed()),
    }
}

fn read_condition(r: &mut Reader) -> Result<WriteCondition, Malformed> {
    Ok(WriteCondition { if_match: read_etags(r)?, if_none_match: read_etags(r)? })
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
            2 => NewData::Stored(StoredData::complete(read_data(r)?)),
            3 => NewData::Stored(read_late(r)?),
            _ => return Err(r.malformed()),
        },
    })
}

/// Data with late nodes; without any it has another number.
fn read_late(r: &mut Reader) -> Result<StoredData, Malformed> {
    let stored = StoredData { data: read_data(r)?, late: read_nodes(r)? };
    if stored.late.is_empty() { Err(r.malformed()) } else { Ok(stored) }
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
