//! PutObject.

use super::commit::{explain, written};
use super::{OpBody, OpContext};
use crate::data::{Pipeline, StoreTarget, store};
use crate::reply::{Reply, ReplyExt as _, empty};
use esker_index::command::{CommandBody, NewObject, Target};
use esker_s3::S3Error;
use esker_s3::body::BodyReader;
use esker_s3::request::operation::PutObject;
use esker_types::{ChecksumAlgorithm, ObjectChecksum};
use hyper::http::{StatusCode, header};

/// The checksum of objects whose writers chose none, as in S3.
pub(super) const DEFAULT_CHECKSUM: ChecksumAlgorithm = ChecksumAlgorithm::Crc64Nvme;

pub(super) async fn run(cx: OpContext<'_>, input: PutObject, body: OpBody) -> Result<Reply, S3Error> {
    let PutObject { bucket, key, headers, condition } = input;
    let core = cx.core;
    let inline_bytes_max = core.settings.inline_bytes_max;
    // Before the body is read: a client that waits for permission is refused before it sends anything.
    let small = body.plan.length().is_some_and(|length| length <= inline_bytes_max as u64);
    let route = if small { core.route(&bucket).await?.0 } else { core.confirmed_route(&bucket).await? };

    let reader = BodyReader::new(body.plan.or_compute(DEFAULT_CHECKSUM));
    let mut pipeline = Pipeline::new(body.body, reader, &core.digesters);
    let target = StoreTarget { group: route.group, inline_bytes_max };
    let (stored, size) = store(core, target, &mut pipeline).await?;
    let summary = pipeline.summary()?;
    debug_assert_eq!(size, summary.size);

    let checksum = summary.checksum.clone().map(|value| ObjectChecksum { value, composite_of: None });
    let entropy = core.random.u64();
    let command = |bucket_id, data| CommandBody::PutObject {
        target: Target { bucket: bucket_id, key: key.clone() },
        object: NewObject {
            size,
            etag: summary.etag(),
            checksum: checksum.clone(),
            headers: headers.to_pairs(),
            data,
        },
        condition: condition.clone(),
        entropy,
    };
    let done = core.commit_body(&bucket, route, stored, command).await;
    let written = written(done.map_err(|error| explain(error, &condition, &key))?)?;
    Ok(empty(StatusCode::OK)
        .with(header::ETAG, written.etag.quoted())
        .with_version(written.shown_id)
        .with_checksum(written.checksum.as_ref()))
}
