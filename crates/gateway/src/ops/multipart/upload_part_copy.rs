//! UploadPartCopy.
//!
//! A part has an MD5 and a checksum of its own, which a range of another object does not have: the range is
//! read, at one resolved version, and stored as new data.

use super::super::OpContext;
use super::super::copy_source;
use super::super::put_object::DEFAULT_CHECKSUM;
use super::upload_part::{NewPart, commit, target};
use super::{UploadParts, require};
use crate::data::store;
use crate::reply::{COPY_SOURCE_VERSION_ID, Reply, ReplyExt as _, xml};
use esker_index::query::Detail;
use esker_s3::request::check_source_range;
use esker_s3::request::operation::UploadPartCopy;
use esker_s3::xml::results::CopyPartResult;
use esker_s3::{ErrorCode, S3Error};
use esker_types::ByteRange;
use esker_types::limits::PUT_BYTES_MAX;

pub(in crate::ops) async fn run(cx: OpContext<'_>, input: &UploadPartCopy) -> Result<Reply, S3Error> {
    let UploadPartCopy { bucket, key, upload, part_number, source_conditions, .. } = input;
    let wanted = UploadParts { bucket, key, upload: *upload, after: 0, limit: 0 };
    let (route, page) = require(cx, wanted).await?;
    // The lookup itself knows of version ids that are embedded in keys.
    let mut source = copy_source::find(cx, &input.source, source_conditions, Detail::Manifest).await?;
    let range = match input.source_range {
        None => ByteRange::whole(source.record.size),
        Some(range) => {
            check_source_range(range, source.record.size)?;
            Some(range)
        }
    };
    if range.is_some_and(|range| range.length() > PUT_BYTES_MAX) {
        return Err(S3Error::message(
            ErrorCode::InvalidRequest,
            format!("The specified copy source is larger than the maximum allowable size: {PUT_BYTES_MAX}"),
        ));
    }
    let algorithm = page.upload.checksum.map_or(DEFAULT_CHECKSUM, |checksum| checksum.algorithm);
    let mut pipeline = copy_source::read(cx, &mut source, range, algorithm).await?;
    let (stored, size) = store(cx.core, target(route), &mut pipeline).await?;
    let (_, etag, checksum) = pipeline.digests()?;
    let part = NewPart {
        bucket,
        key,
        upload: *upload,
        number: *part_number,
        size,
        etag: etag.clone(),
        checksum: Some(checksum.clone()),
    };
    let last_modified = commit(cx, route, stored, part).await?;
    let checksum = page.upload.checksum.map(|_| checksum);
    let reply = xml(CopyPartResult { etag, last_modified, checksum }.to_xml());
    Ok(match source.shown_version {
        Some(id) => reply.with(COPY_SOURCE_VERSION_ID, id.to_string()),
        None => reply,
    })
}
