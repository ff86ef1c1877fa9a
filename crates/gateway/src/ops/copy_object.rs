//! CopyObject.
//!
//! Inside a Raft group no byte moves: the new version shares the source's data, and so keeps its ETag, parts and
//! checksum (s3-rules 7). Bytes are read and stored again only where that can't be: from another group, or when
//! the client asks for a checksum of another algorithm. Then ETag and checksum are those of the whole body.
//!
//! Both ways take so short a time, or send so early a reply, that no white space is sent to keep the connection
//! open (s3-rules 18).

use super::OpContext;
use super::commit::{explain, written};
use super::copy_source;
use super::put_object::DEFAULT_CHECKSUM;
use crate::data::{StoreTarget, store};
use crate::metadata::ProposeError;
use crate::refusal::s3_error;
use crate::reply::{COPY_SOURCE_VERSION_ID, Reply, ReplyExt as _, xml};
use crate::route::{Freshness, Route};
use esker_index::command::{CommandBody, CopyCondition, NewObject, Target};
use esker_index::outcome::{Refusal, Written};
use esker_index::query::Detail;
use esker_s3::request::operation::{CopyObject, MetadataDirective};
use esker_s3::request::{CopySource, ReadConditions};
use esker_s3::xml::results::CopyObjectResult;
use esker_s3::{ErrorCode, S3Error};
use esker_types::limits::PUT_BYTES_MAX;
use esker_types::{BucketName, ByteRange, ChecksumAlgorithm, ObjectChecksum};

pub(super) async fn run(cx: OpContext<'_>, mut input: CopyObject) -> Result<Reply, S3Error> {
    input.source = copy_source::literal(cx, input.source).await?;
    let written = match checksum_wanted(cx, &input).await? {
        Some(algorithm) => stream(cx, &input, Some(algorithm)).await?,
        None => match share(cx, &input).await? {
            Some(written) => written,
            None => stream(cx, &input, None).await?,
        },
    };
    let result = CopyObjectResult {
        etag: written.etag.clone(),
        last_modified: written.last_modified,
        checksum: written.checksum.clone(),
    };
    let reply = xml(result.to_xml()).with_version(written.shown_id);
    Ok(match written.source_id {
        Some(id) => reply.with(COPY_SOURCE_VERSION_ID, id.to_string()),
        None => reply,
    })
}

/// The algorithm that the client wants the copy's checksum to have, if the source's has another.
async fn checksum_wanted(
    cx: OpContext<'_>,
    input: &CopyObject,
) -> Result<Option<ChecksumAlgorithm>, S3Error> {
    let Some(wanted) = input.checksum_algorithm else { return Ok(None) };
    let source = copy_source::find(cx, &input.source, &input.source_conditions, Detail::Record).await?;
    let has = source.record.checksum.as_ref().map(|checksum| checksum.value.algorithm());
    Ok((has != Some(wanted)).then_some(wanted))
}

/// Shares the source's data; `None` if the buckets are of different groups.
async fn share(cx: OpContext<'_>, input: &CopyObject) -> Result<Option<Written>, S3Error> {
    let mut routes = Routes::find(cx, input).await?;
    loop {
        if routes.source.group != routes.target.group {
            return Ok(None);
        }
        let command = share_command(cx, input, &routes);
        match cx.core.metadata.propose(routes.target.group, command, None).await {
            Ok(done) => return written(done).map(Some),
            Err(ProposeError::Refused(Refusal::NoSuchBucket)) if routes.freshness == Freshness::Cached => {
                routes = routes.refresh(cx, input).await?;
            }
            Err(ProposeError::Refused(refusal @ (Refusal::NoSuchKey | Refusal::NoSuchVersion))) => {
                let error = s3_error(ProposeError::Refused(refusal));
                // If-Match on an absent target is refused in the same words; the source is the likelier one.
                let key = if input.condition.is_none() { &input.source.key } else { &input.key };
                return Err(error.with_extra("Key", key.as_str()));
            }
            Err(error) => return Err(explain(s3_error(error), &input.condition, &input.key)),
        }
    }
}

