//! PutObject, CopyObject, DeleteObject.

use super::{Applied, Context, data, refuse, repairs, versions};
use crate::command::{CommandBody, CopyCondition, NewData, NewObject, Target};
use crate::outcome::{Done, Marker, Refusal, Written};
use crate::records::{ManifestBody, ManifestRecord, ObjectRecord, VersionBody, VersionRecord};
use crate::rows::{Rows, RowsError};
use crate::store::{Placed, newest, open_bucket, version};
use esker_types::{ETagCondition, Extent, ManifestId, Sequence, VersionId, VersioningState, WriteCondition};

/// Decides a write's condition against the key's newest version. A delete marker counts as no object.
pub(super) fn check_condition(condition: &WriteCondition, newest: Option<&Placed>) -> Result<(), Refusal> {
    let current = newest.and_then(|(_, record)| record.object());
    if let Some(names) = &condition.if_match {
        match current {
            None => return Err(Refusal::NoSuchKey),
            Some(object) if !names.names(&object.etag) => return Err(Refusal::PreconditionFailed),
            Some(_) => {}
        }
    }
    match (&condition.if_none_match, current) {
        (Some(names), Some(object)) if names.names(&object.etag) => Err(Refusal::PreconditionFailed),
        _ => Ok(()),
    }
}

pub(super) fn written(sequence: Sequence, record: &VersionRecord, source_id: Option<VersionId>) -> Applied {
    let Some(object) = record.object() else { return Ok(Err(Refusal::Malformed)) };
    Ok(Ok(Done::Written(Written {
        shown_id: Some(record.id).filter(|id| *id != VersionId::Null),
        sequence,
        last_modified: record.last_modified,
        etag: object.etag.clone(),
        checksum: object.checksum.clone(),
        source_id,
        size: object.size,
    })))
}

pub(super) fn put<R: Rows + ?Sized>(
    context: &mut Context<'_, R>,
    target: &Target,
    object: &NewObject,
    condition: &WriteCondition,
    entropy: u64,
) -> Applied {
    if let NewData::Stored(stored) = &object.data
        && stored.late.len() > CommandBody::NODES_MAX
    {
        refuse!(Refusal::Malformed);
    }
    let Some(mut bucket) = context.bucket(target.bucket)? else { refuse!(Refusal::NoSuchBucket) };
    let newest = newest(context.rows, target.bucket, target.key.as_bytes())?;
    if let Err(refusal) = check_condition(condition, newest.as_ref()) {
        refuse!(refusal);
    }
    let Some(manifest) = new_manifest(context, object)? else { refuse!(Refusal::DataSettled) };
    let manifest = manifest.map(|(id, record)| {
        data::save_manifest(context, id, &record);
        id
    });
    let body = VersionBody::Object(ObjectRecord {
        size: object.size,
        etag: object.etag.clone(),
        checksum: object.checksum.clone(),
        parts: None,
        manifest,
        headers: object.headers.clone(),
    });
    let (sequence, record) = versions::add(context, &mut bucket, target, newest.as_ref(), body, entropy)?;
    written(sequence, &record, None)
}

/// The manifest of a single upload, or none if it has no bytes; `None` on the outside if its data was settled.
#[allow(clippy::type_complexity)]
fn new_manifest<R: Rows + ?Sized>(
    context: &mut Context<'_, R>,
    object: &NewObject,
) -> Result<Option<Option<(ManifestId, ManifestRecord)>>, RowsError> {
    let (id, body) = match &object.data {
        NewData::Empty => return Ok(Some(None)),
        // An inline manifest has no data id to be named by; the command's id is as unique.
        NewData::Inline(bytes) => {
            (ManifestId(context.command.request.0), ManifestBody::Inline(bytes.clone()))
        }
        NewData::Stored(stored) => {
            if !data::hold(context, stored.data)? {
                return Ok(None);
            }
            repairs::add(context, stored, object.size)?;
            let extent = Extent { data: stored.data, offset: 0, length: object.size };
            (stored.data.manifest(), ManifestBody::Extents(vec![extent]))
        }
    };
    Ok(Some(Some((id, ManifestRecord { body, parts: Vec::new() }))))
}

