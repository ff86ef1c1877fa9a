//! DeleteObject.

use super::OpContext;
use super::commit::explain;
use crate::reply::{DELETE_MARKER, Reply, ReplyExt as _, empty};
use crate::route::unexpected;
use esker_index::command::{CommandBody, Target};
use esker_index::outcome::{Done, Marker};
use esker_s3::S3Error;
use esker_s3::request::operation::DeleteObject;
use esker_types::{BucketName, ETagCondition, ObjectKey, VersionId, WriteCondition};
use hyper::http::StatusCode;

pub(super) async fn run(cx: OpContext<'_>, input: &DeleteObject) -> Result<Reply, S3Error> {
    let (version, marker) =
        delete(cx, &input.bucket, &input.key, input.version, input.if_match.as_ref()).await?;
    let reply = empty(StatusCode::NO_CONTENT).with_version(version);
    Ok(match marker {
        Marker::None => reply,
        Marker::Added | Marker::Removed => reply.with(DELETE_MARKER, "true"),
    })
}

/// Deletes a key or one version of it, as the bucket's state says (versioning.md, "DELETE").
pub(super) async fn delete(
    cx: OpContext<'_>,
    bucket: &BucketName,
    key: &ObjectKey,
    version: Option<VersionId>,
    condition: Option<&ETagCondition>,
) -> Result<(Option<VersionId>, Marker), S3Error> {
    let entropy = cx.core.random.u64();
    let command = |bucket| CommandBody::DeleteObject {
        target: Target { bucket, key: key.clone() },
        version,
        condition: condition.cloned(),
        entropy,
    };
    let named = WriteCondition { if_match: condition.cloned(), if_none_match: None };
    match cx.core.command(bucket, command).await.map_err(|error| explain(error, &named, key))? {
        Done::Deleted { version, marker } => Ok((version, marker)),
        other => Err(unexpected(&other)),
    }
}
