//! Multipart uploads.

mod abort;
mod complete;
mod create;
mod list_parts;
mod list_uploads;
mod upload_part;
mod upload_part_copy;

pub(super) use abort::run as abort;
pub(super) use complete::run as complete;
pub(super) use create::run as create;
pub(super) use list_parts::run as list_parts;
pub(super) use list_uploads::run as list_uploads;
pub(super) use upload_part::run as upload_part;
pub(super) use upload_part_copy::run as upload_part_copy;

use super::OpContext;
use crate::route::Route;
use esker_index::query::{Answer, PartsPage, Query};
use esker_index::records::UploadChecksum;
use esker_s3::xml::results::ChecksumKind;
use esker_s3::{ErrorCode, S3Error};
use esker_types::{BucketName, ObjectKey, UploadId};

/// Which upload, and which of its parts.
struct UploadParts<'a> {
    bucket: &'a BucketName,
    key: &'a ObjectKey,
    upload: UploadId,
    /// Parts with higher numbers than this.
    after: u16,
    limit: usize,
}

/// An upload and a page of its parts, and the route of its bucket; `None` if there is no such upload.
async fn find(cx: OpContext<'_>, wanted: UploadParts<'_>) -> Result<(Route, Option<PartsPage>), S3Error> {
    let UploadParts { bucket: name, key, upload, after, limit } = wanted;
    let query = |bucket| Query::Parts { bucket, key: key.clone(), upload, after, limit };
    // The answer does not tell a missing upload from a missing bucket.
    let pick = |answer| match answer {
        Answer::Parts(page) => Some(Some(page)),
        _ => None,
    };
    let (route, page) = cx.core.ask(name, query, pick).await?;
    if page.is_some() {
        return Ok((route, page));
    }
    let (live, _) = cx.core.bucket(name).await?;
    if live == route {
        return Ok((route, None));
    }
    cx.core.ask(name, query, pick).await
}

/// As [`find`], where there is nothing to do without the upload.
async fn require(cx: OpContext<'_>, wanted: UploadParts<'_>) -> Result<(Route, PartsPage), S3Error> {
    let upload = wanted.upload;
    match find(cx, wanted).await? {
        (route, Some(page)) => Ok((route, page)),
        (_, None) => Err(no_such_upload(upload)),
    }
}

fn no_such_upload(upload: UploadId) -> S3Error {
    S3Error::new(ErrorCode::NoSuchUpload).with_extra("UploadId", upload.to_string())
}

/// Names the upload in a refusal.
fn explain(error: S3Error, upload: UploadId) -> S3Error {
    match error.code {
        ErrorCode::NoSuchUpload => error.with_extra("UploadId", upload.to_string()),
        _ => error,
    }
}

fn checksum_kind(checksum: Option<UploadChecksum>) -> Option<ChecksumKind> {
    checksum.map(|checksum| ChecksumKind { algorithm: checksum.algorithm, checksum_type: checksum.kind })
}
