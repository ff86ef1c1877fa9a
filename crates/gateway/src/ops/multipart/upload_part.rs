//! UploadPart, and what it shares with UploadPartCopy.

use super::super::put_object::DEFAULT_CHECKSUM;
use super::super::{OpBody, OpContext};
use super::{UploadParts, explain, require};
use crate::data::{Pipeline, StoreTarget, Stored, store};
use crate::reply::{Reply, ReplyExt as _, empty};
use crate::route::{Route, unexpected};
use esker_index::command::{CommandBody, NewData, Target};
use esker_index::outcome::Done;
use esker_s3::S3Error;
use esker_s3::body::BodyReader;
use esker_s3::checksum::{header_name, to_text};
use esker_s3::request::operation::UploadPart;
use esker_types::{BucketName, Checksum, ETag, ObjectKey, Timestamp, UploadId};
use hyper::http::{HeaderName, StatusCode, header};

pub(in crate::ops) async fn run(
    cx: OpContext<'_>,
    input: &UploadPart,
    body: OpBody,
) -> Result<Reply, S3Error> {
    let UploadPart { bucket, key, upload, part_number } = input;
    // Before the body is read: there is no sense in sending 5 GiB to an upload that is not there.
    let wanted = UploadParts { bucket, key, upload: *upload, after: 0, limit: 0 };
    let (route, page) = require(cx, wanted).await?;
    let stated = body.plan.stated_algorithm();
    let plan = match page.upload.checksum {
        Some(checksum) => body.plan.require_algorithm(checksum.algorithm)?,
        // The parts decide: if all have the same algorithm, the object will have it too.
        None => body.plan.or_compute(DEFAULT_CHECKSUM),
    };
    let mut pipeline = Pipeline::new(body.body, BodyReader::new(plan), &cx.core.digesters);
    let (stored, size) = store(cx.core, target(route), &mut pipeline).await?;
    let summary = pipeline.summary()?;
    let part = NewPart {
        bucket,
        key,
        upload: *upload,
        number: *part_number,
        size,
        etag: summary.etag(),
        checksum: summary.checksum.clone(),
    };
    let etag = part.etag.quoted();
    commit(cx, route, stored, part).await?;
    let reply = empty(StatusCode::OK).with(header::ETAG, etag);
    let shown = summary.checksum.filter(|_| stated.is_some() || page.upload.checksum.is_some());
    Ok(match shown {
        Some(checksum) => {
            let name = HeaderName::from_static(header_name(checksum.algorithm()));
            reply.with(name, to_text(&checksum))
        }
        None => reply,
    })
}

/// Where parts are stored: never in the index, which would have to move them into a manifest later.
pub(super) fn target(route: Route) -> StoreTarget {
    StoreTarget { group: route.group, inline_bytes_max: 0 }
}

/// A part whose bytes are safe.
pub(super) struct NewPart<'a> {
    pub(super) bucket: &'a BucketName,
    pub(super) key: &'a ObjectKey,
    pub(super) upload: UploadId,
    pub(super) number: u16,
    pub(super) size: u64,
    pub(super) etag: ETag,
    pub(super) checksum: Option<Checksum>,
}

/// Commits a part and returns when it was ordered.
pub(super) async fn commit(
    cx: OpContext<'_>,
    route: Route,
    stored: Stored,
    part: NewPart<'_>,
) -> Result<Timestamp, S3Error> {
    let command = |bucket, data| CommandBody::PutPart {
        target: Target { bucket, key: part.key.clone() },
        upload: part.upload,
        number: part.number,
        size: part.size,
        etag: part.etag.clone(),
        checksum: part.checksum.clone(),
        data: match data {
            NewData::Stored(data) => Some(data),
            // A part is stored or empty, see `target`.
            NewData::Empty | NewData::Inline(_) => None,
        },
    };
    let done = cx.core.commit_body(part.bucket, route, stored, command).await;
    match done.map_err(|error| explain(error, part.upload))? {
        Done::PartWritten { last_modified } => Ok(last_modified),
        other => Err(unexpected(&other)),
    }
}