fn share_command(cx: OpContext<'_>, input: &CopyObject, routes: &Routes) -> CommandBody {
    let CopySource { key, version, .. } = &input.source;
    CommandBody::CopyObject {
        target: Target { bucket: routes.target.bucket, key: input.key.clone() },
        source: Target { bucket: routes.source.bucket, key: key.clone() },
        version: *version,
        source_condition: copy_condition(&input.source_conditions),
        headers: match &input.metadata {
            MetadataDirective::Copy => None,
            MetadataDirective::Replace(headers) => Some(headers.to_pairs()),
        },
        condition: input.condition.clone(),
        entropy: cx.core.random.u64(),
    }
}

fn copy_condition(conditions: &ReadConditions) -> CopyCondition {
    CopyCondition {
        if_match: conditions.if_match.clone(),
        if_none_match: conditions.if_none_match.clone(),
        if_modified_since: conditions.if_modified_since,
        if_unmodified_since: conditions.if_unmodified_since,
    }
}

/// The routes of both buckets.
struct Routes {
    source: Route,
    target: Route,
    /// `Cached` if either is.
    freshness: Freshness,
}

impl Routes {
    async fn find(cx: OpContext<'_>, input: &CopyObject) -> Result<Routes, S3Error> {
        let (source, first) = cx.core.route(&input.source.bucket).await?;
        let (target, second) = cx.core.route(&input.bucket).await?;
        let fresh = first == Freshness::Fresh && second == Freshness::Fresh;
        let freshness = if fresh { Freshness::Fresh } else { Freshness::Cached };
        Ok(Routes { source, target, freshness })
    }

    /// Both looked up again, after one of them led nowhere.
    async fn refresh(self, cx: OpContext<'_>, input: &CopyObject) -> Result<Routes, S3Error> {
        cx.core.routes.forget(&input.source.bucket, self.source);
        cx.core.routes.forget(&input.bucket, self.target);
        let source = cx.core.fresh_route(&input.source.bucket).await?;
        let target = cx.core.fresh_route(&input.bucket).await?;
        Ok(Routes { source, target, freshness: Freshness::Fresh })
    }
}

/// Reads the source at one resolved version and stores it again.
async fn stream(
    cx: OpContext<'_>,
    input: &CopyObject,
    algorithm: Option<ChecksumAlgorithm>,
) -> Result<Written, S3Error> {
    let mut source = copy_source::find(cx, &input.source, &input.source_conditions, Detail::Manifest).await?;
    if source.record.size > PUT_BYTES_MAX {
        return Err(S3Error::message(
            ErrorCode::InvalidRequest,
            format!(
                "The specified copy source is larger than the maximum allowable size for a copy source: \
                 {PUT_BYTES_MAX}"
            ),
        ));
    }
    let bucket: &BucketName = &input.bucket;
    let route = cx.core.confirmed_route(bucket).await?;
    let kept = source.record.checksum.as_ref().map(|checksum| checksum.value.algorithm());
    let algorithm = algorithm.or(kept).unwrap_or(DEFAULT_CHECKSUM);
    let range = ByteRange::whole(source.record.size);
    let mut pipeline = copy_source::read(cx, &mut source, range, algorithm).await?;
    let target = StoreTarget { group: route.group, inline_bytes_max: cx.core.settings.inline_bytes_max };
    let (stored, size) = store(cx.core, target, &mut pipeline).await?;
    let (_, etag, checksum) = pipeline.digests()?;

    let headers = match &input.metadata {
        MetadataDirective::Copy => source.record.headers.clone(),
        MetadataDirective::Replace(headers) => headers.to_pairs(),
    };
    let entropy = cx.core.random.u64();
    let command = |bucket_id, data| CommandBody::PutObject {
        target: Target { bucket: bucket_id, key: input.key.clone() },
        object: NewObject {
            size,
            etag: etag.clone(),
            checksum: Some(ObjectChecksum { value: checksum.clone(), composite_of: None }),
            headers: headers.clone(),
            data,
        },
        condition: input.condition.clone(),
        entropy,
    };
    let done = cx.core.commit_body(bucket, route, stored, command).await;
    let mut written = written(done.map_err(|error| explain(error, &input.condition, &input.key))?)?;
    written.source_id = source.shown_version;
    Ok(written)
}