pub(super) fn copy<R: Rows + ?Sized>(context: &mut Context<'_, R>) -> Applied {
    let command = context.command;
    let CommandBody::CopyObject {
        target,
        source,
        version: named,
        source_condition,
        headers,
        condition,
        entropy,
    } = &command.body
    else {
        refuse!(Refusal::Malformed)
    };
    let Some(mut bucket) = context.bucket(target.bucket)? else { refuse!(Refusal::NoSuchBucket) };
    let Some(source_bucket) = open_bucket(context.rows, source.bucket)? else {
        refuse!(Refusal::NoSuchBucket)
    };
    let source_key = source.key.as_bytes();
    let found = match named {
        None => newest(context.rows, source.bucket, source_key)?,
        Some(id) => version(context.rows, source.bucket, source_key, *id)?,
    };
    let (found, object) = match (found, named) {
        (None, None) => refuse!(Refusal::NoSuchKey),
        (None, Some(_)) => refuse!(Refusal::NoSuchVersion),
        (Some((_, record)), named) => match (record.object().cloned(), named) {
            (Some(object), _) => (record, object),
            (None, None) => refuse!(Refusal::NoSuchKey),
            (None, Some(_)) => refuse!(Refusal::SourceIsDeleteMarker),
        },
    };
    if !source_holds(source_condition, &found, &object) {
        refuse!(Refusal::SourcePreconditionFailed);
    }
    let newest = newest(context.rows, target.bucket, target.key.as_bytes())?;
    if let Err(refusal) = check_condition(condition, newest.as_ref()) {
        refuse!(refusal);
    }
    // Before the version is added: adding may remove the very version that is copied, and must not take its data.
    if let Some(manifest) = object.manifest {
        data::retain(context, manifest)?;
    }
    let source_id = (source_bucket.versioning != VersioningState::Unversioned).then_some(found.id);
    let object = match headers {
        Some(headers) => ObjectRecord { headers: headers.clone(), ..object },
        None => object,
    };
    let body = VersionBody::Object(object);
    let (sequence, record) = versions::add(context, &mut bucket, target, newest.as_ref(), body, *entropy)?;
    written(sequence, &record, source_id)
}

/// Conditions of a copy's source, with the precedence of RFC 9110 section 13.2.2: a tag condition that holds
/// makes the date condition of its pair moot. S3 user guide, "Copying objects", says the same.
fn source_holds(condition: &CopyCondition, record: &VersionRecord, object: &ObjectRecord) -> bool {
    let modified = record.last_modified.seconds();
    let matches = match (&condition.if_match, condition.if_unmodified_since) {
        (Some(names), _) => names.names(&object.etag),
        (None, Some(date)) => modified <= date,
        (None, None) => true,
    };
    let differs = match (&condition.if_none_match, condition.if_modified_since) {
        (Some(names), _) => !names.names(&object.etag),
        (None, Some(date)) => modified > date,
        (None, None) => true,
    };
    matches && differs
}

pub(super) fn delete<R: Rows + ?Sized>(
    context: &mut Context<'_, R>,
    target: &Target,
    named: Option<VersionId>,
    condition: Option<&ETagCondition>,
    entropy: u64,
) -> Applied {
    let Some(bucket) = context.bucket(target.bucket)? else { refuse!(Refusal::NoSuchBucket) };
    match named {
        Some(id) => delete_version(context, bucket, target, id, condition),
        None => delete_key(context, bucket, target, condition, entropy),
    }
}

fn delete_version<R: Rows + ?Sized>(
    context: &mut Context<'_, R>,
    mut bucket: crate::records::BucketRecord,
    target: &Target,
    id: VersionId,
    condition: Option<&ETagCondition>,
) -> Applied {
    let found = version(context.rows, target.bucket, target.key.as_bytes(), id)?;
    let Some((sequence, record)) = found else {
        if condition.is_some() {
            refuse!(Refusal::NoSuchVersion);
        }
        return Ok(Ok(Done::Deleted { version: Some(id), marker: Marker::None }));
    };
    if let Some(names) = condition
        && !record.object().is_some_and(|object| names.names(&object.etag))
    {
        refuse!(Refusal::PreconditionFailed);
    }
    versions::remove(context, &mut bucket, target, sequence)?;
    let marker = if record.object().is_some() { Marker::None } else { Marker::Removed };
    Ok(Ok(Done::Deleted { version: Some(id), marker }))
}

fn delete_key<R: Rows + ?Sized>(
    context: &mut Context<'_, R>,
    mut bucket: crate::records::BucketRecord,
    target: &Target,
    condition: Option<&ETagCondition>,
    entropy: u64,
) -> Applied {
    let newest = newest(context.rows, target.bucket, target.key.as_bytes())?;
    let condition = WriteCondition { if_match: condition.cloned(), if_none_match: None };
    if let Err(refusal) = check_condition(&condition, newest.as_ref()) {
        refuse!(refusal);
    }
    if bucket.versioning == VersioningState::Unversioned {
        // Only the null version can be there.
        if let Some((sequence, _)) = newest {
            versions::remove(context, &mut bucket, target, sequence)?;
        }
        return Ok(Ok(Done::Deleted { version: None, marker: Marker::None }));
    }
    let body = VersionBody::DeleteMarker;
    let (_, record) = versions::add(context, &mut bucket, target, newest.as_ref(), body, entropy)?;
    Ok(Ok(Done::Deleted { version: Some(record.id), marker: Marker::Added }))
}
