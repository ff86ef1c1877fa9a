//! AbortMultipartUpload.

use super::super::OpContext;
use super::explain;
use crate::reply::{Reply, empty};
use esker_index::command::{CommandBody, Target};
use esker_s3::S3Error;
use esker_s3::request::operation::AbortMultipartUpload;
use hyper::http::StatusCode;

pub(in crate::ops) async fn run(cx: OpContext<'_>, input: &AbortMultipartUpload) -> Result<Reply, S3Error> {
    let AbortMultipartUpload { bucket, key, upload } = input;
    let command =
        |bucket| CommandBody::AbortUpload { target: Target { bucket, key: key.clone() }, upload: *upload };
    cx.core.command(bucket, command).await.map_err(|error| explain(error, *upload))?;
    Ok(empty(StatusCode::NO_CONTENT))
}
