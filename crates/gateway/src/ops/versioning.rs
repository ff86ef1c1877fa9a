//! GetBucketVersioning and PutBucketVersioning.

use super::{OpBody, OpContext};
use crate::reply::{Reply, empty, xml};
use esker_index::command::CommandBody;
use esker_s3::S3Error;
use esker_s3::xml::read;
use esker_s3::xml::results::VersioningResult;
use esker_types::BucketName;
use hyper::http::StatusCode;

pub(super) async fn get(cx: OpContext<'_>, bucket: &BucketName) -> Result<Reply, S3Error> {
    let (_, summary) = cx.core.bucket(bucket).await?;
    Ok(xml(VersioningResult { state: summary.versioning }.to_xml()))
}

pub(super) async fn put(cx: OpContext<'_>, bucket: &BucketName, body: OpBody) -> Result<Reply, S3Error> {
    let state = read::versioning_configuration(&body.document(cx).await?)?;
    cx.core.command(bucket, |bucket| CommandBody::PutVersioning { bucket, state }).await?;
    Ok(empty(StatusCode::OK))
}
