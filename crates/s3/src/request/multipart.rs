//! The inputs of the multipart operations.

use crate::checksum::header::{checksum_type, object_checksum, upload_checksum};
use crate::error::{ErrorCode, S3Error};
use crate::request::conditions::{ReadConditions, write_condition};
use crate::request::copy::source;
use crate::request::copy_source::parse_source_range;
use crate::request::headers::header_text;
use crate::request::list::page_size;
use crate::request::list_inputs::PAGE_MAX;
use crate::request::object::{byte_count, part_number, refuse_version};
use crate::request::object_headers::ObjectHeaders;
use crate::request::operation::{
    AbortMultipartUpload, CompleteMultipartUpload, CreateMultipartUpload, ListParts, UploadPart,
    UploadPartCopy,
};
use crate::request::parse::Parts;
use crate::request::query::Query;
use esker_types::{BucketName, ObjectKey, UploadId};

pub(super) fn create(
    bucket: BucketName,
    key: ObjectKey,
    parts: Parts<'_>,
) -> Result<CreateMultipartUpload, S3Error> {
    refuse_version(parts.query)?;
    let checksum = upload_checksum(parts.headers)?;
    Ok(CreateMultipartUpload { bucket, key, headers: ObjectHeaders::parse(parts.headers)?, checksum })
}

pub(super) fn upload_part(bucket: BucketName, key: ObjectKey, query: &Query) -> Result<UploadPart, S3Error> {
    Ok(UploadPart { bucket, key, part_number: part_number_of(query)?, upload: upload(query)? })
}

pub(super) fn upload_part_copy(
    bucket: BucketName,
    key: ObjectKey,
    parts: Parts<'_>,
) -> Result<UploadPartCopy, S3Error> {
    let range = header_text(parts.headers, "x-amz-copy-source-range");
    Ok(UploadPartCopy {
        bucket,
        key,
        part_number: part_number_of(parts.query)?,
        upload: upload(parts.query)?,
        source: source(parts.headers)?,
        source_conditions: ReadConditions::of_copy_source(parts.headers),
        source_range: range.as_deref().map(parse_source_range).transpose()?,
    })
}

pub(super) fn complete(
    bucket: BucketName,
    key: ObjectKey,
    parts: Parts<'_>,
) -> Result<CompleteMultipartUpload, S3Error> {
    let headers = parts.headers;
    Ok(CompleteMultipartUpload {
        bucket,
        key,
        upload: upload(parts.query)?,
        condition: write_condition(headers),
        object_size: byte_count(headers, "x-amz-mp-object-size")?,
        checksum: object_checksum(headers)?,
        checksum_type: checksum_type(headers)?,
    })
}

pub(super) fn abort(
    bucket: BucketName,
    key: ObjectKey,
    query: &Query,
) -> Result<AbortMultipartUpload, S3Error> {
    Ok(AbortMultipartUpload { bucket, key, upload: upload(query)? })
}

pub(super) fn list_parts(bucket: BucketName, key: ObjectKey, query: &Query) -> Result<ListParts, S3Error> {
    Ok(ListParts {
        bucket,
        key,
        upload: upload(query)?,
        max_parts: page_size("max-parts", query.get("max-parts"), PAGE_MAX)?,
        part_number_marker: match query.get("part-number-marker") {
            None => 0,
            marker => {
                page_size("part-number-marker", marker.filter(|m| !m.is_empty()).or(Some("0")), u16::MAX)?
            }
        },
    })
}

/// An id that the server cannot have made names no upload (s3-rules 15).
fn upload(query: &Query) -> Result<UploadId, S3Error> {
    let text = query.get("uploadId").unwrap_or_default();
    UploadId::parse(text).ok_or_else(|| S3Error::new(ErrorCode::NoSuchUpload).with_extra("UploadId", text))
}

fn part_number_of(query: &Query) -> Result<u16, S3Error> {
    part_number(query.get("partNumber").unwrap_or_default())
}
