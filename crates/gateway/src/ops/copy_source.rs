//! The source of CopyObject and UploadPartCopy.

use super::OpContext;
use crate::data::{CopyDigests, ObjectReader, Pipeline, read_error};
use crate::lookup::{FoundObject, Wanted};
use esker_index::query::Detail;
use esker_s3::request::{CopySource, ReadConditions, embedded_version, evaluate_copy_source};
use esker_s3::{ErrorCode, S3Error};
use esker_types::{ByteRange, ChecksumAlgorithm};

/// The source with a version id that is embedded in its key taken out (s3-rules 37). Which of the two is meant
/// depends on what versions there are, so it is asked only where the key looks like it.
pub(super) async fn literal(cx: OpContext<'_>, source: CopySource) -> Result<CopySource, S3Error> {
    if source.version.is_some() || embedded_version(&source.key).is_none() {
        return Ok(source);
    }
    let object = cx.core.find(wanted(&source, Detail::Record)).await?.for_copy(&source.key)?;
    if object.key == source.key {
        return Ok(source);
    }
    Ok(CopySource { bucket: source.bucket, key: object.key, version: Some(object.version) })
}

/// Finds the source's version, and checks the conditions on it.
pub(super) async fn find(
    cx: OpContext<'_>,
    source: &CopySource,
    conditions: &ReadConditions,
    detail: Detail,
) -> Result<Box<FoundObject>, S3Error> {
    let object = cx.core.find(wanted(source, detail)).await?.for_copy(&source.key)?;
    evaluate_copy_source(conditions, &object.record.etag, object.last_modified)
        .map_err(S3Error::precondition_failed)?;
    Ok(object)
}

/// The bytes of a found version, to be stored again; `None` means no bytes. If its data was deleted meanwhile
/// the client may try again: the copy has changed nothing.
pub(super) async fn read(
    cx: OpContext<'_>,
    object: &mut FoundObject,
    range: Option<ByteRange>,
    algorithm: ChecksumAlgorithm,
) -> Result<Pipeline<Option<ObjectReader>, CopyDigests>, S3Error> {
    let reader = match (object.manifest.take(), range) {
        (_, None) => None,
        (None, Some(_)) => return Err(ErrorCode::InternalError.into()),
        (Some(manifest), Some(range)) => {
            let reader = ObjectReader::open(&cx.core.storage, manifest, range).await;
            Some(reader.map_err(|error| read_error(&error))?)
        }
    };
    Ok(Pipeline::new(reader, CopyDigests::new(algorithm), &cx.core.digesters))
}

fn wanted(source: &CopySource, detail: Detail) -> Wanted<'_> {
    Wanted { bucket: &source.bucket, key: &source.key, version: source.version, detail }
}
