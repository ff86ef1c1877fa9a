//! CreateMultipartUpload.

use super::super::OpContext;
use crate::reply::{CHECKSUM_TYPE, Reply, ReplyExt as _, xml};
use esker_index::command::{CommandBody, Target};
use esker_index::records::UploadChecksum;
use esker_s3::S3Error;
use esker_s3::request::operation::CreateMultipartUpload;
use esker_s3::xml::results::InitiateMultipartUploadResult;
use esker_types::UploadId;
use hyper::http::HeaderName;

const CHECKSUM_ALGORITHM: HeaderName = HeaderName::from_static("x-amz-checksum-algorithm");

pub(in crate::ops) async fn run(cx: OpContext<'_>, input: &CreateMultipartUpload) -> Result<Reply, S3Error> {
    let CreateMultipartUpload { bucket, key, headers, checksum } = input;
    // By time, so that uploads of a key list in the order in which they were begun.
    let upload = UploadId(cx.core.random.uuid_v7(cx.core.now().millis()));
    let command = |bucket| CommandBody::CreateUpload {
        target: Target { bucket, key: key.clone() },
        upload,
        headers: headers.to_pairs(),
        checksum: checksum.map(|(algorithm, kind)| UploadChecksum { algorithm, kind }),
    };
    cx.core.command(bucket, command).await?;
    let reply = xml(InitiateMultipartUploadResult { bucket, key, upload }.to_xml());
    Ok(match checksum {
        Some((algorithm, kind)) => {
            reply.with(CHECKSUM_ALGORITHM, algorithm.name()).with(CHECKSUM_TYPE, kind.name())
        }
        None => reply,
    })
}
